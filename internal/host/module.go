// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/files"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/program"
	"github.com/falco-bootstrap/falco-bootstrap/internal/redact"
)

// kernelRelease matches a kernel release that is safe in a path and in a glob
// pattern.
var kernelRelease = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._+~-]*$`)

// findModule looks for Falco's module where modprobe and dkms keep it. It needs
// neither modinfo nor dkms.
func findModule(t files.Tree, kernel string) (node.Module, error) {
	if !kernelRelease.MatchString(kernel) {
		return node.Module{}, fmt.Errorf("looking for the kernel module: %q is not a kernel release", kernel)
	}
	// dkms: /var/lib/dkms/MODULE/VERSION/KERNEL/ARCH/module/FILE. A module
	// without the source of VERSION comes from an earlier package, and the new
	// Falco refuses it. falcoctl leaves such modules behind: it cleans up only if
	// it would choose the module itself.
	tracked := false
	for _, where := range t.Glob("/var/lib/dkms/falco/*/" + kernel + "/*/module/falco.ko*") {
		tracked = true
		version, _, _ := strings.Cut(strings.TrimPrefix(where, "/var/lib/dkms/falco/"), "/")
		if _, err := t.Lstat("/usr/src/falco-" + version); err == nil {
			return node.Module{Built: true, Where: where}, nil
		}
	}
	for _, dir := range []string{"extra", "updates", "weak-updates"} {
		if where := findModuleFile(t, path.Join("lib/modules", kernel, dir)); where != "" && !tracked {
			return node.Module{Built: true, Where: where}, nil
		}
	}
	return node.Module{Where: "no falco.ko for " + kernel + " in /lib/modules or /var/lib/dkms"}, nil
}

// findModuleFile walks a directory of modules, which may be nested, such as
// updates/dkms.
func findModuleFile(t files.Tree, dir string) string {
	found := ""
	// An error means that there is no such directory.
	_ = fs.WalkDir(t, dir, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return fs.SkipDir
		case !entry.IsDir() && moduleFile.MatchString(entry.Name()):
			found = "/" + name
			return fs.SkipAll
		}
		return nil
	})
	return found
}

// moduleFile matches the name of Falco's module, compressed or not.
var moduleFile = regexp.MustCompile(`^falco\.ko(\.(xz|gz|zst))?$`)

// buildModule builds Falco's kernel module. The error of a failed build includes
// the end of the compiler's output, which dkms keeps in a file and does not show.
func (m *Machine) buildModule(ctx context.Context, c node.BuildModule) error {
	env := []string{"HOME=/root"}
	if c.Path != "" {
		env = append(env, "PATH="+c.Path+":/usr/sbin:/usr/bin:/sbin:/bin")
	}
	began := time.Now()
	for _, argv := range c.Commands {
		if len(argv) == 0 || !filepath.IsAbs(argv[0]) {
			return fmt.Errorf("%s: %q is not an absolute path", c, argv)
		}
		out, err := program.Run(ctx, program.Command{
			Argv: argv, Env: env, Timeout: c.Timeout, Grace: 5 * time.Second, Keep: 64 << 10, Combined: true,
			Heartbeat: func(message string, elapsed time.Duration) {
				m.opts.tell(node.Progress{Message: redact.Text(message), Elapsed: elapsed})
			},
		})
		if err != nil || out.Status != 0 {
			return m.buildError(c, argv, out, err, began)
		}
	}
	return nil
}

func (m *Machine) buildError(c node.BuildModule, argv []string, out program.Result, err error, began time.Time) error {
	if err == nil {
		err = errors.New(out.Failure(strings.Join(argv, " ")))
	}
	log, lines := m.makeLog(began)
	if len(lines) == 0 {
		log, lines = filepath.Base(argv[0]), program.LastLines(out.Stdout, 20)
	}
	return node.Errorf(node.CodeFailed,
		"check that the devel package is for kernel "+c.Kernel+", and which compiler that kernel was built with; the modern_ebpf driver needs no module",
		"%s: %w; the end of %s: %s", c, err, log, redact.Text(strings.Join(lines, "\n")))
}

// makeLog returns the end of dkms's newest make.log, if this build wrote it. A
// failed build leaves it in build/, a finished one below the kernel's name.
func (m *Machine) makeLog(began time.Time) (path string, lines []string) {
	logs := slices.Concat(m.tree.Glob("/var/lib/dkms/falco/*/build/make.log"), m.tree.Glob("/var/lib/dkms/falco/*/*/*/log/make.log"))
	newest := began.Add(-time.Second) // file times may lag behind the clock by a tick
	for _, log := range logs {
		if file, err := m.tree.Lstat(log); err == nil && !file.ModTime.Before(newest) {
			path, newest = log, file.ModTime
		}
	}
	content, err := m.tree.ReadFile(strings.TrimPrefix(path, "/"))
	if err != nil {
		return "", nil
	}
	return path, program.LastLines(content, 20)
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

// kernelRelease is what a kernel release may look like: it becomes part of a
// path and of glob patterns.
var kernelRelease = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._+~-]*$`)

// findModule looks for Falco's module where modprobe and dkms keep it. Files
// say it as well as modinfo and dkms status do, which are two programs more.
func findModule(t tree, kernel string) (node.Module, error) {
	if !kernelRelease.MatchString(kernel) {
		return node.Module{}, fmt.Errorf("looking for the kernel module: %q is no kernel release", kernel)
	}
	// dkms: /var/lib/dkms/MODULE/VERSION/KERNEL/ARCH/module/FILE. The source of
	// VERSION is of the installed package, or the module is of one before it,
	// which the new Falco refuses. falcoctl leaves such behind: it cleans up
	// only if it would choose the module itself.
	tracked := false
	for _, where := range t.glob("/var/lib/dkms/falco/*/" + kernel + "/*/module/falco.ko*") {
		tracked = true
		version, _, _ := strings.Cut(strings.TrimPrefix(where, "/var/lib/dkms/falco/"), "/")
		if _, err := t.stat("/usr/src/falco-" + version); err == nil {
			return node.Module{Built: true, Where: where}, nil
		}
	}
	for _, folder := range []string{"extra", "updates", "weak-updates"} {
		if where := findModuleFile(t, path.Join("lib/modules", kernel, folder)); where != "" && !tracked {
			return node.Module{Built: true, Where: where}, nil
		}
	}
	return node.Module{Where: "no falco.ko for " + kernel + " in /lib/modules or /var/lib/dkms"}, nil
}

// findModuleFile walks a folder of modules, which may be nested, such as
// updates/dkms.
func findModuleFile(t tree, folder string) string {
	found := ""
	// An error means that there is no such folder, or that it went away.
	_ = fs.WalkDir(t, folder, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return fs.SkipDir
		case !entry.IsDir() && moduleFile(entry.Name()):
			found = "/" + name
			return fs.SkipAll
		}
		return nil
	})
	return found
}

// moduleFile reports whether a file is Falco's module, compressed or not.
func moduleFile(name string) bool {
	rest, ok := strings.CutPrefix(name, "falco.ko")
	return ok && (rest == "" || rest == ".xz" || rest == ".gz" || rest == ".zst")
}

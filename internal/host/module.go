// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"

	"github.com/falco-bootstrap/falco-bootstrap/internal/files"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

// kernelRelease is the form of a kernel release, which becomes part of a path and
// of glob patterns.
var kernelRelease = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._+~-]*$`)

// findModule looks for Falco's module where modprobe and dkms keep it, which
// needs neither modinfo nor dkms.
func findModule(t files.Tree, kernel string) (node.Module, error) {
	if !kernelRelease.MatchString(kernel) {
		return node.Module{}, fmt.Errorf("looking for the kernel module: %q is not a kernel release", kernel)
	}
	// dkms: /var/lib/dkms/MODULE/VERSION/KERNEL/ARCH/module/FILE. A module
	// without the source of VERSION is of an earlier package, and the new Falco
	// refuses it. falcoctl leaves such modules behind: it cleans up only if it
	// would choose the module itself.
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

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package repos

import (
	"io/fs"
	"slices"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/dnfconf"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/osrelease"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/yumrepo"
)

// Home returns the file for the section: the usual one, or another one if only
// that has it. elsewhere are all other files with the section.
func Home(files map[string][]byte, usual, id string) (home string, elsewhere []string) {
	for _, name := range yumrepo.FilesWith(files, id) {
		if name != usual {
			elsewhere = append(elsewhere, name)
		}
	}
	if files[usual] == nil && len(elsewhere) == 1 {
		return elsewhere[0], nil
	}
	return usual, elsewhere
}

// DisableEPEL plans to disable the EPEL sections of a file, and names those
// that are disabled already.
func DisableEPEL(name string, old []byte) (changes []node.Change, off []string, err error) {
	edited := old
	for _, s := range dnfconf.Repositories(map[string][]byte{name: old}) { // none in a file that dnf skips
		id := s.ID
		switch {
		case !yumrepo.IsEPEL(s):
			continue
		case !s.Enabled():
			off = append(off, id)
			continue
		}
		if edited, err = yumrepo.Set(edited, id, yumrepo.KeyValue{Key: "enabled", Value: "0"}); err != nil {
			return nil, nil, node.Errorf(node.CodePackages, "set enabled=0 for "+id+" by hand, or declare epel.after: unchanged", "editing %s: %w", name, err)
		}
		changes = []node.Change{node.WriteFile{Path: name, Old: old, New: edited, Mode: 0o644, Cause: node.Because(node.DriftEPEL, "EPEL is used for one transaction only")}}
	}
	return changes, off, nil
}

// HaveHeaders reports whether the headers of the running kernel are there: the
// package by its name, or a package of another name, by what dkms builds with.
func HaveHeaders(tree fs.FS, k osrelease.Kernel, rpm node.Packages) bool {
	devel := k.DevelPackage()
	if slices.ContainsFunc(rpm.Installed[k.DevelName()], func(q node.Package) bool { return q.NEVRA() == devel }) {
		return true
	}
	info, err := fs.Stat(tree, "lib/modules/"+k.Release+"/build/include")
	return err == nil && info.IsDir()
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package inforce

import (
	"errors"
	"io/fs"
	"path"
	"regexp"

	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

// unpacked matches the name under which rpm writes a file before it renames it:
// the name, a semicolon and the transaction's number (fsmBackup and fsmMkfile of
// lib/fsm.c). Such a file stays where power is lost meanwhile.
var unpacked = regexp.MustCompile(`.;[0-9a-f]{8}$`)

// Leftovers returns the removal of what a package transaction that was cut off left
// beside Falco's files. Falco loads a leftover in config.d like any other file there.
// While a transaction runs, the files are its own, and there is a warning instead.
func Leftovers(view node.View) ([]node.Change, []node.Warning, error) {
	running, err := view.Transaction()
	switch {
	case errors.Is(err, node.ErrNotAsked):
	case err != nil:
		return nil, nil, err
	case running.By != "":
		return nil, []node.Warning{{Message: "a package transaction is going on, that of " + running.String(), Hint: running.Hint()}}, nil
	}
	var changes []node.Change
	for _, dir := range falco.Directories() {
		for _, file := range unpackedIn(view.Tree(), dir) {
			changes = append(changes, node.RemoveFile{Path: file, Cause: node.Because(node.DriftFiles, "left by a package transaction that was cut off")})
		}
	}
	return changes, nil, nil
}

// unpackedIn returns the leftovers in a directory of Falco's, and below it if it is
// Falco's alone. A directory that cannot be read has none; steps that need it say so.
func unpackedIn(tree fs.FS, dir falco.Directory) []string {
	roots, _ := fs.Glob(tree, dir.Pattern[1:])
	var found []string
	for _, root := range roots {
		_ = fs.WalkDir(tree, root, func(name string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return nil
			case d.IsDir() && name != root && dir.Shared:
				return fs.SkipDir
			case d.Type().IsRegular() && unpacked.MatchString(name) && dir.Has(path.Base(name)):
				found = append(found, "/"+name)
			}
			return nil
		})
	}
	return found
}

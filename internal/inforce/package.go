// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package inforce

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

// Damaged returns the files of Falco's package that it does not work without:
// those that are missing, have other content, or cannot be trusted or executed
// any more. What else a site does to modes and owners is its own.
func Damaged(ctx context.Context, view node.View) ([]node.AlteredFile, error) {
	altered, err := view.Altered(ctx)
	if err != nil {
		return nil, err
	}
	// rpm counts a dangling link that replaces a file as altered, and never
	// lists it if it is a configuration file.
	isConfig := func(a node.AlteredFile) bool { return a.Path == falco.ConfigFile }
	if !slices.ContainsFunc(altered, isConfig) {
		altered = append(slices.Clip(altered), node.AlteredFile{Path: falco.ConfigFile, Missing: true, Unseen: true})
	}
	var out []node.AlteredFile
	for _, a := range altered {
		is, err := isDamaged(view, a)
		if err != nil {
			return nil, fmt.Errorf("looking at Falco's files: %w", err)
		}
		if is {
			out = append(out, a)
		}
	}
	return out, nil
}

func isDamaged(view node.View, a node.AlteredFile) (bool, error) {
	switch {
	case a.Unseen:
		_, err := fs.Stat(view.Tree(), strings.TrimPrefix(a.Path, "/"))
		if errors.Is(err, fs.ErrNotExist) {
			return true, nil
		}
		return false, err
	case a.Missing || strings.ContainsAny(a.What, "S5LD"):
		return true, nil
	}
	file, err := view.Stat(a.Path)
	if err != nil {
		return false, err
	}
	program := path.Dir(a.Path) == path.Dir(falco.Program)
	if !file.Mode.IsRegular() {
		return program, nil
	}
	return strings.Contains(a.What, "U") || file.Mode&0o022 != 0 || program && file.Mode&0o111 == 0, nil
}

// ListAltered names the first few altered files, since there may be hundreds.
func ListAltered(altered []node.AlteredFile) string {
	const most = 5
	var names []string
	for _, a := range altered[:min(len(altered), most)] {
		if a.Missing {
			names = append(names, a.Path+" is missing")
		} else {
			names = append(names, a.Path+" is altered ("+a.What+")")
		}
	}
	text := strings.Join(names, ", ")
	if more := len(altered) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package inforce

import "github.com/falco-bootstrap/falco-bootstrap/internal/node"

// RequireRegular fails if something else than a regular file is where a change
// writes one. A run would fail on it, and so does a dry run.
func RequireRegular(view node.View, changes []node.Change) error {
	for _, c := range changes {
		w, ok := c.(node.WriteFile)
		if !ok {
			continue
		}
		is, err := view.Stat(w.Path)
		switch {
		case err != nil || is.Mode.IsRegular():
		case is.Target != "":
			return node.Errorf(node.CodeFailed, node.HintNotRegular, "changing %s: not a regular file, but a link to %s", w.Path, is.Target)
		default:
			return node.Errorf(node.CodeFailed, node.HintNotRegular, "changing %s: not a regular file, but a %s", w.Path, node.Kind(is.Mode))
		}
	}
	return nil
}

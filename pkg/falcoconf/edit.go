// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falcoconf

import (
	"bytes"
	"slices"
)

// Set returns src with the given keys set, or src itself (the same slice) if
// all of them are already so. Either every setting is applied or none is: the
// result is nil if there is an error. Where two settings touch the same key the
// later one wins.
//
// A map is set as a whole: keys that it does not name are removed from it. Name
// leaves to keep their siblings.
func Set(src []byte, settings ...Setting) ([]byte, error) {
	d, err := parse(src)
	if err != nil {
		return nil, err
	}
	paths := make([][]step, len(settings))
	for i, s := range settings {
		if paths[i], err = settingPath(s.Path); err != nil {
			return nil, err
		}
	}
	want := any(d.tree)
	for i, s := range settings {
		value, err := normalise(s.Path, s.Value)
		if err != nil {
			return nil, err
		}
		if isOverwritten(paths[i], paths[i+1:]) {
			continue
		}
		if want, err = withValue(want, paths[i], 0, value); err != nil {
			return nil, err
		}
	}
	return d.rewrite(want)
}

// isOverwritten reports whether a later path is the same or leads to what is
// around it.
func isOverwritten(path []step, later [][]step) bool {
	return slices.ContainsFunc(later, func(p []step) bool {
		return len(p) <= len(path) && slices.Equal(p, path[:len(p)])
	})
}

// Remove returns src without the key or list entry at path, or src itself (the
// same slice) if it is not there. Comments around the key stay. A map or list
// that is left with nothing becomes {} or [].
func Remove(src []byte, path string) ([]byte, error) {
	d, err := parse(src)
	if err != nil {
		return nil, err
	}
	steps, err := settingPath(path)
	if err != nil {
		return nil, err
	}
	want, err := without(d.tree, steps, 0)
	if err != nil {
		return nil, err
	}
	return d.rewrite(want)
}

// Get returns the value at path and the 1-based line of its key (or of a list
// entry). ok is false if nothing is there, which includes a path that leads
// through a scalar; a key without a value is there, and nil.
func Get(src []byte, path string) (value any, line int, ok bool, err error) {
	d, err := parse(src)
	if err != nil {
		return nil, 0, false, err
	}
	steps, err := settingPath(path)
	if err != nil || d.root == nil {
		return nil, 0, false, err
	}
	n, line := find(d.root, steps)
	if n == nil {
		return nil, 0, false, nil
	}
	m := modeller{budget: maxNodes, expand: true}
	value, err = m.value(n, path, 0)
	if err != nil {
		return nil, 0, false, err
	}
	return value, line, true, nil
}

// rewrite returns the bytes of d changed so that they read as want.
func (d *document) rewrite(want any) ([]byte, error) {
	if same(d.tree, want) {
		return d.src, nil
	}
	e := &editor{d: d, in: d.indentation()}
	if err := e.root(want.(map[string]any)); err != nil {
		return nil, err
	}
	out, ok := e.apply()
	if !ok {
		return nil, unsupported(0, "", "edits overlap", "set fewer keys at once, or edit the file by hand")
	}
	if err := prove(out, want); err != nil {
		return nil, err
	}
	return out, nil
}

// prove refuses an edit whose bytes do not read as want.
func prove(out []byte, want any) error {
	const hint = "edit the file by hand, or write the surroundings of the key in plain block style"
	d, err := parse(out)
	if err != nil {
		return unsupported(0, "", "edit would not leave valid YAML ("+err.Error()+")", hint)
	}
	if !same(d.tree, want) {
		return unsupported(0, "", "edit would change more than what was asked", hint)
	}
	return nil
}

// A splice replaces the bytes [from, to) by text.
type splice struct {
	from, to int
	text     string
}

// apply returns the document with the splices made. Splices at one place are
// made in the order in which they were planned; deletions may overlap.
func (e *editor) apply() ([]byte, bool) {
	slices.SortStableFunc(e.splices, func(a, b splice) int { return a.from - b.from })
	var out bytes.Buffer
	at := 0
	for _, s := range e.splices {
		if s.text == "" && s.from < at {
			s.from = min(at, s.to)
		}
		if s.from < at || s.to < s.from || s.to > len(e.d.src) {
			return nil, false
		}
		out.Write(e.d.src[at:s.from])
		out.WriteString(s.text)
		at = s.to
	}
	out.Write(e.d.src[at:])
	return out.Bytes(), true
}

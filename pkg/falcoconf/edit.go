// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falcoconf

import (
	"bytes"
	"fmt"
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
	want := any(d.tree)
	for _, s := range settings {
		if err := checkPath(s.Path); err != nil {
			return nil, err
		}
		steps, err := parsePath(s.Path)
		if err != nil {
			return nil, err
		}
		value, err := normalise(s.Path, s.Value)
		if err != nil {
			return nil, err
		}
		if want, err = withValue(want, steps, 0, value); err != nil {
			return nil, err
		}
	}
	return d.rewrite(want)
}

// Remove returns src without the key or list entry at path, or src itself (the
// same slice) if it is not there. Comments around the key stay. A map or list
// that is left with nothing becomes {} or [].
func Remove(src []byte, path string) ([]byte, error) {
	d, err := parse(src)
	if err != nil {
		return nil, err
	}
	if err := checkPath(path); err != nil {
		return nil, err
	}
	steps, err := parsePath(path)
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
	if err := checkPath(path); err != nil {
		return nil, 0, false, err
	}
	steps, err := parsePath(path)
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

// withValue returns a copy of tree in which the value at steps is value. Maps
// and lists that are missing on the way are made. at is how many steps are done.
func withValue(tree any, steps []step, at int, value any) (any, error) {
	if at == len(steps) {
		plain, err := expanded(tree)
		if err == nil && same(plain, value) {
			return tree, nil // keeps an alias that says the same
		}
		return value, err
	}
	if alias, ok := tree.(aliasRef); ok {
		return withinAlias(alias, steps, at, value)
	}
	s := steps[at]
	path := formatPath(steps[:at])
	if s.isIndex() {
		list, ok := tree.([]any)
		if !ok && tree != nil {
			return nil, conflict(path, tree, "a list")
		}
		if s.index > len(list) {
			return nil, &Error{Path: path, Reason: fmt.Sprintf("list has %d entries, none numbered %d", len(list), s.index), Hint: "set the entries one after the other, or the whole list", Err: ErrConflict}
		}
		list = slices.Clone(list)
		if s.index == len(list) {
			list = append(list, nil)
		}
		var err error
		list[s.index], err = withValue(list[s.index], steps, at+1, value)
		return list, err
	}
	m, ok := tree.(map[string]any)
	if !ok && tree != nil {
		return nil, conflict(path, tree, "a map")
	}
	out := make(map[string]any, len(m)+1)
	for key := range m {
		out[key] = m[key]
	}
	var err error
	out[s.key], err = withValue(out[s.key], steps, at+1, value)
	return out, err
}

// withinAlias leaves an alias alone if what it stands for is already so, and
// refuses to change it otherwise, since that would change its anchor too.
func withinAlias(alias aliasRef, steps []step, at int, value any) (any, error) {
	plain, err := expanded(alias)
	if err != nil {
		return nil, err
	}
	changed, err := withValue(plain, steps, at, value)
	if err != nil {
		return nil, err
	}
	if same(plain, changed) {
		return alias, nil
	}
	return nil, aliasError(formatPath(steps[:at]), alias.name)
}

func aliasError(path, name string) *Error {
	return unsupported(0, path, "value is the alias *"+name, "write the value out in place of the alias")
}

func conflict(path string, v any, want string) *Error {
	return &Error{Path: path, Reason: "value is " + kindOf(v) + ", not " + want, Hint: "set the key itself, or remove it first", Err: ErrConflict}
}

// without returns a copy of tree that lacks what is at steps.
func without(tree any, steps []step, at int) (any, error) {
	s, last := steps[at], at == len(steps)-1
	switch tree := tree.(type) {
	case aliasRef:
		plain, err := expanded(tree)
		if err != nil {
			return nil, err
		}
		left, err := without(plain, steps, at)
		if err == nil && !same(plain, left) {
			err = aliasError(formatPath(steps[:at]), tree.name)
		}
		return tree, err
	case map[string]any:
		v, ok := tree[s.key]
		if s.isIndex() || !ok {
			return tree, nil
		}
		out := make(map[string]any, len(tree))
		for key := range tree {
			out[key] = tree[key]
		}
		if last {
			delete(out, s.key)
			return out, nil
		}
		var err error
		out[s.key], err = without(v, steps, at+1)
		return out, err
	case []any:
		if !s.isIndex() || s.index >= len(tree) {
			return tree, nil
		}
		list := slices.Clone(tree)
		if last {
			return slices.Delete(list, s.index, s.index+1), nil
		}
		var err error
		list[s.index], err = without(list[s.index], steps, at+1)
		return list, err
	default:
		return tree, nil
	}
}

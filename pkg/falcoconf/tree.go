// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falcoconf

import (
	"fmt"
	"slices"

	"gopkg.in/yaml.v3"
)

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

// find walks from n along steps and returns the node there with the line of its
// key, or nil.
func find(n *yaml.Node, steps []step) (*yaml.Node, int) {
	line := n.Line
	for _, s := range steps {
		for n.Kind == yaml.AliasNode {
			n = n.Alias
		}
		var next *yaml.Node
		switch {
		case s.isIndex() && n.Kind == yaml.SequenceNode && s.index < len(n.Content):
			next = n.Content[s.index]
			line = next.Line
		case !s.isIndex() && n.Kind == yaml.MappingNode:
			for i := 0; i+1 < len(n.Content); i += 2 {
				if n.Content[i].Value == s.key {
					next, line = n.Content[i+1], n.Content[i].Line
					break
				}
			}
		}
		if next == nil {
			return nil, 0
		}
		n = next
	}
	return n, line
}

// expanded returns v with its aliases replaced by what they stand for.
func expanded(v any) (any, error) {
	m := modeller{budget: maxNodes, expand: true}
	return m.expanded(v)
}

func (m *modeller) expanded(v any) (any, error) {
	switch v := v.(type) {
	case aliasRef:
		return m.value(v.target, "", 0)
	case []any:
		list := make([]any, len(v))
		for i := range v {
			item, err := m.expanded(v[i])
			if err != nil {
				return nil, err
			}
			list[i] = item
		}
		return list, nil
	case map[string]any:
		out := make(map[string]any, len(v))
		for key := range v {
			item, err := m.expanded(v[key])
			if err != nil {
				return nil, err
			}
			out[key] = item
		}
		return out, nil
	default:
		return v, nil
	}
}

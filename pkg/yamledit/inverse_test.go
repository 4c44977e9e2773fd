// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package yamledit

import (
	"maps"
	"slices"

	"gopkg.in/yaml.v3"
)

// The inverse of Set, and a reader that shares no code with it: the tests hold
// Set against both.

// Remove returns src without the key or list entry at path, or src itself if it
// is not there. Comments around the key stay. A map or list that loses its last
// entry becomes {} or [].
func Remove(src []byte, path string) ([]byte, error) {
	d, err := parse(src)
	if err != nil {
		return nil, err
	}
	p, err := settablePath(path)
	if err != nil {
		return nil, err
	}
	want, err := without(d.tree, p, 0)
	if err != nil {
		return nil, err
	}
	return d.rewrite(want)
}

// Get returns the value at path and the 1-based line of its key (or of the list
// entry). ok is false if nothing is there or the path leads through a scalar. The
// value of a key without one is nil, and ok is true. See [Scalar] for the types.
func Get(src []byte, path string) (value any, line int, ok bool, err error) {
	d, err := parse(src)
	if err != nil {
		return nil, 0, false, err
	}
	p, err := settablePath(path)
	if err != nil || d.root == nil {
		return nil, 0, false, err
	}
	n, line := find(d.root, p)
	if n == nil {
		return nil, 0, false, nil
	}
	value, err = valueOf(n, path)
	if err != nil {
		return nil, 0, false, err
	}
	return value, line, true, nil
}

// without returns a copy of tree that lacks what is at path. The first done
// steps of the path lead to tree.
func without(tree any, path Path, done int) (any, error) {
	s, last := path[done], done == len(path)-1
	switch tree := tree.(type) {
	case alias:
		return withinAlias(tree, path[:done], func(plain any) (any, error) { return without(plain, path, done) })
	case map[string]any:
		v, ok := tree[s.Key]
		if s.IsIndex() || !ok {
			break
		}
		out := maps.Clone(tree)
		if last {
			delete(out, s.Key)
			return out, nil
		}
		var err error
		out[s.Key], err = without(v, path, done+1)
		return out, err
	case []any:
		if !s.IsIndex() || s.Index >= len(tree) {
			break
		}
		list := slices.Clone(tree)
		if last {
			return slices.Delete(list, s.Index, s.Index+1), nil
		}
		var err error
		list[s.Index], err = without(list[s.Index], path, done+1)
		return list, err
	}
	return tree, nil
}

// find walks from n along path and returns the node there with the line of its
// key, or nil.
func find(n *yaml.Node, path Path) (*yaml.Node, int) {
	line := n.Line
	for _, s := range path {
		for n.Kind == yaml.AliasNode {
			n = n.Alias
		}
		var next *yaml.Node
		switch {
		case s.IsIndex() && n.Kind == yaml.SequenceNode && s.Index < len(n.Content):
			next = n.Content[s.Index]
			line = next.Line
		case !s.IsIndex() && n.Kind == yaml.MappingNode:
			for i := 0; i < len(n.Content) && next == nil; i += 2 {
				if n.Content[i].Value == s.Key {
					next, line = n.Content[i+1], n.Content[i].Line
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

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package yamledit

import "fmt"

// copied returns a tree that shares no map and no list with tree.
func copied(tree any) any {
	switch tree := tree.(type) {
	case map[string]any:
		out := make(map[string]any, len(tree))
		for key, value := range tree {
			out[key] = copied(value)
		}
		return out
	case []any:
		out := make([]any, len(tree))
		for i, value := range tree {
			out[i] = copied(value)
		}
		return out
	}
	return tree
}

// withValue sets the value at path in tree, which it changes, and returns tree or what
// takes its place. It creates the maps and lists that are missing on the way. The first
// done steps of the path lead to tree.
func withValue(tree any, path Path, done int, value any) (any, error) {
	if done == len(path) {
		plain, err := expanded(tree)
		if err == nil && equal(plain, value) {
			return tree, nil // keeps an alias to an equal value
		}
		return value, err
	}
	if a, ok := tree.(alias); ok {
		return withinAlias(a, path[:done], func(plain any) (any, error) { return withValue(plain, path, done, value) })
	}
	if s := path[done]; !s.IsIndex() {
		m, ok := tree.(map[string]any)
		if !ok && tree != nil {
			return nil, conflict(path[:done], "value is not a map", "set the key itself, or remove it first")
		}
		if m == nil {
			m = map[string]any{}
		}
		var err error
		m[s.Key], err = withValue(m[s.Key], path, done+1, value)
		return m, err
	}
	return withEntry(tree, path, done, value)
}

// withEntry is withValue for a step that is an index.
func withEntry(tree any, path Path, done int, value any) (any, error) {
	list, ok := tree.([]any)
	if !ok && tree != nil {
		return nil, conflict(path[:done], "value is not a list", "set the key itself, or remove it first")
	}
	i := path[done].Index
	if i > len(list) {
		return nil, conflict(path[:done], fmt.Sprintf("list has %d entries and none numbered %d", len(list), i), "set the entries one after the other, or the whole list")
	}
	if i == len(list) {
		list = append(list, nil)
	}
	var err error
	list[i], err = withValue(list[i], path, done+1, value)
	return list, err
}

// withinAlias applies change to what an alias stands for. It refuses any real
// change, because that would change the anchor too.
func withinAlias(a alias, path Path, change func(any) (any, error)) (any, error) {
	plain, err := expanded(a)
	if err != nil {
		return nil, err
	}
	changed, err := change(copied(plain))
	if err != nil {
		return nil, err
	}
	if !equal(plain, changed) {
		return nil, unsupported(0, path.String(), "value is the alias *"+a.name, "write the value out in place of the alias")
	}
	return a, nil
}

func conflict(path Path, reason, hint string) *Error {
	return &Error{Path: path.String(), Reason: reason, Hint: hint, Err: ErrConflict}
}

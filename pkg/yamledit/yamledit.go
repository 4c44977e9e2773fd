// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Package yamledit changes values in a YAML file and leaves every other byte as
// it is: comments, blank lines, quotes, indentation, line ends.
//
//	out, err := yamledit.Set(src, yamledit.Setting{Path: "server.ports[0]", Value: 8080})
//
// It promises that
//   - one region changes, to the new value only: all else reads as before;
//   - the same edit again changes nothing;
//   - an edit that changes nothing returns src itself, the same slice;
//   - an error comes with a nil result.
//
// The YAML parser only says where a value is. The edit is spliced into the bytes,
// the result is parsed again, and its tree is compared with the intended one. If
// they differ, the edit is refused ([ErrUnsupported]), so a wrong position does
// no harm.
//
// The package refuses several documents, duplicate keys, a root that is not a
// map, values behind an alias or under an anchor that is in use, and text in
// which YAML parsers disagree about the lines. It does not format, sort, write
// comments or expand merge keys, and it opens no file.
package yamledit

import (
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// A Setting is a value and the path at which it belongs.
type Setting struct {
	// Path is the key in dotted form, as [ParsePath] reads it.
	Path string
	// Value is nil, bool, int, int64, uint64, float64, string, []any or
	// map[string]any.
	Value any
}

// Set returns src with the values set, or src itself if all of them are set
// already. It creates the maps and lists that are missing on the way. Where two
// settings touch the same key, the later one wins.
//
// A map is set as a whole: keys that it does not name are removed. To keep them,
// set the leaves.
func Set(src []byte, settings ...Setting) ([]byte, error) {
	d, err := parse(src)
	if err != nil {
		return nil, err
	}
	paths := make([]Path, len(settings))
	for i, s := range settings {
		if paths[i], err = settablePath(s.Path); err != nil {
			return nil, err
		}
	}
	want := copied(d.tree)
	for i, s := range settings {
		value, err := canonical(s.Path, s.Value)
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

// isOverwritten reports whether a later path is the same or leads to a value
// around it.
func isOverwritten(path Path, later []Path) bool {
	return slices.ContainsFunc(later, func(p Path) bool {
		return len(p) <= len(path) && slices.Equal(p, path[:len(p)])
	})
}

// Decode returns the whole file as plain data, in which aliases are replaced by
// what they stand for. It refuses the files that Set refuses.
func Decode(src []byte) (map[string]any, error) {
	d, err := parse(src)
	if err != nil {
		return nil, err
	}
	tree, err := expanded(d.tree)
	if err != nil {
		return nil, err
	}
	return tree.(map[string]any), nil
}

// ParseSetting reads "PATH=VALUE", where VALUE is YAML: "server.tls=true",
// "hosts=[a, b]". If nothing follows the "=" the value is the empty string.
func ParseSetting(s string) (Setting, error) {
	path, text, ok := strings.Cut(s, "=")
	if !ok {
		return Setting{}, badSetting(s, "setting has no value", "write KEY=VALUE")
	}
	if _, err := settablePath(path); err != nil {
		return Setting{}, err
	}
	if text == "" {
		return Setting{Path: path, Value: ""}, nil
	}
	value, err := parseValue(text)
	if err != nil {
		return Setting{}, badSetting(path, "value is not YAML: "+err.Error(), "quote the value, such as KEY='\"text: with a colon\"'")
	}
	return Setting{Path: path, Value: value}, nil
}

func parseValue(text string) (any, error) {
	var n yaml.Node
	if err := yaml.Unmarshal([]byte(text), &n); err != nil || n.Kind == 0 {
		return nil, err
	}
	v, err := valueOf(n.Content[0], "")
	if err != nil {
		return nil, err
	}
	return canonical("", v)
}

// settablePath parses a path and refuses one that appends.
func settablePath(text string) (Path, error) {
	path, err := ParsePath(text)
	if err != nil {
		return nil, err
	}
	if slices.Contains(path, Step{Index: Append}) {
		return nil, badSetting(text, "path appends to a list each time it is applied", "name the whole list, or an entry by its number")
	}
	return path, nil
}

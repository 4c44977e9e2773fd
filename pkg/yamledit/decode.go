// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package yamledit

import (
	"strings"

	"gopkg.in/yaml.v3"
)

const (
	maxDepth = 200     // of nesting
	maxNodes = 1 << 17 // after aliases are expanded, against alias bombs
)

// A Tagged is a scalar with a tag outside YAML's core schema (!!binary, !mine).
// Only its text is known.
type Tagged struct{ Tag, Text string }

// An alias stands for "*name" in a tree. Two are equal if their names are, so a
// tree is unchanged only if the alias is still there.
type alias struct {
	name   string
	target *yaml.Node
}

// A decoder turns nodes into values.
type decoder struct {
	budget int // of nodes
	// shared is filled with the anchors that are in use. If it is nil, aliases
	// are replaced by what they stand for.
	shared map[string]int
}

// valueOf returns the value of n without aliases.
func valueOf(n *yaml.Node, path string) (any, error) {
	dec := decoder{budget: maxNodes}
	return dec.value(n, path, 0)
}

// expanded returns a tree without aliases.
func expanded(tree any) (any, error) {
	dec := decoder{budget: maxNodes}
	return convert("", tree, func(_ string, v any) (any, error) {
		if a, ok := v.(alias); ok {
			return dec.value(a.target, "", 0)
		}
		return v, nil
	})
}

func (dec *decoder) value(n *yaml.Node, path string, depth int) (any, error) {
	dec.budget--
	if dec.budget < 0 || depth > maxDepth {
		return nil, unsupported(n.Line, path, "file is nested too deeply or its aliases expand too far", "write the values out and nest them less")
	}
	switch n.Kind {
	case yaml.AliasNode:
		if dec.shared == nil {
			return dec.value(n.Alias, path, depth+1)
		}
		dec.shared[n.Value] = n.Line
		return alias{n.Value, n.Alias}, nil
	case yaml.SequenceNode:
		list := make([]any, len(n.Content))
		for i, item := range n.Content {
			var err error
			if list[i], err = dec.value(item, joinIndex(path, i), depth+1); err != nil {
				return nil, err
			}
		}
		return list, nil
	case yaml.MappingNode:
		return dec.mapping(n, path, depth)
	default:
		return Scalar(n), nil
	}
}

func (dec *decoder) mapping(n *yaml.Node, path string, depth int) (any, error) {
	out := make(map[string]any, len(n.Content)/2)
	for i := 0; i < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind != yaml.ScalarNode {
			return nil, unsupported(key.Line, path, "key is not a plain name", "write the key as text")
		}
		at := joinKey(path, key.Value)
		if _, ok := out[key.Value]; ok {
			return nil, unsupported(key.Line, at, "duplicate key", "remove one of the two")
		}
		var err error
		if out[key.Value], err = dec.value(n.Content[i+1], at, depth+1); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Scalar returns the value of a scalar: nil, bool, int64, uint64, float64,
// string or [Tagged].
//
// yaml.v3 reads yes, no, on and off as strings, as YAML 1.2 does. To YAML 1.1
// and to yaml-cpp (src/convert.cpp) they are booleans, and so they are here. y
// and n, which are more often names, stay strings.
func Scalar(n *yaml.Node) any {
	tag := n.ShortTag()
	switch tag {
	case "!!null":
		return nil
	case "!!bool":
		var b bool
		if n.Decode(&b) == nil {
			return b
		}
	case "!!int", "!!float":
		var v any
		if n.Decode(&v) != nil {
			break
		}
		switch v := v.(type) {
		case int:
			return int64(v)
		case int64, uint64, float64:
			return v
		}
	case "!!str", "!!timestamp", "!!merge":
		if b, ok := ParseBool(n.Value); ok && n.Style == 0 && len(n.Value) > 1 {
			return b
		}
		return n.Value
	}
	return Tagged{tag, n.Value}
}

// ParseBool reads the words that yaml-cpp converts to a boolean: true, yes, on,
// y and their opposites, in lower case, upper case or capitalised.
func ParseBool(s string) (value, ok bool) {
	lower := strings.ToLower(s)
	if s != lower && s != strings.ToUpper(s) && s != strings.ToUpper(lower[:1])+lower[1:] {
		return false, false
	}
	switch lower {
	case "true", "yes", "on", "y":
		return true, true
	case "false", "no", "off", "n":
		return false, true
	}
	return false, false
}

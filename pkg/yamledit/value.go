// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package yamledit

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"unicode/utf8"
)

// convert returns a copy of a tree in which leaf has converted everything that
// is neither a list nor a map. path is that of the tree.
func convert(path string, tree any, leaf func(path string, v any) (any, error)) (any, error) {
	var err error
	switch tree := tree.(type) {
	case []any:
		list := make([]any, len(tree))
		for i := range tree {
			if list[i], err = convert(joinIndex(path, i), tree[i], leaf); err != nil {
				return nil, err
			}
		}
		return list, nil
	case map[string]any:
		m := make(map[string]any, len(tree))
		for key := range tree {
			if !utf8.ValidString(key) {
				return nil, badSetting(path, "key is not UTF-8", "write the key in UTF-8")
			}
			if m[key], err = convert(joinKey(path, key), tree[key], leaf); err != nil {
				return nil, err
			}
		}
		return m, nil
	default:
		return leaf(path, tree)
	}
}

// canonical converts a declared value to the types that [Scalar] returns, and
// refuses any other.
func canonical(path string, v any) (any, error) {
	return convert(path, v, func(path string, v any) (any, error) {
		switch v := v.(type) {
		case nil, bool, int64, float64:
			return v, nil
		case int:
			return int64(v), nil
		case uint64:
			if v <= math.MaxInt64 {
				return int64(v), nil
			}
			return v, nil
		case string:
			if !utf8.ValidString(v) {
				return nil, badSetting(path, "value is not UTF-8", "write the value in UTF-8")
			}
			return v, nil
		default:
			return nil, badSetting(path, fmt.Sprintf("value of type %T cannot be written", v), "quote the value, so that it is text")
		}
	})
}

// equal reports whether two trees are equal, types included: 1 is not 1.0 and
// not "1". NaN equals itself.
func equal(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		return ok && maps.EqualFunc(a, b, equal)
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, equal)
	case float64:
		b, ok := b.(float64)
		return ok && (a == b || math.IsNaN(a) && math.IsNaN(b))
	case alias:
		b, ok := b.(alias)
		return ok && a.name == b.name
	default:
		return a == b
	}
}

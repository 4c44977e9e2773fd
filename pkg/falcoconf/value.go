// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falcoconf

import (
	"fmt"
	"math"
	"regexp"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// A tagged scalar carries a tag outside YAML's core (!!binary, !mine). Only its
// text is known.
type tagged struct{ tag, text string }

// An aliasRef stands for "*name" in a tree. It is compared by name, so that a
// tree is the same only if the alias is still there.
type aliasRef struct {
	name   string
	target *yaml.Node
}

// decodeScalar gives a scalar its value: nil, bool, int64, uint64, float64,
// string, or tagged.
//
// yaml.v3 takes yes, no, on and off for strings (YAML 1.2). Falco reads them as
// booleans (yaml-cpp, src/convert.cpp), and so does this package; y and n, which
// are more often names, stay strings.
func decodeScalar(n *yaml.Node) any {
	switch tag := n.ShortTag(); tag {
	case "!!null":
		return nil
	case "!!bool":
		var b bool
		if n.Decode(&b) == nil {
			return b
		}
		return tagged{tag, n.Value}
	case "!!int", "!!float":
		var v any
		if n.Decode(&v) != nil {
			return tagged{tag, n.Value}
		}
		return number(v, tag, n.Value)
	case "!!str", "!!timestamp", "!!merge":
		if b, ok := wordBool(n.Value); ok && n.Style == 0 && len(n.Value) > 1 {
			return b
		}
		return n.Value
	default:
		return tagged{tag, n.Value}
	}
}

func number(v any, tag, text string) any {
	switch v := v.(type) {
	case int:
		return int64(v)
	case int64, uint64, float64:
		return v
	default:
		return tagged{tag, text}
	}
}

// wordBool knows the words that yaml-cpp converts to a boolean: each in lower
// case, upper case or capitalised.
func wordBool(s string) (value, ok bool) {
	lower := strings.ToLower(s)
	if s != lower && s != strings.ToUpper(s) && s != strings.ToUpper(lower[:1])+lower[1:] {
		return false, false
	}
	switch lower {
	case "true", "yes", "on", "y":
		return true, true
	case "false", "no", "off", "n":
		return false, true
	default:
		return false, false
	}
}

// normalise brings a declared value to the types that decodeScalar yields, and
// refuses what has no place in falco.yaml.
func normalise(path string, v any) (any, error) {
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
	case []any:
		list := make([]any, len(v))
		for i := range v {
			item, err := normalise(joinIndex(path, i), v[i])
			if err != nil {
				return nil, err
			}
			list[i] = item
		}
		return list, nil
	case map[string]any:
		m := make(map[string]any, len(v))
		for key := range v {
			if !utf8.ValidString(key) {
				return nil, badSetting(path, "key is not UTF-8", "write the key in UTF-8")
			}
			item, err := normalise(joinKey(path, key), v[key])
			if err != nil {
				return nil, err
			}
			m[key] = item
		}
		return m, nil
	default:
		return nil, badSetting(path, fmt.Sprintf("value of type %T has no place in falco.yaml", v), "quote the value, so that it is text")
	}
}

// same reports whether two trees are equal, types included: 1 is not 1.0 and
// not "1". NaN equals itself.
func same(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for key, v := range a {
			w, ok := b[key]
			if !ok || !same(v, w) {
				return false
			}
		}
		return true
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !same(a[i], b[i]) {
				return false
			}
		}
		return true
	case float64:
		b, ok := b.(float64)
		return ok && (a == b || math.IsNaN(a) && math.IsNaN(b))
	case aliasRef:
		b, ok := b.(aliasRef)
		return ok && a.name == b.name
	default:
		switch b.(type) {
		case map[string]any, []any:
			return false
		}
		return a == b
	}
}

// kindOf names the kind of a value for a message.
func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case int64, uint64, float64:
		return "a number"
	case string:
		return "a string"
	case []any:
		return "a list"
	case map[string]any:
		return "a map"
	case aliasRef:
		return "an alias"
	default:
		return "a tagged value"
	}
}

// The texts that YAML 1.1 or 1.2 would take for something else than a string.
var (
	integerText   = regexp.MustCompile(`^[-+]?(0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*)$`)
	floatText     = regexp.MustCompile(`^[-+]?(\.[0-9_]+|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9]+)?$`)
	infinityText  = regexp.MustCompile(`(?i)^[-+]?\.?(inf|nan|infinity)$`)
	sixtiesText   = regexp.MustCompile(`^[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?$`)
	timestampText = regexp.MustCompile(`^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}`)
)

// looksTyped reports whether s, written without quotes, could be read as a
// boolean, number, date or null by YAML 1.1, YAML 1.2 or yaml-cpp.
func looksTyped(s string) bool {
	switch strings.ToLower(s) {
	case "", "~", "null", "true", "false", "yes", "no", "on", "off", "y", "n", "=", "<<":
		return true
	}
	for _, re := range []*regexp.Regexp{integerText, floatText, infinityText, sixtiesText, timestampText} {
		if re.MatchString(s) {
			return true
		}
	}
	return false
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falcoconf

import (
	"slices"
	"sort"
	"strings"

	"gopkg.in/yaml.v3"
)

// A Setting is one declared key of falco.yaml.
type Setting struct {
	// Path is the key in dotted form: file_output.filename,
	// plugins[0].init_config. A backslash takes a dot, bracket or backslash
	// for part of a key.
	Path string
	// Value is nil, bool, int, int64, uint64, float64, string, []any or
	// map[string]any.
	Value any
}

// ParseSetting reads "KEY=VALUE", where VALUE is YAML: "json_output=true",
// "rules_files=[a.yaml, b.yaml]". An empty VALUE is the empty string, as it is
// for Falco's own -o. The words yes, no, on and off are booleans, as they are
// for Falco.
func ParseSetting(s string) (Setting, error) {
	path, text, ok := strings.Cut(s, "=")
	if !ok {
		return Setting{}, badSetting(s, "setting has no value", "write KEY=VALUE, such as json_output=true")
	}
	if _, err := settingPath(path); err != nil {
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

// settingPath parses a path and refuses one that cannot be declared: "[]"
// appends anew on every run, so it has no settled state.
func settingPath(path string) ([]step, error) {
	steps, err := parsePath(path)
	if err != nil {
		return nil, err
	}
	if slices.Contains(steps, step{index: appendIndex}) {
		return nil, badSetting(path, "path appends to a list each time it is applied", "name the whole list, or an entry by its number")
	}
	return steps, nil
}

// parseValue decodes YAML text the way the values of a file are decoded.
func parseValue(text string) (any, error) {
	var n yaml.Node
	if err := yaml.Unmarshal([]byte(text), &n); err != nil {
		return nil, err
	}
	if n.Kind == 0 {
		return nil, nil
	}
	m := modeller{budget: maxNodes, expand: true}
	v, err := m.value(n.Content[0], "", 0)
	if err != nil {
		return nil, err
	}
	return normalise("", v)
}

// Flatten returns the settings of a map that is nested, dotted, or both, sorted
// by path. Leaves are scalars, lists and empty maps. A key that is itself
// dotted is a path.
func Flatten(m map[string]any) []Setting {
	var all []Setting
	flatten(&all, "", m, func(key string) string { return key })
	sortSettings(all)
	return all
}

// flatten appends the leaves of m. name turns a key into its part of the path.
func flatten(all *[]Setting, prefix string, m map[string]any, name func(string) string) {
	for key, v := range m {
		path := name(key)
		if prefix != "" {
			path = prefix + "." + path
		}
		if sub, ok := v.(map[string]any); ok && len(sub) > 0 {
			flatten(all, path, sub, name)
			continue
		}
		*all = append(*all, Setting{Path: path, Value: v})
	}
}

func sortSettings(all []Setting) {
	sort.SliceStable(all, func(i, j int) bool { return all[i].Path < all[j].Path })
}

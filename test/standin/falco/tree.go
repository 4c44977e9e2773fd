// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/falco-bootstrap/falco-bootstrap/pkg/yamledit"
)

// A tree is a configuration as yaml-cpp represents it: every scalar is a string until
// it is converted. Values are map[string]any, []any, string or nil.
type tree map[string]any

// parse reads the first document of text. An empty text counts as a map; plain prose
// does not.
func parse(text []byte) (t tree, isMap bool, err error) {
	root, _, err := yamledit.ParseFirst(text)
	if err != nil {
		return nil, false, yamlError(err)
	}
	if root == nil {
		return tree{}, true, nil
	}
	if root.Kind == yaml.SequenceNode {
		return nil, false, fmt.Errorf("yaml-cpp: error at line %d, column %d: operator[] call on a scalar", root.Line, root.Column)
	}
	m, isMap := convert(root).(map[string]any)
	if !isMap {
		m = map[string]any{}
	}
	return m, isMap, nil
}

// A pair is a key of the top level with its value.
type pair struct {
	key   string
	value any
}

// pairs returns the keys of the top level of the first document in order, equal ones
// too.
func pairs(text []byte) []pair {
	root, _, err := yamledit.ParseFirst(text)
	if err != nil || root == nil || root.Kind != yaml.MappingNode {
		return nil
	}
	var all []pair
	for i := 0; i+1 < len(root.Content); i += 2 {
		all = append(all, pair{root.Content[i].Value, convert(root.Content[i+1])})
	}
	return all
}

func convert(n *yaml.Node) any {
	switch {
	case n.Kind == yaml.AliasNode:
		return convert(n.Alias)
	case n.Kind == yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if _, twice := m[n.Content[i].Value]; !twice { // the first one counts
				m[n.Content[i].Value] = convert(n.Content[i+1])
			}
		}
		return m
	case n.Kind == yaml.SequenceNode:
		list := []any{}
		for _, item := range n.Content {
			list = append(list, convert(item))
		}
		return list
	case n.Tag == "!!null":
		return nil
	}
	return environment.ReplaceAllStringFunc(n.Value, func(ref string) string { return os.Getenv(ref[2 : len(ref)-1]) })
}

// environment matches a reference to a variable; one that is not set is empty.
var environment = regexp.MustCompile(`\$\{\w+\}`)

// yamlError returns an error of the YAML parser in yaml-cpp's words.
func yamlError(err error) error {
	m := regexp.MustCompile(`line (\d+): (.*)`).FindStringSubmatch(err.Error())
	if m == nil {
		return fmt.Errorf("yaml-cpp: error at line 1, column 1: %s", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	return fmt.Errorf("yaml-cpp: error at line %s, column 1: %s", m[1], m[2])
}

// get returns the value at a dotted path, or nil.
func (t tree) get(path string) any {
	v, _ := t.lookup(path)
	return v
}

// lookup returns the value at a dotted path, and whether the key is there.
func (t tree) lookup(path string) (at any, ok bool) {
	at = map[string]any(t)
	for key := range strings.SplitSeq(path, ".") {
		m, _ := at.(map[string]any)
		at, ok = m[key]
	}
	return at, ok
}

// text returns the scalar at path, or def if there is none. A key without a value
// reads as "null".
func (t tree) text(path, def string) string {
	v, ok := t.lookup(path)
	if s, isText := v.(string); isText {
		return s
	}
	if ok && v == nil {
		return "null"
	}
	return def
}

// entries returns the sequence at path.
func (t tree) entries(path string) []any {
	list, _ := t.get(path).([]any)
	return list
}

// flag returns the boolean at path; anything else counts as def.
func (t tree) flag(path string, def bool) bool {
	switch strings.ToLower(t.text(path, "")) {
	case "true", "yes", "y", "on":
		return true
	case "false", "no", "n", "off":
		return false
	}
	return def
}

// number returns the integer at path, with the prefixes 0 and 0x that yaml-cpp
// knows, or def if there is none.
func (t tree) number(path string, def int) int {
	text := t.text(path, "")
	if n, err := strconv.ParseInt(text, 0, 64); err == nil && !strings.ContainsAny(text, "_bBoO") || err == nil && strings.HasPrefix(strings.ToLower(text), "0x") {
		return int(n)
	}
	return def
}

// list returns the scalars of the sequence at path; a single scalar is a sequence of
// one.
func (t tree) list(path string) []string {
	values, ok := t.get(path).([]any)
	if !ok {
		values = []any{t.get(path)}
	}
	var out []string
	for _, v := range values {
		if s, ok := v.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// set puts value at a dotted path. A key that ends in [] is a list, which gets a
// new entry.
func (t tree) set(path, value string) {
	m := map[string]any(t)
	keys := strings.Split(path, ".")
	for _, key := range keys[:len(keys)-1] {
		if name, ok := strings.CutSuffix(key, "[]"); ok {
			list, _ := m[name].([]any)
			next := map[string]any{}
			m[name] = append(slices.Clone(list), next)
			m = next
			continue
		}
		next, ok := m[key].(map[string]any)
		if !ok {
			next = map[string]any{}
			m[key] = next
		}
		m = next
	}
	m[keys[len(keys)-1]] = value
}

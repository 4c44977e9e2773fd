// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// A tree is a configuration as yaml-cpp holds it: every scalar is a string until
// somebody asks for more. Values are map[string]any, []any, string or nil.
type tree map[string]any

// A document is one parsed file: its tree, and the keys that came twice.
type document struct {
	tree  tree
	isMap bool
	twice bool
}

// parse reads the first document of text.
func parse(text []byte) (document, error) {
	var node yaml.Node
	if err := yaml.Unmarshal(text, &node); err != nil {
		return document{}, cppError(err)
	}
	if len(node.Content) == 0 {
		return document{tree: tree{}, isMap: true}, nil
	}
	d := document{tree: tree{}}
	root := node.Content[0]
	if root.Kind == yaml.AliasNode {
		root = root.Alias
	}
	if m, ok := d.convert(root).(map[string]any); ok {
		d.tree, d.isMap = m, true
	} else if root.Kind == yaml.SequenceNode {
		return document{}, fmt.Errorf("yaml-cpp: error at line %d, column %d: operator[] call on a scalar", root.Line, root.Column)
	}
	return d, nil
}

func (d *document) convert(n *yaml.Node) any {
	switch n.Kind {
	case yaml.AliasNode:
		return d.convert(n.Alias)
	case yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i].Value
			if _, ok := m[key]; ok {
				d.twice = true
				continue // the first one counts
			}
			m[key] = d.convert(n.Content[i+1])
		}
		return m
	case yaml.SequenceNode:
		list := make([]any, 0, len(n.Content))
		for _, item := range n.Content {
			list = append(list, d.convert(item))
		}
		return list
	case yaml.ScalarNode:
		if n.Tag == "!!null" {
			return nil
		}
		return expand(n.Value)
	}
	return nil
}

// expand replaces ${NAME} by the environment; a name that is not set is empty.
func expand(s string) string {
	if !strings.Contains(s, "${") {
		return s
	}
	return regexp.MustCompile(`\$\{(\w+)\}`).ReplaceAllStringFunc(s, func(ref string) string {
		return os.Getenv(ref[2 : len(ref)-1])
	})
}

// cppError dresses an error of the YAML parser as one of Falco's, which names
// line and column.
func cppError(err error) error {
	m := regexp.MustCompile(`line (\d+): (.*)`).FindStringSubmatch(err.Error())
	if m == nil {
		return fmt.Errorf("yaml-cpp: error at line 1, column 1: %s", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	line, _ := strconv.Atoi(m[1])
	return fmt.Errorf("yaml-cpp: error at line %d, column 1: %s", line, m[2])
}

// get returns the value at a dotted path.
func (t tree) get(path string) (any, bool) {
	var at any = map[string]any(t)
	for key := range strings.SplitSeq(path, ".") {
		m, ok := at.(map[string]any)
		if !ok {
			return nil, false
		}
		if at, ok = m[key]; !ok {
			return nil, false
		}
	}
	return at, true
}

// text returns the scalar at path, or def where there is none.
func (t tree) text(path, def string) string {
	v, _ := t.get(path)
	if s, ok := v.(string); ok {
		return s
	}
	return def
}

// flag returns the boolean at path; what is no boolean counts as def.
func (t tree) flag(path string, def bool) bool {
	switch strings.ToLower(t.text(path, "")) {
	case "true", "yes", "y", "on":
		return true
	case "false", "no", "n", "off":
		return false
	}
	return def
}

// number returns the integer at path; what is no integer counts as def.
func (t tree) number(path string, def int) int {
	n, err := strconv.Atoi(t.text(path, ""))
	if err != nil {
		return def
	}
	return n
}

// list returns the sequence of scalars at path; a lone scalar is one.
func (t tree) list(path string) []string {
	v, _ := t.get(path)
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		var out []string
		for _, item := range v {
			if s, ok := item.(string); ok {
				out = append(out, s)
			}
		}
		return out
	}
	return nil
}

// set puts value at a path such as a.b or list[], which appends.
func (t tree) set(path string, value any) {
	m := map[string]any(t)
	keys := strings.Split(path, ".")
	for _, key := range keys[:len(keys)-1] {
		next, ok := m[key].(map[string]any)
		if !ok {
			next = map[string]any{}
			m[key] = next
		}
		m = next
	}
	last := keys[len(keys)-1]
	if name, ok := strings.CutSuffix(last, "[]"); ok {
		old, _ := m[name].([]any)
		m[name] = append(append([]any{}, old...), value)
		return
	}
	m[last] = value
}

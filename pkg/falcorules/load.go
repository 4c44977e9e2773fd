// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falcorules

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// overrideSince is the release that knows the key override.
const overrideSince = "0.37.0"

// A loader adds one file after the other to a set.
type loader struct {
	version string
	path    string
	set     Set
}

// file reads every document of a file. It stops at the first item that Falco
// refuses.
func (l *loader) file(f File) {
	l.path = f.Path
	dec := yaml.NewDecoder(bytes.NewReader(f.Content))
	for {
		var doc yaml.Node
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			l.refuse(0, "", "", "is not YAML: "+yamlMessage(err))
			l.set.Problems[len(l.set.Problems)-1].Line = yamlLine(err)
			return
		}
		if !l.document(&doc) {
			return
		}
	}
}

var yamlPlace = regexp.MustCompile(`line (\d+): `)

func yamlLine(err error) int {
	if m := yamlPlace.FindStringSubmatch(err.Error()); m != nil {
		n, _ := strconv.Atoi(m[1])
		return n
	}
	return 0
}

func yamlMessage(err error) string {
	return yamlPlace.ReplaceAllString(strings.TrimPrefix(err.Error(), "yaml: "), "")
}

// document reads one document and reports whether Falco reads on.
func (l *loader) document(doc *yaml.Node) bool {
	if len(doc.Content) == 0 || isNull(doc.Content[0]) {
		return true
	}
	root := follow(doc.Content[0])
	if root.Kind != yaml.SequenceNode {
		return l.refuse(root.Line, "", "", "rules content is not a list of items")
	}
	for _, child := range root.Content {
		if child = follow(child); isNull(child) {
			continue
		}
		if child.Kind != yaml.MappingNode {
			return l.refuse(child.Line, "", "", "item is not a map")
		}
		if !l.item(mapping{child}) {
			return false
		}
	}
	return true
}

// refuse records what Falco fails on, and returns false.
func (l *loader) refuse(line int, kind Kind, name, message string) bool {
	l.set.Problems = append(l.set.Problems, Problem{Origin: Origin{l.path, line}, Kind: kind, Name: name, Message: message, Fatal: true})
	return false
}

// item reads one item. The first of these keys that is there says what it is.
func (l *loader) item(m mapping) bool {
	switch {
	case m.get("required_engine_version") != nil:
		return l.engine(m)
	case m.get("required_plugin_versions") != nil:
		return l.plugins(m)
	case m.get(string(List)) != nil:
		return l.define(m, List, "items")
	case m.get(string(Macro)) != nil:
		return l.define(m, Macro, "condition")
	case m.get(string(Rule)) != nil:
		return l.rule(m)
	}
	l.set.Problems = append(l.set.Problems, Problem{Origin: Origin{l.path, m.Line}, Message: "is an unknown item; Falco ignores it"})
	return true
}

// engine reads a required engine version: N up to Falco 0.36, X.Y.Z later, where
// N means 0.N.0.
func (l *loader) engine(m mapping) bool {
	text := m.text("required_engine_version")
	if n, err := strconv.ParseUint(text, 10, 32); err == nil {
		text = "0." + strconv.FormatUint(n, 10) + ".0"
	}
	if !isVersion(text) {
		return l.refuse(m.Line, "", "", "required_engine_version "+strconv.Quote(text)+" is not a version")
	}
	l.set.Requirements = append(l.set.Requirements, Requirement{Origin: Origin{l.path, m.Line}, Engine: text})
	return true
}

func (l *loader) plugins(m mapping) bool {
	list := m.get("required_plugin_versions")
	if list.Kind != yaml.SequenceNode {
		return l.refuse(m.Line, "", "", "required_plugin_versions is not a list")
	}
	for _, child := range list.Content {
		p := mapping{follow(child)}
		r := Requirement{Origin: Origin{l.path, p.Line}, Plugins: []Plugin{{p.text("name"), p.text("version")}}}
		if others := p.get("alternatives"); others != nil {
			for _, other := range others.Content {
				o := mapping{follow(other)}
				r.Plugins = append(r.Plugins, Plugin{o.text("name"), o.text("version")})
			}
		}
		for _, q := range r.Plugins {
			if q.Name == "" || !isVersion(q.Version) {
				return l.refuse(p.Line, "", "", "required_plugin_versions needs a name and a version")
			}
		}
		l.set.Requirements = append(l.set.Requirements, r)
	}
	return true
}

// define reads a list or a macro, whose only value is that of key.
func (l *loader) define(m mapping, kind Kind, key string) bool {
	name := m.text(string(kind))
	appends := m.isTrue("append")
	if ops, ok := l.overrides(m); ok {
		if appends {
			return l.refuse(m.Line, kind, name, "has both append and override")
		}
		if wrong := misfit(ops, []string{key}, []string{key}); wrong != "" {
			return l.refuse(m.Line, kind, name, wrong)
		}
		appends = ops[key] == "append"
	}
	switch {
	case name == "":
		return l.refuse(m.Line, kind, name, "has no name")
	case m.get(key) == nil:
		return l.refuse(m.Line, kind, name, "has no "+key)
	case appends:
		return l.amend(m, kind, name, nil)
	}
	l.place(Item{Kind: kind, Name: name, Origin: Origin{l.path, m.Line}})
	return true
}

// place puts a definition in the place of an earlier one of its name, or at the
// end.
func (l *loader) place(it Item) {
	i := l.set.index(it.Kind, it.Name)
	if i < 0 {
		l.set.Items = append(l.set.Items, it)
		return
	}
	old := l.set.Items[i]
	it.Replaced = append(slices.Concat(old.Replaced, []Origin{old.Origin}), old.Amended...)
	l.set.Items[i] = it
}

// amend changes an item that an earlier one defines.
func (l *loader) amend(m mapping, kind Kind, name string, change func(*Item)) bool {
	i := l.set.index(kind, name)
	if i < 0 {
		l.refuse(m.Line, kind, name, "changes a "+string(kind)+" that no file before it defines")
		l.set.Problems[len(l.set.Problems)-1].Undefined = true
		return false
	}
	it := &l.set.Items[i]
	it.Amended = append(it.Amended, Origin{l.path, m.Line})
	if change != nil {
		change(it)
	}
	return true
}

// overrides returns what the key override says about each key. A Falco before 0.37
// ignores it.
func (l *loader) overrides(m mapping) (map[string]string, bool) {
	node := m.get("override")
	if node == nil || node.Kind != yaml.MappingNode || !atLeast(l.version, overrideSince) {
		return nil, false
	}
	ops := map[string]string{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		ops[node.Content[i].Value] = follow(node.Content[i+1]).Value
	}
	return ops, len(ops) > 0
}

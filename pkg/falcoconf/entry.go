// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falcoconf

import (
	"bytes"
	"errors"
	"io"
	"strconv"

	"gopkg.in/yaml.v3"
)

// An Origin is where a value comes from.
type Origin struct {
	File string // absolute path on the node, or CommandLine
	Line int    // 1-based; 0 for the command line
}

// CommandLine is the File of what an -o option of Falco's unit sets.
const CommandLine = "-o"

// String formats the origin as FILE:LINE.
func (o Origin) String() string {
	if o.Line == 0 {
		return o.File
	}
	return o.File + ":" + strconv.Itoa(o.Line)
}

type kind int

const (
	scalarKind kind = iota // a null too
	listKind
	mapKind
)

// An entry is a value as Falco holds it while it merges, with its origin.
type entry struct {
	kind   kind
	scalar any    // decoded, if scalarKind
	text   string // as yaml-cpp sees it: without quotes, whatever its type
	items  []*entry
	pairs  []pair // duplicates included
	origin Origin
}

type pair struct {
	key string
	val *entry
}

// get returns the value of a key. Of two equal keys yaml-cpp finds the first.
func (e *entry) get(key string) *entry {
	if e == nil || e.kind != mapKind {
		return nil
	}
	for _, p := range e.pairs {
		if p.key == key {
			return p.val
		}
	}
	return nil
}

// set gives a key a value, as m_root[key] = value does.
func (e *entry) set(key string, val *entry) {
	for i, p := range e.pairs {
		if p.key == key {
			e.pairs[i].val = val
			return
		}
	}
	e.pairs = append(e.pairs, pair{key, val})
}

// at walks along steps.
func (e *entry) at(steps []step) *entry {
	for _, s := range steps {
		switch {
		case e == nil:
			return nil
		case !s.isIndex():
			e = e.get(s.key)
		case e.kind == listKind && s.index >= 0 && s.index < len(e.items):
			e = e.items[s.index]
		default:
			return nil
		}
	}
	return e
}

// value returns e as plain data.
func (e *entry) value() any {
	switch e.kind {
	case listKind:
		list := make([]any, len(e.items))
		for i, item := range e.items {
			list[i] = item.value()
		}
		return list
	case mapKind:
		m := make(map[string]any, len(e.pairs))
		for _, p := range e.pairs {
			if _, dup := m[p.key]; !dup {
				m[p.key] = p.val.value()
			}
		}
		return m
	default:
		if t, ok := e.scalar.(tagged); ok {
			return t.text
		}
		return e.scalar
	}
}

func (e *entry) isNull() bool { return e.kind == scalarKind && e.scalar == nil }

// A reader turns a file into entries.
type reader struct {
	file   string
	budget int
	dups   []Problem
}

// readFile parses the first YAML document of src, the only one that Falco
// reads. The result is nil if there is none. several says that more follow.
func (r *reader) readFile(src []byte) (root *entry, several bool, err error) {
	dec := yaml.NewDecoder(bytes.NewReader(src))
	var doc yaml.Node
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, false, nil
	} else if err != nil {
		e := syntaxError(err)
		e.File = r.file
		return nil, false, e
	}
	root, err = r.entry(doc.Content[0], "", 0)
	if err != nil {
		return nil, false, err
	}
	var more yaml.Node
	err = dec.Decode(&more)
	return root, !errors.Is(err, io.EOF), nil
}

// entry converts a node. Aliases become what they stand for.
func (r *reader) entry(n *yaml.Node, path string, depth int) (*entry, error) {
	r.budget--
	if r.budget < 0 || depth > maxDepth {
		e := unsupported(n.Line, path, "file is nested too deeply or its aliases expand too far", "write the values out and nest them less")
		e.File = r.file
		return nil, e
	}
	out := &entry{origin: Origin{File: r.file, Line: n.Line}}
	switch n.Kind {
	case yaml.AliasNode:
		return r.entry(n.Alias, path, depth+1)
	case yaml.SequenceNode:
		out.kind = listKind
		for i, child := range n.Content {
			item, err := r.entry(child, joinIndex(path, i), depth+1)
			if err != nil {
				return nil, err
			}
			out.items = append(out.items, item)
		}
	case yaml.MappingNode:
		out.kind = mapKind
		return out, r.pairs(out, n, path, depth)
	default:
		out.scalar, out.text = decodeScalar(n), n.Value
	}
	return out, nil
}

func (r *reader) pairs(out *entry, n *yaml.Node, path string, depth int) error {
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, child := n.Content[i], n.Content[i+1]
		at := joinKey(path, key.Value)
		val, err := r.entry(child, at, depth+1)
		if err != nil {
			return err
		}
		if child.Kind == yaml.AliasNode { // the alias is where the value is said
			copied := *val
			val = &copied
		}
		val.origin.Line = key.Line
		if out.get(key.Value) != nil {
			r.dups = append(r.dups, Problem{File: r.file, Line: key.Line, Message: "key " + at + " is there twice", Hint: "remove one of the two"})
		}
		out.pairs = append(out.pairs, pair{key.Value, val})
	}
	return nil
}

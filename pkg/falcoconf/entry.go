// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falcoconf

import (
	"errors"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/falco-bootstrap/falco-bootstrap/pkg/yamledit"
)

type kind int

const (
	scalarKind kind = iota // also a null
	listKind
	mapKind
)

// An entry is a value as Falco sees it while it merges, with its origin.
type entry struct {
	kind   kind
	scalar any    // decoded, if scalarKind
	text   string // as yaml-cpp sees it: without quotes, whatever its type
	// unknown says that text is not what Falco reads, which cannot be told.
	unknown bool
	items   []*entry
	pairs   []pair // duplicates included
	origin  Origin
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
	i := slices.IndexFunc(e.pairs, func(p pair) bool { return p.key == key })
	if i < 0 {
		return nil
	}
	return e.pairs[i].val
}

// set gives a key a value, as m_root[key] = value does.
func (e *entry) set(key string, val *entry) {
	if i := slices.IndexFunc(e.pairs, func(p pair) bool { return p.key == key }); i >= 0 {
		e.pairs[i].val = val
		return
	}
	e.pairs = append(e.pairs, pair{key, val})
}

// at returns the value at path, or nil.
func (e *entry) at(path yamledit.Path) *entry {
	for _, s := range path {
		switch {
		case !s.IsIndex():
			e = e.get(s.Key)
		case e == nil || s.Index < 0 || s.Index >= len(e.items):
			return nil
		default:
			e = e.items[s.Index]
		}
	}
	return e
}

// sequence returns the entries of a list, or a scalar as the only entry.
func (e *entry) sequence() []*entry {
	switch {
	case e == nil:
		return nil
	case e.kind == scalarKind:
		return []*entry{e}
	default:
		return e.items
	}
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
		for _, p := range slices.Backward(e.pairs) { // the first of equal keys wins
			m[p.key] = p.val.value()
		}
		return m
	default:
		if t, ok := e.scalar.(yamledit.Tagged); ok {
			return t.Text
		}
		return e.scalar
	}
}

func (e *entry) isNull() bool { return e.kind == scalarKind && e.scalar == nil }

// parse reads the first YAML document of a file, the only one that Falco reads.
// The root is nil if there is none.
func (s *Start) parse(file string, src []byte) (root *entry, warnings []Problem, err error) {
	r := reader{start: s, file: file, budget: maxNodes}
	n, rest, err := yamledit.ParseFirst(src)
	if err == nil && n != nil {
		root, err = r.entry(n, nil)
	}
	if err != nil {
		if e, ok := errors.AsType[*Error](err); ok {
			e.File = file
		}
		return nil, nil, err
	}
	if rest != nil {
		r.warnings = append(r.warnings, Problem{Origin: Origin{File: file}, Message: "file holds several YAML documents; Falco reads only the first", Hint: "keep only the first one"})
	}
	return root, r.warnings, nil
}

const (
	maxDepth = 200     // of nesting; a Falco configuration has about six levels
	maxNodes = 1 << 17 // after aliases are expanded, against alias bombs
)

// A reader turns the nodes of a file into entries.
type reader struct {
	start    *Start
	file     string
	budget   int // of nodes
	warnings []Problem
}

func (r *reader) origin(n *yaml.Node) Origin {
	if r.file == CommandLine {
		return Origin{File: CommandLine}
	}
	return Origin{r.file, n.Line}
}

// entry converts a node. Aliases become what they stand for.
func (r *reader) entry(n *yaml.Node, path yamledit.Path) (*entry, error) {
	r.budget--
	if r.budget < 0 || len(path) > maxDepth {
		return nil, &Error{Line: n.Line, Path: path.String(), Reason: "file is nested too deeply or its aliases expand too far", Hint: "write the values out and nest them less", Err: yamledit.ErrUnsupported}
	}
	out := &entry{origin: r.origin(n)}
	switch n.Kind {
	case yaml.AliasNode:
		return r.entry(n.Alias, path)
	case yaml.SequenceNode:
		out.kind = listKind
		for i, child := range n.Content {
			item, err := r.entry(child, append(path, yamledit.Step{Index: i}))
			if err != nil {
				return nil, err
			}
			out.items = append(out.items, item)
		}
	case yaml.MappingNode:
		out.kind = mapKind
		for i := 0; i < len(n.Content); i += 2 {
			if err := r.pair(out, n.Content[i], n.Content[i+1], path); err != nil {
				return nil, err
			}
		}
	default:
		out.scalar, out.text, out.unknown = yamledit.Scalar(n), n.Value, n.ShortTag() == yamledit.OddTag
		if strings.Contains(n.Value, "${") && r.file != CommandLine {
			r.expand(out)
		}
	}
	return out, nil
}

// expand expands the variables in a scalar. Up to 0.36 Falco expands fewer or
// none.
func (r *reader) expand(e *entry) {
	text, known := r.start.Environment.Expand(e.text)
	if !known || !atLeast(r.start.Version, engineSince) {
		e.unknown = true
		return
	}
	e.text, e.scalar = text, text
	if v := yamledit.Scalar(&yaml.Node{Kind: yaml.ScalarNode, Value: text}); v != nil {
		e.scalar = v
	}
}

// pair adds a pair to the map at path.
func (r *reader) pair(out *entry, key, child *yaml.Node, path yamledit.Path) error {
	path = append(path, yamledit.Step{Key: key.Value})
	val, err := r.entry(child, path)
	if err != nil {
		return err
	}
	val.origin = r.origin(key)
	if out.get(key.Value) != nil {
		r.warnings = append(r.warnings, Problem{Origin: val.origin, Message: "duplicate key " + path.String(), Hint: "remove one of the two"})
	}
	out.pairs = append(out.pairs, pair{key.Value, val})
	return nil
}

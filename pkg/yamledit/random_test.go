// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package yamledit

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// TestRandomTrees edits files that yaml.v3 has written in random styles. All of
// them are of a shape that Set supports, so a refusal is a fault that prove has
// caught.
func TestRandomTrees(t *testing.T) {
	for i := range uint64(1500) {
		g := generator{rand.New(rand.NewPCG(i, 7))}
		src := g.file(t)
		s := Setting{Path: g.path(), Value: g.value(2)}
		out, err := Set(src, s)
		if errors.Is(err, ErrConflict) {
			continue
		}
		if err != nil {
			t.Fatalf("seed %d: Set(%q, %#v): %v", i, src, s, err)
		}
		got, _, ok, err := Get(out, s.Path)
		if err != nil || !ok || !equal(got, plain(s.Value)) {
			t.Fatalf("seed %d: Set(%q, %#v) = %q, where Get = %#v, %t, %v", i, src, s, out, got, ok, err)
		}
		wantSameSlice(t, out, []Setting{s})
		wantMarkersKept(t, src, out, s)
		if _, err := Remove(out, s.Path); err != nil {
			t.Fatalf("seed %d: Remove(%q, %s): %v", i, out, s.Path, err)
		}
	}
}

// wantMarkersKept checks the comments at column 0, which no edit may touch.
func wantMarkersKept(t *testing.T, before, after []byte, s Setting) {
	t.Helper()
	comments := func(b []byte) (out []string) {
		for line := range strings.Lines(string(b)) {
			if strings.HasPrefix(line, "#") {
				out = append(out, strings.TrimSpace(line))
			}
		}
		return out
	}
	if a, b := comments(before), comments(after); !slices.Equal(a, b) {
		t.Errorf("Set(%q, %v) = %q: comments %q, want %q", before, s, after, b, a)
	}
}

type generator struct{ *rand.Rand }

func (g generator) file(t *testing.T) []byte {
	root := g.mapping(3)
	root.Style = 0
	for i := 0; i < len(root.Content); i += 2 {
		if g.IntN(3) == 0 {
			root.Content[i].HeadComment = "# before " + root.Content[i].Value
		}
	}
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(1 + g.IntN(4))
	if err := enc.Encode(root); err != nil {
		t.Fatal(err)
	}
	src := b.Bytes()
	if g.IntN(4) == 0 {
		src = bytes.ReplaceAll(src, []byte("\n"), []byte("\r\n"))
	}
	if g.IntN(4) == 0 && !bytes.ContainsAny(src, "|>") { // the value of a block scalar ends with the file
		src = bytes.TrimRight(src, "\r\n")
	}
	if g.IntN(4) == 0 {
		src = slices.Concat([]byte("---\n"), src)
	}
	return src
}

func (g generator) node(depth int) *yaml.Node {
	switch n := g.IntN(6); {
	case n < 2 && depth > 0:
		return g.mapping(depth)
	case n < 4 && depth > 0:
		list := &yaml.Node{Kind: yaml.SequenceNode, Style: g.flow()}
		for range g.IntN(4) {
			list.Content = append(list.Content, g.node(depth-1))
		}
		return list
	default:
		var n yaml.Node
		v := g.scalar()
		n.SetString("")
		if err := n.Encode(v); err != nil {
			panic(err)
		}
		if s, ok := v.(string); ok && g.IntN(2) == 0 {
			n = yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s, Style: []yaml.Style{yaml.DoubleQuotedStyle, yaml.SingleQuotedStyle, yaml.LiteralStyle, yaml.FoldedStyle}[g.IntN(4)]}
		}
		if v == nil && g.IntN(2) == 0 {
			n.Value = ""
		}
		if g.IntN(4) == 0 {
			n.LineComment = "# why"
		}
		return &n
	}
}

func (g generator) flow() yaml.Style {
	if g.IntN(4) == 0 {
		return yaml.FlowStyle
	}
	return 0
}

func (g generator) mapping(depth int) *yaml.Node {
	m := &yaml.Node{Kind: yaml.MappingNode, Style: g.flow()}
	for _, key := range g.Perm(4)[:1+g.IntN(4)] {
		m.Content = append(m.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: fmt.Sprintf("k%d", key)}, g.node(depth-1))
	}
	return m
}

func (g generator) path() string {
	var b strings.Builder
	fmt.Fprintf(&b, "k%d", g.IntN(5))
	for range g.IntN(3) {
		if g.IntN(3) == 0 {
			fmt.Fprintf(&b, "[%d]", g.IntN(3))
			continue
		}
		fmt.Fprintf(&b, ".k%d", g.IntN(5))
	}
	return b.String()
}

func (g generator) scalar() any {
	return []any{
		nil, true, false, 5, -7, 2.5, "plain", "two words", "no", "1e3", "", "it's", `say "x"`, "a: b", "x # y", "- z",
		"line\nline\n", "line\n\nline", "größe", "/var/log/falco.log", "{x}", "[", "*a", "a,b", "tail ", "http://h:1/p",
		strings.Repeat("long text ", 12) + "end",
	}[g.IntN(27)]
}

func (g generator) value(depth int) any {
	switch n := g.IntN(5); {
	case n == 0 && depth > 0:
		m := map[string]any{}
		for range g.IntN(4) {
			m[fmt.Sprintf("k%d", g.IntN(5))] = g.value(depth - 1)
		}
		return m
	case n == 1 && depth > 0:
		list := []any{}
		for range g.IntN(4) {
			list = append(list, g.value(depth-1))
		}
		return list
	default:
		return g.scalar()
	}
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falcoconf

import (
	"bytes"

	"gopkg.in/yaml.v3"
)

// An indentation is how a file indents: the columns a map stands to the right
// of its parent key, and the columns a list does.
type indentation struct{ mapping, list int }

// endsLine reports whether a line begins at the offset.
func (d *document) endsLine(at int) bool {
	return at <= d.lines[0] || d.src[at-1] == '\n'
}

// eol returns the line end of the line that holds at, of the first line if that
// one has none, and a line feed if no line has one.
func (d *document) eol(at int) string {
	for _, from := range []int{at, 0} {
		if i := bytes.IndexByte(d.src[from:], '\n'); i >= 0 {
			if from+i > 0 && d.src[from+i-1] == '\r' {
				return "\r\n"
			}
			return "\n"
		}
	}
	return "\n"
}

// indentation returns how the file indents maps and lists, by the first of
// each; two columns if it has none.
func (d *document) indentation() indentation {
	in := indentation{mapping: -1, list: -1}
	if d.root != nil {
		d.measure(d.root, &in)
	}
	if in.mapping <= 0 {
		in.mapping = 2
	}
	if in.list < 0 {
		in.list = 2
	}
	return in
}

func (d *document) measure(n *yaml.Node, in *indentation) {
	if n.Style&yaml.FlowStyle != 0 || n.Kind == yaml.AliasNode {
		return
	}
	for i, child := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 1 && child.Style&yaml.FlowStyle == 0 {
			width := d.column(min(d.skipProperties(d.start(child)), len(d.src))) - (n.Content[0].Column - 1)
			switch {
			case child.Kind == yaml.MappingNode && in.mapping < 0:
				in.mapping = width
			case child.Kind == yaml.SequenceNode && in.list < 0:
				in.list = width
			}
		}
		d.measure(child, in)
	}
}

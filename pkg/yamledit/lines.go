// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package yamledit

import (
	"bytes"

	"gopkg.in/yaml.v3"
)

// indexLines records where lines start. skip is the length of the byte order
// mark, which the parser does not count.
func (d *document) indexLines(skip int) {
	d.lines = append(d.lines, skip)
	for i, c := range d.src {
		if c == '\n' {
			d.lines = append(d.lines, i+1)
		}
	}
}

func (d *document) has(at int, c byte) bool {
	return at >= 0 && at < len(d.src) && d.src[at] == c
}

// lineStart returns the offset of the start of the line that contains at.
func (d *document) lineStart(at int) int {
	return max(bytes.LastIndexByte(d.src[:at], '\n')+1, d.lines[0]) // not within the byte order mark
}

// lineEnd returns the offset of the line end (CR or LF) of the line that contains
// at, or of the end of the file.
func (d *document) lineEnd(at int) int {
	return at + len(bytes.TrimRight(d.src[at:d.nextLine(at)], "\r\n"))
}

// nextLine returns the offset of the start of the next line, or of the end of
// the file.
func (d *document) nextLine(at int) int {
	i := bytes.IndexByte(d.src[at:], '\n')
	if i < 0 {
		return len(d.src)
	}
	return at + i + 1
}

// column returns how many bytes are before at on its line.
func (d *document) column(at int) int { return at - d.lineStart(at) }

// ownLine reports whether only spaces are before at on its line.
func (d *document) ownLine(at int) bool {
	return len(bytes.TrimLeft(d.src[d.lineStart(at):at], " ")) == 0
}

// atLineStart reports whether a line starts at the offset.
func (d *document) atLineStart(at int) bool {
	return at <= d.lines[0] || d.src[at-1] == '\n'
}

// eol returns the line end of the line that contains at, else that of the first
// line, else a line feed.
func (d *document) eol(at int) string {
	for _, from := range []int{d.lineStart(at), d.lines[0]} {
		if end := d.src[d.lineEnd(from):d.nextLine(from)]; len(end) > 0 {
			return string(end)
		}
	}
	return "\n"
}

// indentation returns how the file indents its first map and its first list. The
// default is two columns.
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
	if isFlow(n) || n.Kind == yaml.AliasNode {
		return
	}
	for i, child := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 1 && !isFlow(child) {
			width := d.column(d.open(child)) - (n.Content[0].Column - 1)
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

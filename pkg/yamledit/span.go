// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package yamledit

import (
	"bytes"
	"regexp"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// The functions below find where nodes begin and end in the bytes. They may
// guess: an edit made with a wrong offset yields another tree than intended,
// or no YAML at all, and prove refuses it.

// start returns the offset of the first byte of n, its anchor and tag included.
func (d *document) start(n *yaml.Node) int {
	if n.Line < 1 || n.Line > len(d.lines) {
		return len(d.src)
	}
	at := d.lines[n.Line-1]
	for range n.Column - 1 { // the parser counts runes
		_, size := utf8.DecodeRune(d.src[at:])
		at += size
	}
	return at
}

// end returns the offset after the last byte of n. indent is the column of the
// block collection around n.
func (d *document) end(n *yaml.Node, indent int) int {
	switch {
	case isEmpty(n):
		return d.start(n)
	case n.Kind == yaml.ScalarNode:
		return d.scalarEnd(n, indent)
	case n.Kind == yaml.AliasNode:
		return d.start(n) + 1 + len(n.Value)
	case isFlow(n):
		return d.flowEnd(n)
	default:
		return d.contentEnd(n)
	}
}

func isFlow(n *yaml.Node) bool { return n.Style&yaml.FlowStyle != 0 }

// contentEnd returns the end of the last pair or entry of a collection that is
// not empty.
func (d *document) contentEnd(n *yaml.Node) int {
	last := len(n.Content) - 1
	if n.Kind == yaml.MappingNode {
		return d.pairEnd(n.Content[last-1], n.Content[last], n.Content[0].Column-1)
	}
	return d.end(n.Content[last], d.column(d.open(n)))
}

// pairEnd returns the end of "key: value", where value may be missing.
func (d *document) pairEnd(key, val *yaml.Node, indent int) int {
	if !isEmpty(val) {
		return d.end(val, indent)
	}
	at, _ := d.afterColon(key, indent)
	return at
}

// afterColon returns the offset after the colon of key. If none is on its line
// it returns the end of key, and false.
func (d *document) afterColon(key *yaml.Node, indent int) (at int, ok bool) {
	end := d.end(key, indent)
	if at := d.skip(end, " \t"); d.has(at, ':') {
		return at + 1, true
	}
	return end, false
}

// flowEnd returns the offset after the closing bracket of a flow collection.
func (d *document) flowEnd(n *yaml.Node) int {
	open := d.open(n)
	at := open + 1
	if len(n.Content) > 0 {
		at = d.contentEnd(n)
	}
	if !d.has(open, '{') && !d.has(open, '[') { // "a: b" within [ ] is a map without braces
		return at
	}
	for at < len(d.src) {
		switch d.src[at] {
		case '}', ']':
			return at + 1
		case '#':
			at = d.lineEnd(at)
		default:
			at++
		}
	}
	return at
}

var (
	doubleQuoted = regexp.MustCompile(`(?s)^"([^"\\]|\\.)*"`)
	singleQuoted = regexp.MustCompile(`^'([^']|'')*'`)
)

// scalarEnd returns the offset after a scalar of any style.
func (d *document) scalarEnd(n *yaml.Node, indent int) int {
	at := d.open(n)
	switch {
	case n.Style&yaml.DoubleQuotedStyle != 0:
		return at + len(doubleQuoted.Find(d.src[at:]))
	case n.Style&yaml.SingleQuotedStyle != 0:
		return at + len(singleQuoted.Find(d.src[at:]))
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return d.blockScalarEnd(at, indent)
	default:
		return d.plainEnd(at, n.Value)
	}
}

// open returns the offset of n without its anchor and tag: of the first dash, of
// the bracket, of the text.
func (d *document) open(n *yaml.Node) int {
	at := d.start(n)
	for d.has(at, '&') || d.has(at, '!') {
		name := bytes.IndexAny(d.src[at:], space)
		if name < 0 {
			return len(d.src)
		}
		for at = d.skip(at+name, space); d.has(at, '#'); {
			at = d.skip(d.lineEnd(at), space)
		}
	}
	return at
}

const space = " \t\r\n"

// skip moves over the bytes of a set.
func (d *document) skip(at int, set string) int {
	return len(d.src) - len(bytes.TrimLeft(d.src[at:], set))
}

// blockScalarEnd returns the end of a scalar that begins with | or >: after its
// last line that is not blank, or after the blank lines too if they belong to
// it (the + in |+).
func (d *document) blockScalarEnd(at, indent int) int {
	headEnd := d.lineEnd(at)
	header, _, _ := bytes.Cut(d.src[at:headEnd], []byte("#"))
	keep := bytes.IndexByte(header, '+') >= 0
	content := -1
	if i := bytes.IndexAny(header, "123456789"); i >= 0 {
		content = indent + int(header[i]-'0')
	}
	end := headEnd
	for line := d.nextLine(headEnd); line < len(d.src); line = d.nextLine(line) {
		lineEnd := d.lineEnd(line)
		width := lineEnd - line - len(bytes.TrimLeft(d.src[line:lineEnd], " "))
		blank := line+width == lineEnd
		if !blank && content < 0 {
			content = max(width, indent+1)
		}
		if !blank && width < content {
			break
		}
		if !blank || keep {
			end = lineEnd
		}
	}
	return end
}

// plainEnd walks over an unquoted scalar, whose lines are folded into value.
func (d *document) plainEnd(at int, value string) int {
	for value != "" && at < len(d.src) {
		run := d.skip(at, space)
		breaks := bytes.Count(d.src[at:run], []byte("\n"))
		switch {
		case breaks == 1 && value[0] == ' ':
			at, value = run, value[1:]
		case breaks > 1 && len(value) >= breaks-1:
			at, value = run, value[breaks-1:]
		case d.src[at] == value[0]:
			at, value = at+1, value[1:]
		default:
			return at
		}
	}
	return at
}

// dash returns the offset of the dash of entry i of a block list, or -1.
func (d *document) dash(n *yaml.Node, i int) int {
	first := d.open(n)
	if i == 0 {
		return first
	}
	col := d.column(first)
	at := d.nextLine(d.end(n.Content[i-1], col))
	for ; at < len(d.src); at = d.nextLine(at) {
		if d.has(at+col, '-') && len(bytes.TrimLeft(d.src[at:at+col], " ")) == 0 {
			return at + col
		}
	}
	return -1
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falcoconf

import (
	"bytes"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// The functions below find where nodes begin and end in the bytes. They may
// guess: an edit made with a wrong offset yields another tree than was meant,
// or no YAML at all, and is refused by prove.

// start returns the offset of the first byte of n, its anchor and tag included.
func (d *document) start(n *yaml.Node) int {
	if n.Line < 1 || n.Line > len(d.lines) {
		return len(d.src)
	}
	at := d.lines[n.Line-1]
	for range n.Column - 1 { // the parser counts runes
		if at >= len(d.src) {
			break
		}
		_, size := utf8.DecodeRune(d.src[at:])
		at += size
	}
	return at
}

// end returns the offset after the last byte of n. indent is the column of the
// block collection that n stands in; flow says that n stands in a flow one.
func (d *document) end(n *yaml.Node, indent int, flow bool) int {
	switch n.Kind {
	case yaml.ScalarNode:
		return d.scalarEnd(n, indent)
	case yaml.AliasNode:
		return d.start(n) + 1 + len(n.Value)
	case yaml.MappingNode:
		if n.Style&yaml.FlowStyle != 0 {
			return d.flowEnd(n)
		}
		last := len(n.Content) - 2
		return d.pairEnd(n.Content[last], n.Content[last+1], n.Content[0].Column-1, flow)
	default:
		if n.Style&yaml.FlowStyle != 0 {
			return d.flowEnd(n)
		}
		last := n.Content[len(n.Content)-1]
		return d.itemEnd(last, d.column(d.firstDash(n)), flow)
	}
}

// pairEnd returns the end of "key: value", where value may be missing.
func (d *document) pairEnd(key, val *yaml.Node, indent int, flow bool) int {
	if !isEmpty(val) {
		return d.end(val, indent, flow)
	}
	end := d.end(key, indent, flow)
	if colon := d.colon(key, indent, flow); colon >= 0 {
		return colon + 1
	}
	return end
}

// itemEnd returns the end of a list entry, which may be a dash alone.
func (d *document) itemEnd(item *yaml.Node, indent int, flow bool) int {
	if isEmpty(item) {
		return d.start(item)
	}
	return d.end(item, indent, flow)
}

// colon returns the offset of the colon after key, or -1 if there is none on
// its line.
func (d *document) colon(key *yaml.Node, indent int, flow bool) int {
	at := d.end(key, indent, flow)
	for at < len(d.src) && isBlank(d.src[at]) {
		at++
	}
	if at < len(d.src) && d.src[at] == ':' {
		return at
	}
	return -1
}

// flowEnd returns the offset after the closing bracket of a flow collection.
func (d *document) flowEnd(n *yaml.Node) int {
	open := d.skipProperties(d.start(n))
	at := open + 1
	bare := !d.has(open, '{') && !d.has(open, '[') // "a: b" within [ ] is a map without braces
	if last := len(n.Content) - 1; last >= 0 {
		if n.Kind == yaml.MappingNode {
			at = d.pairEnd(n.Content[last-1], n.Content[last], 0, true)
		} else {
			at = d.itemEnd(n.Content[last], 0, true)
		}
	}
	if bare {
		return at
	}
	for at < len(d.src) && !d.has(at, '}') && !d.has(at, ']') {
		if d.has(at, '#') {
			at = d.lineEnd(at)
			continue
		}
		at++
	}
	return min(at+1, len(d.src))
}

// scalarEnd returns the offset after a scalar of any style.
func (d *document) scalarEnd(n *yaml.Node, indent int) int {
	at := d.start(n)
	if n.Anchor != "" || n.Style&yaml.TaggedStyle != 0 {
		at = d.skipProperties(at)
	}
	if at >= len(d.src) {
		return len(d.src)
	}
	switch {
	case n.Style&yaml.DoubleQuotedStyle != 0:
		return d.quotedEnd(at, '"')
	case n.Style&yaml.SingleQuotedStyle != 0:
		return d.quotedEnd(at, '\'')
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return d.blockScalarEnd(at, indent)
	default:
		return d.plainEnd(at, n.Value)
	}
}

// skipProperties moves over anchors and tags and what separates them from the
// value.
func (d *document) skipProperties(at int) int {
	for at < len(d.src) && (d.src[at] == '&' || d.src[at] == '!') {
		for at < len(d.src) && !isBlank(d.src[at]) && !isBreak(d.src[at]) {
			at++
		}
		for at < len(d.src) && (isBlank(d.src[at]) || isBreak(d.src[at]) || d.src[at] == '#') {
			if d.src[at] == '#' {
				at = d.lineEnd(at)
				continue
			}
			at++
		}
	}
	return at
}

func (d *document) quotedEnd(at int, quote byte) int {
	for at++; at < len(d.src); at++ {
		switch {
		case quote == '"' && d.src[at] == '\\':
			at++
		case d.src[at] != quote:
		case quote == '\'' && d.has(at+1, '\''):
			at++
		default:
			return at + 1
		}
	}
	return len(d.src)
}

// blockScalarEnd returns the end of a scalar that begins with | or >: after its
// last line that is not blank, or after the blank lines too if they belong to
// it (the + in |+).
func (d *document) blockScalarEnd(at, indent int) int {
	headEnd := d.lineEnd(at)
	header := d.src[at:headEnd]
	if i := bytes.IndexByte(header, '#'); i >= 0 {
		header = header[:i]
	}
	keep := bytes.IndexByte(header, '+') >= 0
	content := -1
	if i := bytes.IndexAny(header, "123456789"); i >= 0 {
		content = indent + int(header[i]-'0')
	}
	end := headEnd
	for line := d.nextLine(headEnd); line < len(d.src); line = d.nextLine(line) {
		lineEnd := d.lineEnd(line)
		width := len(d.src[line:lineEnd]) - len(bytes.TrimLeft(d.src[line:lineEnd], " "))
		if line+width == lineEnd { // blank
			if keep {
				end = lineEnd
			}
			continue
		}
		if content < 0 {
			content = max(width, indent+1)
		}
		if width < content {
			break
		}
		end = lineEnd
	}
	return end
}

// plainEnd walks over an unquoted scalar, whose lines are folded into value.
func (d *document) plainEnd(at int, value string) int {
	for value != "" && at < len(d.src) {
		run := at
		breaks := 0
		for run < len(d.src) && (isBlank(d.src[run]) || isBreak(d.src[run])) {
			if d.src[run] == '\n' {
				breaks++
			}
			run++
		}
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

// firstDash returns the offset of the first dash of a block list.
func (d *document) firstDash(n *yaml.Node) int {
	return d.skipProperties(d.start(n))
}

// dash returns the offset of the dash of entry i of a block list, or -1.
func (d *document) dash(n *yaml.Node, i int) int {
	first := d.firstDash(n)
	if i == 0 {
		return first
	}
	col := d.column(first)
	at := d.nextLine(d.itemEnd(n.Content[i-1], col, false))
	for ; at < len(d.src); at = d.nextLine(at) {
		if d.has(at+col, '-') && len(bytes.TrimLeft(d.src[at:at+col], " ")) == 0 {
			return at + col
		}
	}
	return -1
}

func (d *document) has(at int, c byte) bool {
	return at >= 0 && at < len(d.src) && d.src[at] == c
}

// lineStart returns the offset of the start of the line that holds at.
func (d *document) lineStart(at int) int {
	start := bytes.LastIndexByte(d.src[:at], '\n') + 1
	return max(start, d.lines[0]) // not within the byte order mark
}

// lineEnd returns the offset of the line end (CR or LF) of the line that holds
// at, or of the end of the file.
func (d *document) lineEnd(at int) int {
	i := bytes.IndexByte(d.src[at:], '\n')
	if i < 0 {
		return len(d.src)
	}
	if at+i > 0 && d.src[at+i-1] == '\r' {
		i--
	}
	return at + i
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

// column returns how many bytes stand before at on its line.
func (d *document) column(at int) int { return at - d.lineStart(at) }

// ownLine reports whether nothing but spaces stands before at on its line.
func (d *document) ownLine(at int) bool {
	return len(bytes.TrimLeft(d.src[d.lineStart(at):at], " ")) == 0
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }
func isBreak(c byte) bool { return c == '\r' || c == '\n' }

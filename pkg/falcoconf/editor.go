// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falcoconf

import (
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// An editor plans the splices that turn the tree of a document into another.
type editor struct {
	d       *document
	in      indentation
	splices []splice
}

// A slot is the place that a value stands in.
type slot struct {
	path   string
	key    *yaml.Node // nil for a list entry
	dash   int        // offset of the dash of a list entry
	indent int        // column of the block collection around it
	flow   bool       // within a flow collection
}

// root plans the change of the whole document.
func (e *editor) root(want map[string]any) error {
	d := e.d
	if d.root == nil {
		e.appendRoot(want, true)
		return nil
	}
	at := slot{flow: d.root.Style&yaml.FlowStyle != 0}
	if len(want) == 0 && !at.flow {
		first, last := d.root.Content[0], len(d.root.Content)-2
		if err := e.checkAnchors(d.root, ""); err != nil {
			return err
		}
		e.deleteLines(d.start(first), d.pairEnd(d.root.Content[last], d.root.Content[last+1], first.Column-1, false))
		return nil
	}
	return e.mapping(at, d.root, d.tree, want)
}

// change plans that the value n, which reads as old, comes to read as want.
func (e *editor) change(at slot, n *yaml.Node, old, want any) error {
	if same(old, want) {
		return nil
	}
	if line, ok := e.d.shared[n.Anchor]; ok && n.Anchor != "" {
		return sharedError(n, at.path, line)
	}
	switch want := want.(type) {
	case map[string]any:
		if old, ok := old.(map[string]any); ok && n.Kind == yaml.MappingNode && len(want) > 0 && (len(old) > 0 || at.flow) {
			return e.mapping(at, n, old, want)
		}
	case []any:
		if old, ok := old.([]any); ok && n.Kind == yaml.SequenceNode && len(want) > 0 && len(old) > 0 {
			return e.sequence(at, n, old, want)
		}
	}
	return e.replace(at, n, want)
}

func sharedError(n *yaml.Node, path string, line int) *Error {
	e := unsupported(n.Line, path, "value is shared by the anchor &"+n.Anchor, "")
	e.Hint = "write the value out where *" + n.Anchor + " is used, then remove the anchor"
	if line > 0 {
		e.Hint += " (line " + strconv.Itoa(line) + ")"
	}
	return e
}

// checkAnchors refuses to drop a node that an alias elsewhere stands for.
func (e *editor) checkAnchors(n *yaml.Node, path string) error {
	if line, ok := e.d.shared[n.Anchor]; ok && n.Anchor != "" {
		return sharedError(n, path, line)
	}
	if n.Kind == yaml.AliasNode {
		return nil
	}
	for _, child := range n.Content {
		if err := e.checkAnchors(child, path); err != nil {
			return err
		}
	}
	return nil
}

// replace plans that n is written anew.
func (e *editor) replace(at slot, n *yaml.Node, want any) error {
	if err := e.checkAnchors(n, at.path); err != nil {
		return err
	}
	d := e.d
	start, end := d.start(n), d.end(n, at.indent, at.flow)
	switch {
	case at.flow:
		e.replaceInFlow(at, n, want)
	case e.staysInline(n, want):
		if isEmpty(n) || e.isBlockBelow(n) {
			e.insert(e.afterMark(at), " "+e.inlineText(n, want))
			e.deleteBlockBelow(n, end)
			return nil
		}
		e.splice(start, end, e.inlineText(n, want))
	case at.key == nil:
		e.replaceItem(at, n, want)
	case e.isBlockBelow(n) && !d.ownLine(start):
		return unsupported(n.Line, at.path, "value has a tag or an anchor before it", "remove the tag or anchor")
	case e.isBlockBelow(n):
		col := d.column(start)
		if _, isMap := want.(map[string]any); isMap && col <= at.indent {
			col = at.indent + e.in.mapping
		}
		e.splice(d.lineStart(start), end, strings.Join(e.in.blockLines(want, col), d.eol(start)))
	default:
		mark := e.afterMark(at)
		if !isEmpty(n) {
			e.splice(mark, end, "")
		}
		e.insertAfterLine(max(mark, end), e.in.blockLines(want, at.indent+e.in.of(want)))
	}
	return nil
}

// replaceInFlow writes a value within brackets anew.
func (e *editor) replaceInFlow(at slot, n *yaml.Node, want any) {
	d := e.d
	if !isEmpty(n) {
		e.splice(d.start(n), d.end(n, at.indent, true), flowText(want, quoteOf(n)))
		return
	}
	if at.key == nil {
		e.insert(d.start(n), flowText(want, 0))
		return
	}
	if colon := d.colon(at.key, at.indent, true); colon >= 0 {
		e.insert(colon+1, " "+flowText(want, 0))
		return
	}
	e.insert(d.end(at.key, at.indent, true), ": "+flowText(want, 0))
}

// replaceItem writes the entry of a block list anew, as a block that begins
// where the old entry did.
func (e *editor) replaceItem(at slot, n *yaml.Node, want any) {
	d := e.d
	start, end, lead := d.start(n), d.end(n, at.indent, false), ""
	if isEmpty(n) {
		start, end, lead = at.dash+1, at.dash+1, " "
	}
	col := d.column(start) + len(lead)
	lines := e.in.blockLines(want, col)
	lines[0] = lead + lines[0][col:]
	e.splice(start, end, strings.Join(lines, d.eol(start)))
}

// staysInline reports whether want is written on the line of its key. A list of
// scalars that replaces [] is: it was in flow style already.
func (e *editor) staysInline(n *yaml.Node, want any) bool {
	list, ok := want.([]any)
	if !ok || n.Kind != yaml.SequenceNode || n.Style&yaml.FlowStyle == 0 {
		return isInline(want)
	}
	for _, item := range list {
		if !isInline(item) {
			return false
		}
	}
	return true
}

func (e *editor) inlineText(n *yaml.Node, want any) string {
	return flowText(want, quoteOf(n))
}

// quoteOf returns the quote that n is written with, or 0.
func quoteOf(n *yaml.Node) byte {
	switch {
	case n.Style&yaml.DoubleQuotedStyle != 0:
		return '"'
	case n.Style&yaml.SingleQuotedStyle != 0:
		return '\''
	default:
		return 0
	}
}

// isBlockBelow reports whether n is a block collection that begins on a line
// below its key or dash.
func (e *editor) isBlockBelow(n *yaml.Node) bool {
	block := n.Kind == yaml.MappingNode || n.Kind == yaml.SequenceNode
	return block && n.Style&yaml.FlowStyle == 0 && e.d.ownLine(e.d.skipProperties(e.d.start(n)))
}

func (e *editor) deleteBlockBelow(n *yaml.Node, end int) {
	if e.isBlockBelow(n) {
		e.deleteLines(e.d.start(n), end)
	}
}

// afterMark returns the offset after the colon or dash of a slot.
func (e *editor) afterMark(at slot) int {
	if at.key == nil {
		return at.dash + 1
	}
	if colon := e.d.colon(at.key, at.indent, at.flow); colon >= 0 {
		return colon + 1
	}
	return e.d.end(at.key, at.indent, at.flow)
}

func (e *editor) splice(from, to int, text string) {
	e.splices = append(e.splices, splice{from: from, to: to, text: text})
}

func (e *editor) insert(at int, text string) { e.splice(at, at, text) }

// insertAfterLine inserts whole lines below the line that holds at. If that is
// the last line and has no line end, neither has the file afterwards.
func (e *editor) insertAfterLine(at int, lines []string) {
	d := e.d
	eol := d.eol(at)
	text := strings.Join(lines, eol)
	next := d.nextLine(at)
	if next == len(d.src) && !d.endsLine(next) {
		e.insert(next, eol+text)
		return
	}
	e.insert(next, text+eol)
}

// deleteLines deletes the lines from that of from to that of to.
func (e *editor) deleteLines(from, to int) {
	d := e.d
	start, next := d.lineStart(from), d.nextLine(to)
	if next == len(d.src) && !d.endsLine(next) && start > d.lines[0] {
		start -= len(d.eol(start - 1)) // the file still ends without a line end
	}
	e.splice(start, next, "")
}

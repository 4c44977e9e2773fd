// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package yamledit

import (
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// A slot is the place of a value.
type slot struct {
	path   string
	key    *yaml.Node // nil for a list entry
	dash   int        // offset of the dash of a list entry
	indent int        // column of the block collection around it
	flow   bool       // within a flow collection
}

// root plans to make the document read as want.
func (e *editor) root(want map[string]any) error {
	d := e.d
	switch {
	case d.root == nil:
		e.appendRoot(want)
		return nil
	case len(want) == 0 && !isFlow(d.root):
		e.deleteLines(d.start(d.root.Content[0]), d.contentEnd(d.root))
		return e.checkAnchors(d.root, "")
	}
	return e.mapping(slot{flow: isFlow(d.root)}, d.root, d.tree, want)
}

// change plans to make the value n, which reads as old, read as want.
func (e *editor) change(at slot, n *yaml.Node, old, want any) error {
	if equal(old, want) {
		return nil
	}
	if err := e.checkAnchor(n, at.path); err != nil {
		return err
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

// checkAnchor refuses to change a node that an alias elsewhere refers to.
func (e *editor) checkAnchor(n *yaml.Node, path string) error {
	line, ok := e.d.shared[n.Anchor]
	if !ok || n.Anchor == "" {
		return nil
	}
	hint := fmt.Sprintf("write the value out where *%s is used (line %d), then remove the anchor", n.Anchor, line)
	return unsupported(n.Line, path, "value is shared by the anchor &"+n.Anchor, hint)
}

// checkAnchors is checkAnchor for n and all that it contains.
func (e *editor) checkAnchors(n *yaml.Node, path string) error {
	if err := e.checkAnchor(n, path); err != nil || n.Kind == yaml.AliasNode {
		return err
	}
	for _, child := range n.Content {
		if err := e.checkAnchors(child, path); err != nil {
			return err
		}
	}
	return nil
}

// replace plans to overwrite n.
func (e *editor) replace(at slot, n *yaml.Node, want any) error {
	if err := e.checkAnchors(n, at.path); err != nil {
		return err
	}
	d := e.d
	start, end := d.start(n), d.end(n, at.indent)
	switch {
	case at.flow:
		e.replaceInFlow(at, n, want)
	case e.staysInline(n, want):
		text := flowText(want, quoteOf(n))
		if !isEmpty(n) && !e.isBlockBelow(n) {
			e.splice(start, end, text)
			break
		}
		e.insert(e.afterIndicator(at), " "+text)
		if !isEmpty(n) {
			e.deleteLines(start, end)
		}
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
		colon := e.afterIndicator(at)
		if !isEmpty(n) {
			e.splice(colon, end, "")
		}
		e.insertAfterLine(max(colon, end), e.in.blockLines(want, at.indent+e.in.of(want)))
	}
	return nil
}

// replaceInFlow overwrites a value in a flow collection.
func (e *editor) replaceInFlow(at slot, n *yaml.Node, want any) {
	d := e.d
	text := flowText(want, quoteOf(n))
	switch {
	case !isEmpty(n):
		e.splice(d.start(n), d.end(n, at.indent), text)
	case at.key == nil:
		e.insert(d.start(n), text)
	default:
		colon, ok := d.afterColon(at.key, at.indent)
		if !ok {
			e.insert(colon, ":")
		}
		e.insert(colon, " "+text)
	}
}

// replaceItem overwrites the entry of a block list with a block that begins where
// the old entry does.
func (e *editor) replaceItem(at slot, n *yaml.Node, want any) {
	d := e.d
	start, end, lead := d.start(n), d.end(n, at.indent), ""
	if isEmpty(n) {
		start, end, lead = at.dash+1, at.dash+1, " "
	}
	col := d.column(start) + len(lead)
	lines := e.in.blockLines(want, col)
	lines[0] = lead + lines[0][col:]
	e.splice(start, end, strings.Join(lines, d.eol(start)))
}

// staysInline reports whether want is written on the line of its key. A list of
// scalars that replaces [] is, because [] is in flow style.
func (e *editor) staysInline(n *yaml.Node, want any) bool {
	list, ok := want.([]any)
	if !ok || n.Kind != yaml.SequenceNode || !isFlow(n) {
		return isInline(want)
	}
	return !slices.ContainsFunc(list, func(v any) bool { return !isInline(v) })
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

// isBlockBelow reports whether n is a block collection that starts on a line below
// its key or dash.
func (e *editor) isBlockBelow(n *yaml.Node) bool {
	block := (n.Kind == yaml.MappingNode || n.Kind == yaml.SequenceNode) && !isFlow(n)
	return block && e.d.ownLine(e.d.open(n))
}

// afterIndicator returns the offset after the colon or dash of a slot.
func (e *editor) afterIndicator(at slot) int {
	if at.key == nil {
		return at.dash + 1
	}
	colon, _ := e.d.afterColon(at.key, at.indent)
	return colon
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package yamledit

import (
	"bytes"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// A span is the bytes [from, to) of a pair or a list entry.
type span struct{ from, to int }

// mapping plans to make the map n read as want, pair by pair, so that unchanged
// pairs keep their bytes.
func (e *editor) mapping(at slot, n *yaml.Node, old, want map[string]any) error {
	flow := isFlow(n)
	if flow && !e.d.has(e.d.open(n), '{') {
		return unsupported(n.Line, at.path, "map is written without braces inside a list", "put braces around it")
	}
	if len(n.Content) == 0 {
		e.insert(e.d.flowEnd(n)-1, strings.Trim(flowText(want, 0), "{}"))
		return nil
	}
	isKept := func(key string) bool { _, ok := want[key]; return ok }
	if !slices.ContainsFunc(sortedKeys(old), isKept) && (n != e.d.root || flow) {
		return e.replace(at, n, want)
	}
	inner := slot{indent: n.Content[0].Column - 1, flow: flow}
	var spans []span
	var kept []int
	for i := 0; i < len(n.Content); i += 2 {
		key, val := n.Content[i], n.Content[i+1]
		spans = append(spans, span{e.d.start(key), e.d.pairEnd(key, val, inner.indent)})
		inner.path, inner.key = joinKey(at.path, key.Value), key
		var err error
		if isKept(key.Value) {
			kept = append(kept, i/2)
			err = e.change(inner, val, old[key.Value], want[key.Value])
		} else {
			err = e.checkAnchors(val, inner.path)
		}
		if err != nil {
			return err
		}
	}
	e.drop(spans, kept, flow)
	added := slices.DeleteFunc(sortedKeys(want), func(key string) bool { _, ok := old[key]; return ok })
	if flow {
		for _, key := range added {
			e.insert(spans[len(spans)-1].to, ", "+flowPair(key, want[key]))
		}
		return nil
	}
	e.addPairs(n, spans, inner.indent, added, want)
	return nil
}

// drop deletes the pairs or entries that are not kept.
func (e *editor) drop(spans []span, kept []int, flow bool) {
	if flow {
		e.dropFlow(spans, kept)
		return
	}
	first := 0
	if len(kept) > 0 && kept[0] > 0 && !e.d.ownLine(spans[0].from) {
		first = kept[0] // moves up behind the dash at which the map begins
		e.splice(spans[0].from, spans[first].from, "")
	}
	for i := first; i < len(spans); i++ {
		if !slices.Contains(kept, i) {
			e.deleteLines(spans[i].from, spans[i].to)
		}
	}
}

// dropFlow deletes what is not kept in a flow collection, with its comma. At
// least one is kept.
func (e *editor) dropFlow(spans []span, kept []int) {
	last := kept[len(kept)-1]
	for i := range last {
		if !slices.Contains(kept, i) {
			e.splice(spans[i].from, spans[i+1].from, "")
		}
	}
	if end := len(spans) - 1; last < end {
		e.splice(spans[last].to, spans[end].to, "")
	}
}

// addPairs inserts new pairs into the block map n: below a commented-out example
// of the key if there is one, else below the last pair. A new block at the top
// level goes to the end of the file.
func (e *editor) addPairs(n *yaml.Node, spans []span, indent int, keys []string, want map[string]any) {
	blocks := map[string]any{}
	for _, key := range keys {
		line := e.example(spans, key, indent)
		switch {
		case line < 0 && n == e.d.root && !isInline(want[key]):
			blocks[key] = want[key]
			continue
		case line < 0:
			line = spans[len(spans)-1].to
		}
		e.insertAfterLine(line, e.in.pairLines(key, want[key], indent))
	}
	if len(blocks) > 0 {
		e.appendRoot(blocks)
	}
}

// example returns the start of the last line of the last commented-out example
// of key, or -1. An example is between or after the pairs of a block map and begins
// at column col. Its further lines are indented deeper behind their "#", or are
// list entries.
func (e *editor) example(spans []span, key string, col int) int {
	d := e.d
	found := -1
	for i, s := range spans {
		end := len(d.src)
		if i+1 < len(spans) {
			end = d.lineStart(spans[i+1].from)
		}
		within := false
		for line := d.nextLine(s.to); line < end; line = d.nextLine(line) {
			text := string(d.src[line:d.lineEnd(line)])
			if first := strings.TrimLeft(text, " \t"); first != "" && first[0] != '#' {
				break
			}
			comment, ok := strings.CutPrefix(text, strings.Repeat(" ", col)+"#")
			switch rest, isKey := strings.CutPrefix(strings.TrimPrefix(comment, " "), key+":"); {
			case !ok:
				within = false
			case isKey && (rest == "" || rest[0] == ' '):
				within, found = true, line
			case within && (strings.HasPrefix(comment, "  ") || strings.HasPrefix(strings.TrimLeft(comment, " "), "- ")):
				found = line
			default:
				within = false
			}
		}
	}
	return found
}

// appendRoot writes new top-level keys at the end of the document, each block
// with a blank line before it.
func (e *editor) appendRoot(m map[string]any) {
	d := e.d
	at, col := d.lines[0], 0
	if d.root != nil {
		at, col = d.contentEnd(d.root), d.root.Content[0].Column-1
	}
	at = d.documentEnd(at)
	var lines []string
	blank := d.atLineStart(at) && (at <= d.lines[0] || len(bytes.TrimSpace(d.src[d.lineStart(at-1):at])) == 0)
	for _, key := range sortedKeys(m) {
		if !blank && !isInline(m[key]) {
			lines = append(lines, "")
		}
		lines = append(lines, e.in.pairLines(key, m[key], col)...)
		blank = false
	}
	if d.atLineStart(at) {
		e.insertLines(at, lines, d.eol(max(0, at-1)))
		return
	}
	e.insertAfterLine(at, lines)
}

// documentEnd returns the offset of the line "..." that ends the document after
// from, or the end of the file.
func (d *document) documentEnd(from int) int {
	for line := from; line < len(d.src); line = d.nextLine(line) {
		if d.atLineStart(line) && bytes.HasPrefix(d.src[line:], []byte("...")) {
			return line
		}
	}
	return len(d.src)
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falcoconf

import (
	"bytes"
	"slices"
	"sort"
	"strings"

	"gopkg.in/yaml.v3"
)

// mapping plans that the map n comes to read as want, pair by pair, so that the
// pairs that stay keep their bytes.
func (e *editor) mapping(at slot, n *yaml.Node, old, want map[string]any) error {
	flow := n.Style&yaml.FlowStyle != 0
	if flow && !e.d.has(e.d.skipProperties(e.d.start(n)), '{') {
		return unsupported(n.Line, at.path, "map is written without braces inside a list", "put braces around it")
	}
	if len(n.Content) == 0 {
		e.insert(e.d.flowEnd(n)-1, strings.Trim(flowText(want, 0), "{}"))
		return nil
	}
	kept := keptPairs(n, want)
	if len(kept) == 0 && (n != e.d.root || flow) {
		return e.replace(at, n, want)
	}
	inner := slot{indent: n.Content[0].Column - 1, flow: flow}
	for i := 0; i < len(n.Content); i += 2 {
		key, val := n.Content[i], n.Content[i+1]
		inner.path, inner.key = joinKey(at.path, key.Value), key
		var err error
		if v, ok := want[key.Value]; ok {
			err = e.change(inner, val, old[key.Value], v)
		} else {
			err = e.checkAnchors(val, inner.path)
		}
		if err != nil {
			return err
		}
	}
	if flow {
		e.dropFlow(e.pairSpans(n, inner), kept)
		e.addFlowPairs(n, inner, newKeys(old, want), want)
		return nil
	}
	e.dropPairs(e.pairSpans(n, inner), kept)
	e.addPairs(n, inner, newKeys(old, want), want)
	return nil
}

// keptPairs returns the indexes (0, 1, 2, ...) of the pairs that want has.
func keptPairs(n *yaml.Node, want map[string]any) []int {
	var kept []int
	for i := 0; i < len(n.Content); i += 2 {
		if _, ok := want[n.Content[i].Value]; ok {
			kept = append(kept, i/2)
		}
	}
	return kept
}

// newKeys returns the keys of want that old lacks, sorted.
func newKeys(old, want map[string]any) []string {
	var keys []string
	for key := range want {
		if _, ok := old[key]; !ok {
			keys = append(keys, key)
		}
	}
	sort.Strings(keys)
	return keys
}

// A span is the bytes [from, to) of a pair or a list entry.
type span struct{ from, to int }

func (e *editor) pairSpans(n *yaml.Node, inner slot) []span {
	spans := make([]span, 0, len(n.Content)/2)
	for i := 0; i < len(n.Content); i += 2 {
		key, val := n.Content[i], n.Content[i+1]
		spans = append(spans, span{e.d.start(key), e.d.pairEnd(key, val, inner.indent, inner.flow)})
	}
	return spans
}

// dropPairs deletes the lines of the pairs that are not kept. A first pair that
// stands behind a dash makes way for the first one that stays.
func (e *editor) dropPairs(spans []span, kept []int) {
	first := 0
	if len(kept) > 0 && kept[0] > 0 && !e.d.ownLine(spans[0].from) {
		first = kept[0]
		e.splice(spans[0].from, spans[first].from, "")
	}
	for i := first; i < len(spans); i++ {
		if !slices.Contains(kept, i) {
			e.deleteLines(spans[i].from, spans[i].to)
		}
	}
}

// dropFlow deletes what is not kept within brackets, with its comma. At least
// one is kept.
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

func (e *editor) addFlowPairs(n *yaml.Node, inner slot, keys []string, want map[string]any) {
	last := len(n.Content) - 2
	at := e.d.pairEnd(n.Content[last], n.Content[last+1], inner.indent, true)
	for _, key := range keys {
		e.insert(at, ", "+flowPair(key, want[key]))
	}
}

// addPairs inserts new pairs: below a commented-out example of the key if there
// is one, else below the last pair, or, for a block of its own in falco.yaml
// itself, at the end of the file.
func (e *editor) addPairs(n *yaml.Node, inner slot, keys []string, want map[string]any) {
	gaps := e.gaps(n, inner)
	last := len(n.Content) - 2
	end := e.d.pairEnd(n.Content[last], n.Content[last+1], inner.indent, false)
	atEnd := map[string]any{}
	for _, key := range keys {
		lines := e.in.pairLines(key, want[key], inner.indent)
		if line := e.example(gaps, key, inner.indent); line >= 0 {
			e.insertAfterLine(line, lines)
			continue
		}
		if n == e.d.root && !isInline(want[key]) {
			atEnd[key] = want[key]
			continue
		}
		e.insertAfterLine(end, lines)
	}
	if len(atEnd) > 0 {
		e.appendRoot(atEnd, false)
	}
}

// gaps returns where comments stand between and after the pairs of a block map,
// up to the next content.
func (e *editor) gaps(n *yaml.Node, inner slot) []span {
	d := e.d
	var gaps []span
	for i, s := range e.pairSpans(n, inner) {
		from, to := d.nextLine(s.to), len(d.src)
		if next := 2*i + 2; next < len(n.Content) {
			to = d.lineStart(d.start(n.Content[next]))
		}
		gaps = append(gaps, span{from, d.commentsEnd(from, to)})
	}
	return gaps
}

// commentsEnd returns where the comment and blank lines in [from, to) end.
func (d *document) commentsEnd(from, to int) int {
	for line := from; line < to; line = d.nextLine(line) {
		text := bytes.TrimLeft(d.src[line:d.lineEnd(line)], " \t")
		if len(text) > 0 && text[0] != '#' {
			return line
		}
	}
	return to
}

// example returns an offset in the last line of the last commented-out example
// of key at the given column within gaps, or -1. The lines of an example are
// indented deeper behind their "#", or are list entries.
func (e *editor) example(gaps []span, key string, col int) int {
	d := e.d
	found := -1
	for _, gap := range gaps {
		within := false
		for line := gap.from; line < gap.to; line = d.nextLine(line) {
			text, ok := commentText(d.src[line:d.lineEnd(line)], col)
			switch rest, isKey := strings.CutPrefix(strings.TrimPrefix(text, " "), key+":"); {
			case !ok:
				within = false
			case isKey && (rest == "" || rest[0] == ' '):
				within, found = true, line
			case within && (strings.HasPrefix(text, "  ") || strings.HasPrefix(strings.TrimLeft(text, " "), "- ")):
				found = line
			default:
				within = false
			}
		}
	}
	return found
}

// commentText returns what follows the "#" of a comment that begins at column
// col.
func commentText(line []byte, col int) (string, bool) {
	text := bytes.TrimLeft(line, " ")
	if len(line)-len(text) != col || len(text) == 0 || text[0] != '#' {
		return "", false
	}
	return string(text[1:]), true
}

// appendRoot writes new top-level keys at the end of the document, each block
// with a blank line before it.
func (e *editor) appendRoot(m map[string]any, bare bool) {
	d := e.d
	var lines []string
	col := 0
	at := len(d.src)
	if !bare {
		col = d.root.Content[0].Column - 1
		last := len(d.root.Content) - 2
		at = d.pairEnd(d.root.Content[last], d.root.Content[last+1], col, false)
	}
	at = d.documentEnd(at)
	blank := d.blankBefore(at)
	for _, key := range sortedKeys(m) {
		if !blank && !isInline(m[key]) {
			lines = append(lines, "")
		}
		lines = append(lines, e.in.pairLines(key, m[key], col)...)
		blank = false
	}
	if d.endsLine(at) {
		eol := d.eol(max(0, at-1))
		e.insert(at, strings.Join(lines, eol)+eol)
		return
	}
	e.insertAfterLine(at, lines)
}

// documentEnd returns the offset of the line "..." that ends the document after
// from, or of the end of the file.
func (d *document) documentEnd(from int) int {
	if d.root == nil {
		from = d.lines[0]
	}
	for line := from; line < len(d.src); line = d.nextLine(line) {
		if d.endsLine(line) && bytes.HasPrefix(d.src[line:], []byte("...")) {
			return line
		}
	}
	return len(d.src)
}

// blankBefore reports whether the line before the offset is blank, or there is
// none.
func (d *document) blankBefore(at int) bool {
	if !d.endsLine(at) {
		return false
	}
	if at <= d.lines[0] {
		return true
	}
	before := d.src[d.lineStart(at-1):at]
	return len(bytes.TrimSpace(before)) == 0
}

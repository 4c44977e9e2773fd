// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falcoconf

import (
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// sequence plans that the list n comes to read as want. Entries that are equal
// stay; those between two that stay are changed one by one, and what is left
// over is added or dropped. Neither list is empty.
func (e *editor) sequence(at slot, n *yaml.Node, old, want []any) error {
	inner := slot{flow: n.Style&yaml.FlowStyle != 0}
	pairs := align(old, want)
	if !inner.flow {
		first := e.d.firstDash(n)
		if !e.d.ownLine(first) && (len(pairs) == 0 || pairs[0] != match{0, 0}) {
			return e.replace(at, n, want) // the first entry stands behind another dash
		}
		inner.indent = e.d.column(first)
	}
	spans := e.itemSpans(n, inner)
	var kept []int
	i, j := 0, 0 // the next entries of old and want
	for _, p := range append(pairs, match{len(old), len(want)}) {
		for ; i < p.old; i++ {
			if err := e.checkAnchors(n.Content[i], joinIndex(at.path, i)); err != nil {
				return err
			}
		}
		e.addItems(spans, inner, p.old, want[j:p.want])
		if p.old == len(old) {
			break
		}
		inner.path, inner.dash = joinIndex(at.path, p.old), spans[p.old].from
		if err := e.change(inner, n.Content[p.old], old[p.old], want[p.want]); err != nil {
			return err
		}
		kept = append(kept, p.old)
		i, j = p.old+1, p.want+1
	}
	e.dropItems(spans, inner, kept)
	return nil
}

func (e *editor) itemSpans(n *yaml.Node, inner slot) []span {
	spans := make([]span, len(n.Content))
	for i, item := range n.Content {
		from := e.d.start(item)
		if !inner.flow {
			from = max(0, e.d.dash(n, i))
		}
		spans[i] = span{from, e.d.itemEnd(item, inner.indent, inner.flow)}
	}
	return spans
}

// addItems inserts entries before entry i of the old list.
func (e *editor) addItems(spans []span, inner slot, i int, added []any) {
	for _, v := range added {
		lines := e.in.itemLines(v, inner.indent)
		switch {
		case inner.flow && i == 0:
			e.insert(spans[0].from, flowText(v, 0)+", ")
		case inner.flow:
			e.insert(spans[i-1].to, ", "+flowText(v, 0))
		case i == 0:
			eol := e.d.eol(spans[0].from)
			e.insert(e.d.lineStart(spans[0].from), strings.Join(lines, eol)+eol)
		default:
			e.insertAfterLine(spans[i-1].to, lines)
		}
	}
}

// dropItems deletes the entries that are not kept.
func (e *editor) dropItems(spans []span, inner slot, kept []int) {
	if inner.flow {
		e.dropFlow(spans, kept)
		return
	}
	for i, s := range spans {
		if !slices.Contains(kept, i) {
			e.deleteLines(s.from, s.to)
		}
	}
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package yamledit

import "gopkg.in/yaml.v3"

// sequence plans to make the list n read as want. Equal entries stay. Entries
// between two that stay are changed one by one, and the rest are added or dropped.
// Neither list is empty.
func (e *editor) sequence(at slot, n *yaml.Node, old, want []any) error {
	inner := slot{flow: isFlow(n)}
	pairs := align(old, want)
	if !inner.flow {
		first := e.d.open(n)
		if !e.d.ownLine(first) && pairs[0] != (match{0, 0}) {
			return e.replace(at, n, want) // the first entry is behind another dash
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
	e.drop(spans, kept, inner.flow)
	return nil
}

func (e *editor) itemSpans(n *yaml.Node, inner slot) []span {
	spans := make([]span, len(n.Content))
	for i, item := range n.Content {
		from := e.d.start(item)
		if !inner.flow {
			from = max(0, e.d.dash(n, i))
		}
		spans[i] = span{from, e.d.end(item, inner.indent)}
	}
	return spans
}

// addItems inserts entries before entry i of the old list.
func (e *editor) addItems(spans []span, inner slot, i int, added []any) {
	for _, v := range added {
		switch {
		case inner.flow && i == 0:
			e.insert(spans[0].from, flowText(v, 0)+", ")
		case inner.flow:
			e.insert(spans[i-1].to, ", "+flowText(v, 0))
		case i == 0:
			e.insertLines(e.d.lineStart(spans[0].from), e.in.itemLines(v, inner.indent), e.d.eol(spans[0].from))
		default:
			e.insertAfterLine(spans[i-1].to, e.in.itemLines(v, inner.indent))
		}
	}
}

// A match says that an entry of the old list becomes an entry of the new one.
type match struct{ old, want int }

// maxAlign bounds the table of lcs. Longer lists are compared at their ends
// only.
const maxAlign = 1 << 14

// align pairs the entries of two lists, in order, so that as many pairs as
// possible are equal. Those in between are paired by position.
func align(old, want []any) []match {
	n := min(len(old), len(want))
	head := 0
	for head < n && equal(old[head], want[head]) {
		head++
	}
	tail := 0
	for tail < n-head && equal(old[len(old)-1-tail], want[len(want)-1-tail]) {
		tail++
	}
	var pairs []match
	next := match{}
	add := func(m match) {
		for ; next.old < m.old && next.want < m.want; next = (match{next.old + 1, next.want + 1}) {
			pairs = append(pairs, next)
		}
		if m.old < len(old) {
			pairs = append(pairs, m)
		}
		next = match{m.old + 1, m.want + 1}
	}
	for i := range head {
		add(match{i, i})
	}
	for _, m := range lcs(old[head:len(old)-tail], want[head:len(want)-tail]) {
		add(match{head + m.old, head + m.want})
	}
	for i := tail; i >= 0; i-- {
		add(match{len(old) - i, len(want) - i})
	}
	return pairs
}

// lcs returns a longest common subsequence of two lists.
func lcs(a, b []any) []match {
	if len(a)*len(b) == 0 || len(a)*len(b) > maxAlign {
		return nil
	}
	longest := make([][]int, len(a)+1) // of a[i:] and b[j:]
	longest[len(a)] = make([]int, len(b)+1)
	for i := len(a) - 1; i >= 0; i-- {
		longest[i] = make([]int, len(b)+1)
		for j := len(b) - 1; j >= 0; j-- {
			longest[i][j] = max(longest[i+1][j], longest[i][j+1])
			if equal(a[i], b[j]) {
				longest[i][j] = longest[i+1][j+1] + 1
			}
		}
	}
	var out []match
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case equal(a[i], b[j]):
			out = append(out, match{i, j})
			i, j = i+1, j+1
		case longest[i+1][j] >= longest[i][j+1]:
			i++
		default:
			j++
		}
	}
	return out
}

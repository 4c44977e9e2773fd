// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falcoconf

// A match says that an entry of the old list becomes an entry of the new one.
type match struct{ old, want int }

// maxAlign bounds the table of lcs; longer lists are compared at their ends
// only.
const maxAlign = 1 << 14

// align pairs the entries of two lists that are not empty, in order. As many as
// possible are equal; between those, entries are paired by position.
func align(old, want []any) []match {
	n := min(len(old), len(want))
	head := 0
	for head < n && same(old[head], want[head]) {
		head++
	}
	tail := 0
	for tail < n-head && same(old[len(old)-1-tail], want[len(want)-1-tail]) {
		tail++
	}
	var equal []match
	for i := range head {
		equal = append(equal, match{i, i})
	}
	for _, m := range lcs(old[head:len(old)-tail], want[head:len(want)-tail]) {
		equal = append(equal, match{head + m.old, head + m.want})
	}
	for i := tail; i > 0; i-- {
		equal = append(equal, match{len(old) - i, len(want) - i})
	}
	var pairs []match
	next := match{}
	for _, m := range append(equal, match{len(old), len(want)}) {
		for next.old < m.old && next.want < m.want {
			pairs = append(pairs, next)
			next = match{next.old + 1, next.want + 1}
		}
		if m.old < len(old) {
			pairs = append(pairs, m)
		}
		next = match{m.old + 1, m.want + 1}
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
			if same(a[i], b[j]) {
				longest[i][j] = longest[i+1][j+1] + 1
			}
		}
	}
	var out []match
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case same(a[i], b[j]):
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

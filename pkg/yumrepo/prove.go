// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package yumrepo

import (
	"fmt"
	"slices"
	"strings"
)

// An item is a header, a key with its value, or a comment, from one or more lines
// of a file. Two files with the same items differ only in spacing.
type item struct {
	kind  kind
	name  string // or the comment's text
	value string
	line  int // index in its file; not compared
}

// String returns the item as a line of a file.
func (it item) String() string {
	switch it.kind {
	case section:
		return "[" + it.name + "]"
	case keyValue:
		return it.name + "=" + it.value
	}
	return it.name
}

func (f *File) items() []item {
	var all []item
	for i, l := range f.lines {
		it := item{kind: l.kind, name: l.name, line: i}
		switch l.kind {
		case continuation:
			if f.continues(i, l.owner) {
				continue
			}
			it = item{kind: blank, name: strings.TrimRight(f.text(i), "\r\n"), line: i}
		case blank:
			it.name = strings.TrimPrefix(strings.TrimRight(f.text(i), "\r\n"), string(utf8BOM))
		case keyValue:
			it.value = f.value(i)
		}
		all = append(all, it)
	}
	return all
}

// proven returns out if reading it gives the wanted items, and refuses it
// otherwise.
func (f *File) proven(out []byte, want []item) ([]byte, error) {
	got, err := Parse(out)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnproven, err)
	}
	same := slices.EqualFunc(want, got.items(), func(a, b item) bool {
		a.line, b.line = 0, 0
		return a == b
	})
	if !same {
		return nil, errUnproven
	}
	return out, nil
}

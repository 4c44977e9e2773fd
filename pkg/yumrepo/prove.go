// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package yumrepo

import (
	"fmt"
	"slices"
	"strings"
)

// An item is what one or more lines of a file say: a header, a setting, or a
// comment. Two files with the same items differ in nothing but spacing.
type item struct {
	kind  kind
	name  string // or the comment's text
	value string
	line  int // of the file it came from; not compared
}

func (f *File) items() []item {
	var all []item
	for i, l := range f.lines {
		it := item{kind: l.kind, name: l.name, line: i}
		switch l.kind {
		case more:
			continue
		case blank:
			it.name = strings.TrimPrefix(strings.TrimRight(string(f.src[l.start:l.end]), "\r\n"), string(utf8BOM))
		case keyValue:
			it.value = f.value(i)
		}
		all = append(all, it)
	}
	return all
}

// wantReplaced returns the items that the file must have after the edit.
func (f *File) wantReplaced(at int, value string) []item {
	want := f.items()
	for i := range want {
		if want[i].line == at {
			want[i].value = value
		}
	}
	return want
}

func (f *File) wantInserted(header int, key, value string) []item {
	want := f.items()
	at := 0
	for i, it := range want {
		if it.line == header || it.kind == keyValue && f.lines[it.line].owner == header {
			at = i + 1
		}
	}
	// Comments between a value and the lines that continue it come before the
	// new key, which stands behind the last of those lines.
	for i := at; i < len(want) && want[i].kind == blank; i++ {
		if last := f.lastMore(want[at-1].line); want[i].line < last {
			at = i + 1
		}
	}
	return slices.Insert(want, at, item{kind: keyValue, name: key, value: value, line: -1})
}

// lastMore returns the last line that continues the value on line at.
func (f *File) lastMore(at int) int {
	last := at
	for i := at + 1; i < len(f.lines); i++ {
		if f.lines[i].kind == more && f.lines[i].owner == at {
			last = i
		}
	}
	return last
}

// proven returns out if reading it gives the wanted items, and refuses it
// otherwise.
func (f *File) proven(out []byte, want []item) ([]byte, error) {
	got, err := Parse(out)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnproven, err)
	}
	same := slices.EqualFunc(want, got.items(), func(a, b item) bool {
		a.line, b.line = 0, 0
		return a == b
	})
	if !same {
		return nil, ErrUnproven
	}
	return out, nil
}

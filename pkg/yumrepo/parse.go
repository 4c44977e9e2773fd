// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Package yumrepo reads and edits .repo files, which yum and dnf read and
// people edit by hand.
//
// An edit changes the bytes of one value and no others: comments, blank lines,
// order, spacing, line ends and unknown keys stay. It is then proven by reading
// the result again, and an edit that cannot be proven is refused. What a line
// means is what it means to libdnf (libdnf/utils/iniparser): no comments behind
// a value, keys in their exact case, indented lines continue a value even
// behind a comment.
//
// The package opens no file, expands no variable such as $releasever, and does
// not know dnf.conf or what dnf's own command line turns on.
package yumrepo

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// A SyntaxError is a line that makes dnf skip the whole file.
type SyntaxError struct {
	Line    int    // from 1
	Problem string // what is wrong with it
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("line %d: %s", e.Line, e.Problem)
}

var utf8BOM = []byte("\xef\xbb\xbf")

// A File is a .repo file that has been read.
type File struct {
	src   []byte
	lines []line
}

type kind int

const (
	blank        kind = iota // nothing or a comment
	section                  // [id]
	keyValue                 // key=value
	continuation             // an indented line that continues the value above
)

// A line is one line of a file. Offsets count from the start of the file.
type line struct {
	kind       kind
	start, end int    // the whole line, its line end included
	name       string // the section's id or the key
	value      string // of a key, this line's part of it
	vstart     int    // where that part begins
	vend       int    // and ends
	owner      int    // index of the line with the section's header, or of the key; -1 for none
}

// Parse reads a .repo file. A file that dnf could not read is a
// [*SyntaxError]. Sections and keys that stand there twice are no error here,
// since dnf reads on; see [Section.Get] and [Set].
func Parse(src []byte) (*File, error) {
	f := &File{src: src}
	header, key := -1, -1
	for start := 0; start < len(src); {
		end := len(src)
		if i := bytes.IndexByte(src[start:], '\n'); i >= 0 {
			end = start + i + 1
		}
		l, err := f.scan(start, end, header, key)
		if err != nil {
			return nil, &SyntaxError{Line: len(f.lines) + 1, Problem: err.Error()}
		}
		switch l.kind {
		case section:
			header, key = len(f.lines), -1
		case keyValue:
			key = len(f.lines)
		}
		f.lines = append(f.lines, l)
		start = end
	}
	return f, nil
}

// text returns line i, its line end included.
func (f *File) text(i int) string { return string(f.src[f.lines[i].start:f.lines[i].end]) }

// scan reads the line at src[start:end] under the section and the key that
// stand at the given indexes.
func (f *File) scan(start, end, header, key int) (line, error) {
	l := line{start: start, end: end, owner: -1}
	text := string(f.src[start:end])
	if start == 0 {
		text = strings.TrimPrefix(text, string(utf8BOM))
	}
	at := end - len(text) // where text begins
	text = strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r")
	body := strings.Trim(text, " \t")
	indent := len(text) - len(strings.TrimLeft(text, " \t"))
	switch {
	case strings.IndexByte(text, 0) >= 0:
		return l, errors.New("a NUL byte")
	case strings.IndexByte(text, '\r') >= 0:
		return l, errors.New("a carriage return inside the line")
	case body == "" || text[0] == '#' || text[0] == ';':
		return l, nil
	case body[0] == '[':
		l.kind = section
		id, err := sectionID(body)
		l.name = id
		return l, err
	case header < 0:
		return l, errors.New("text before the first section")
	case indent > 0 && key < 0:
		return l, errors.New("an indented line continues nothing")
	case indent > 0:
		l.kind, l.owner, l.value = continuation, key, body
		l.vstart = at + indent
		l.vend = l.vstart + len(body)
		return l, nil
	}
	l.kind, l.owner = keyValue, header
	return l, l.split(text, at)
}

func sectionID(body string) (string, error) {
	id, rest, ok := strings.Cut(body[1:], "]")
	rest = strings.TrimLeft(rest, " \t")
	switch {
	case !ok:
		return "", errors.New("the section's ] is missing")
	case id == "":
		return "", errors.New("the section has no name")
	case rest != "" && rest[0] != '#' && rest[0] != ';':
		return "", errors.New("text follows the section's ]")
	}
	return id, nil
}

// split takes a key=value line apart. Where the value is empty it belongs at
// the end of the line.
func (l *line) split(text string, at int) error {
	name, value, ok := strings.Cut(text, "=")
	l.name = strings.TrimRight(name, " \t")
	switch {
	case !ok:
		return errors.New("neither a section, a comment nor key=value")
	case l.name == "":
		return errors.New("the key before = is missing")
	}
	l.value = strings.Trim(value, " \t")
	l.vstart = at + len(text) - len(strings.TrimLeft(value, " \t"))
	l.vend = l.vstart + len(l.value)
	return nil
}

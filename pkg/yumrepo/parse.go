// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Package yumrepo reads and edits .repo files, which yum and dnf read and
// people edit by hand, and reads [main] of dnf.conf.
//
// An edit changes only the bytes that it must: comments, blank lines, order,
// spacing, line ends, a missing final newline and unknown keys stay. Every edit
// is proven by reading its result, and refused if that is not what was intended.
// An edit that changes nothing returns its input.
//
// Lines are read as libdnf reads them (libdnf/utils/iniparser): there is no
// comment after a value, keys are case-sensitive, and an indented line continues
// a value even after a comment. The package opens no file, expands variables such
// as $releasever only in [Expand], and does not know dnf's command line.
package yumrepo

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

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
	kind         kind
	start, end   int    // of the whole line, its line end included
	name         string // the section's id or the key
	value        string // this line's part of a key's value
	vstart, vend int    // of that part
	owner        int    // index of the section's header, or of the key that is continued; -1 for none
}

// Parse reads a .repo file. The error for a file that dnf skips names the line
// and what is wrong with it. A section or key that appears twice is not an error,
// because dnf reads on; see [Section.Get] and [Set].
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
			return nil, fmt.Errorf("line %d: %w", len(f.lines)+1, err)
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

// scan reads the line at src[start:end], which follows the section and the key
// at the given indexes.
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

// split takes a key=value line apart. An empty value is at the end of the line.
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

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
// Lines are read as libdnf has read them since 0.20 (libdnf/utils/iniparser), with
// what nobody would expect: there is no comment after a value, keys are
// case-sensitive, a comment or an empty line ends a value but a line of spaces does
// not, a carriage return counts as a space, and one character may follow the ] of a
// section. The node tests compare it with dnf itself. The package opens no file, expands variables such
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
	continuation             // an indented line that continues the value above, or one of spaces
)

// spaces are what libdnf trims from both ends of a line.
const spaces = " \t\r"

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
		case blank:
			key = -1
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

// scan reads the line at src[start:end]. It is below the section at index header and,
// unless key is -1, continues the value of that key if it is indented.
func (f *File) scan(start, end, header, key int) (line, error) {
	l := line{start: start, end: end, owner: -1}
	text := string(f.src[start:end])
	if start == 0 {
		text = strings.TrimPrefix(text, string(utf8BOM))
	}
	at := end - len(text) // where text begins
	text = strings.TrimSuffix(text, "\n")
	body := strings.Trim(text, spaces)
	indent := len(text) - len(strings.TrimLeft(text, spaces))
	switch {
	case text == "" || text[0] == '#' || text[0] == ';' || body == "" && key < 0:
		return l, nil
	case body != "" && body[0] == '[':
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

// sectionID returns the text between the first brackets. libdnf does not look at the
// last character of the line.
func sectionID(body string) (string, error) {
	id, rest, ok := strings.Cut(body[1:], "]")
	rest = strings.TrimLeft(rest[:max(0, len(rest)-1)], spaces)
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

// split takes a key=value line apart. An empty value is at the end of the line. (Of
// spaces before a carriage return libdnf takes the carriage return.)
func (l *line) split(text string, at int) error {
	name, value, ok := strings.Cut(text, "=")
	l.name = strings.TrimRight(name, " \t")
	switch {
	case !ok:
		return errors.New("neither a section, a comment nor key=value")
	case l.name == "":
		return errors.New("the key before = is missing")
	}
	begun := strings.TrimLeft(value, " \t")
	l.value = strings.TrimRight(begun, spaces)
	l.vstart = at + len(text) - len(begun)
	l.vend = l.vstart + len(l.value)
	return nil
}

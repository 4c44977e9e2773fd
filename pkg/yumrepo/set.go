// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package yumrepo

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Why an edit is refused. [ErrNoSection] is the one that a caller mends, by
// writing the section.
var (
	ErrNoSection        = errors.New("no such section")
	ErrDuplicateSection = errors.New("the section stands in the file twice")
	ErrDuplicateKey     = errors.New("the key stands in the section twice")
	ErrKeyCase          = errors.New("the key stands in the section in other letters, which yum reads and dnf ignores")
	ErrBadKey           = errors.New("not a key of a .repo file")
	ErrBadValue         = errors.New("not a value of one line")
	ErrUnproven         = errors.New("the edit would change more than one value")
)

// Set returns src with one key of the section id set to value. If it is
// already so the result is src itself. A key that is not there is inserted
// behind the section's last one, spelled as that one is.
//
// The error is one of this package's, with the line where there is one:
// [ErrNoSection] if the section is not there, [ErrDuplicateSection] or
// [ErrDuplicateKey] if what a change would do is not plain to see, or a
// [*SyntaxError].
func Set(src []byte, id, key, value string) ([]byte, error) {
	if err := settable(key, value); err != nil {
		return nil, err
	}
	f, header, at, err := locate(src, id, key)
	switch {
	case err != nil:
		return nil, err
	case at >= 0 && f.value(at) == value:
		return src, nil
	case at < 0:
		return f.proven(f.insert(header, key, value), f.wantInserted(header, key, value))
	}
	return f.proven(f.replace(at, value), f.wantReplaced(at, value))
}

// Unset returns src without the key of the section id, the lines that continue
// its value included. If there is no such key the result is src itself. Errors
// are those of [Set].
func Unset(src []byte, id, key string) ([]byte, error) {
	f, _, at, err := locate(src, id, key)
	switch {
	case err != nil:
		return nil, err
	case at < 0:
		return src, nil
	}
	out := f.without(at)
	want := f.items()
	i := slices.IndexFunc(want, func(it item) bool { return it.line == at })
	return f.proven(out, slices.Delete(want, i, i+1))
}

// Remove returns src without the section id, wherever it stands: its header,
// its settings and the comments between those, and the blank lines behind it.
// Comments before the header and behind the last setting stay. If there is no
// such section the result is src itself.
func Remove(src []byte, id string) ([]byte, error) {
	f, err := Parse(src)
	if err != nil {
		return nil, err
	}
	gone := map[int]bool{}
	for i, l := range f.lines {
		if l.kind == section && l.name == id {
			f.extent(i, gone)
		}
	}
	if len(gone) == 0 {
		return src, nil
	}
	var out []byte
	for i, l := range f.lines {
		if !gone[i] {
			out = append(out, src[l.start:l.end]...)
		}
	}
	if len(out) > 0 && bytes.HasPrefix(src, utf8BOM) && gone[0] {
		out = slices.Concat(utf8BOM, out)
	}
	want := slices.DeleteFunc(f.items(), func(it item) bool { return gone[it.line] })
	return f.proven(out, want)
}

// extent marks the lines that go with the section whose header is on line i.
func (f *File) extent(i int, gone map[int]bool) {
	last := i
	next := i + 1
	for ; next < len(f.lines) && f.lines[next].kind != section; next++ {
		if k := f.lines[next].kind; k == keyValue || k == more {
			last = next
		}
	}
	for last+1 < next && len(bytes.TrimSpace(f.src[f.lines[last+1].start:f.lines[last+1].end])) == 0 {
		last++
	}
	for ; i <= last; i++ {
		gone[i] = true
	}
}

// SetEnabled returns src with the repository id turned on or off. If it is
// already so, in whatever words, the result is src itself. Errors are those of
// [Set].
func SetEnabled(src []byte, id string, on bool) ([]byte, error) {
	f, _, at, err := locate(src, id, "enabled")
	if err != nil {
		return nil, err
	}
	if at < 0 && on {
		return src, nil
	}
	if at >= 0 {
		if is, known := parseBool(f.value(at)); known && is == on {
			return src, nil
		}
	}
	if on {
		return Set(src, id, "enabled", "1")
	}
	return Set(src, id, "enabled", "0")
}

var keyForm = regexp.MustCompile(`^[A-Za-z0-9_.-]+$`)

func settable(key, value string) error {
	if !keyForm.MatchString(key) {
		return fmt.Errorf("%q: %w", key, ErrBadKey)
	}
	if strings.ContainsAny(value, "\r\n\x00") || strings.Trim(value, " \t") != value {
		return fmt.Errorf("%s=%q: %w", key, value, ErrBadValue)
	}
	return nil
}

// locate reads src and finds the section's header and the key's line, the
// latter -1 if it is not there.
func locate(src []byte, id, key string) (f *File, header, at int, err error) {
	if f, err = Parse(src); err != nil {
		return nil, 0, 0, err
	}
	header, at = -1, -1
	for i, l := range f.lines {
		switch {
		case l.kind == section && l.name == id && header >= 0:
			return nil, 0, 0, fmt.Errorf("line %d: [%s]: %w", i+1, id, ErrDuplicateSection)
		case l.kind == section && l.name == id:
			header = i
		case l.kind != keyValue || header < 0 || l.owner != header || !strings.EqualFold(l.name, key):
		case l.name != key:
			return nil, 0, 0, fmt.Errorf("line %d: [%s] %s: %w", i+1, id, l.name, ErrKeyCase)
		case at >= 0:
			return nil, 0, 0, fmt.Errorf("line %d: [%s] %s: %w", i+1, id, key, ErrDuplicateKey)
		default:
			at = i
		}
	}
	if header < 0 {
		return nil, 0, 0, fmt.Errorf("[%s]: %w", id, ErrNoSection)
	}
	return f, header, at, nil
}

// replace puts value in the place of the one on line at and drops the lines
// that continued the old one. Comments between those stay.
func (f *File) replace(at int, value string) []byte {
	l := f.lines[at]
	out := bytes.Clone(f.src[:l.vstart])
	out = append(out, value...)
	out = append(out, f.src[l.vend:l.end]...)
	return f.finish(f.appendRest(out, at))
}

// without drops the line at and those that continue its value.
func (f *File) without(at int) []byte {
	return f.finish(f.appendRest(bytes.Clone(f.src[:f.lines[at].start]), at))
}

// appendRest appends to out what follows line at, but for the lines that
// continue its value.
func (f *File) appendRest(out []byte, at int) []byte {
	for _, l := range f.lines[at+1:] {
		if l.kind != more || l.owner != at {
			out = append(out, f.src[l.start:l.end]...)
		}
	}
	return out
}

// finish gives out the end that the file had: a line end or none. A blank line
// at the end would be lost with its line end, and keeps it.
func (f *File) finish(out []byte) []byte {
	if bytes.HasSuffix(f.src, []byte("\n")) {
		return out
	}
	cut := bytes.TrimSuffix(bytes.TrimSuffix(out, []byte("\n")), []byte("\r"))
	if len(cut) == 0 || bytes.HasSuffix(cut, []byte("\n")) {
		return out
	}
	return cut
}

// insert puts a new key behind the section's last one, or behind its header.
func (f *File) insert(header int, key, value string) []byte {
	last, equals := header, "="
	for i := header + 1; i < len(f.lines) && f.lines[i].kind != section; i++ {
		switch l := f.lines[i]; l.kind {
		case keyValue:
			last, equals = i, f.equals(l)
		case more:
			last = i
		}
	}
	end := f.lines[last].end
	text := key + equals + value
	if bytes.HasSuffix(f.src[:end], []byte("\n")) {
		text += f.lineEnd(last)
	} else {
		text = f.lineEnd(last) + text
	}
	return slices.Concat(f.src[:end], []byte(text), f.src[end:])
}

// equals returns the = of a line with the space around it, on both sides or on
// neither: an empty value says nothing about the space behind.
func (f *File) equals(l line) string {
	text := string(f.src[l.start:l.vend])
	before, _, _ := strings.Cut(text, "=")
	if n := len(before) - len(strings.TrimRight(before, " \t")); n > 0 {
		return " = "
	}
	return "="
}

// lineEnd returns the line end that line i has, or that its file has if it is
// the last line and has none.
func (f *File) lineEnd(i int) string {
	for ; i >= 0; i-- {
		text := f.src[f.lines[i].start:f.lines[i].end]
		switch {
		case bytes.HasSuffix(text, []byte("\r\n")):
			return "\r\n"
		case bytes.HasSuffix(text, []byte("\n")):
			return "\n"
		}
	}
	return "\n"
}

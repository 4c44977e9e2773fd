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

// ErrNoSection is the error of [Set] and [Unset] for a section that is not in
// the file. [Add] adds one.
var ErrNoSection = errors.New("no such section")

// Other reasons why an edit is refused.
var (
	errDuplicateSection = errors.New("the section is in the file twice")
	errDuplicateKey     = errors.New("the key is in the section twice")
	errKeyCase          = errors.New("the key is in the section in another case, which yum reads and dnf ignores")
	errSectionExists    = errors.New("the section is already in the file")
	errBadSection       = errors.New("not a section or comment that dnf can read")
	errBadKey           = errors.New("not a key of a .repo file")
	errBadValue         = errors.New("not a value of one line")
	errUnproven         = errors.New("the edit would change more than it should")
)

// Set returns src with keys of the section id set, or src itself if they all
// are. A boolean that dnf already reads as wanted, such as "yes" for "1", is
// left alone. A key that is missing is inserted after the section's last one,
// with the same spacing around "=".
//
// The error is [ErrNoSection], that of [Parse], or the reason why the effect of
// the edit is unclear, with its line, such as a key that appears twice.
func Set(src []byte, id string, keys ...KeyValue) ([]byte, error) {
	for _, kv := range keys {
		var err error
		if src, err = set(src, id, kv); err != nil {
			return nil, err
		}
	}
	return src, nil
}

func set(src []byte, id string, kv KeyValue) ([]byte, error) {
	if err := checkKeyValue(kv); err != nil {
		return nil, err
	}
	f, header, err := locate(src, id)
	if err != nil {
		return nil, err
	}
	if s, _ := f.Section(id); s.hasBool(kv) {
		return src, nil
	}
	at, err := f.locateKey(header, kv.Key)
	switch {
	case err != nil:
		return nil, err
	case at < 0:
		return f.insert(header, kv)
	case f.value(at) == kv.Value:
		return src, nil
	}
	return f.replace(at, kv.Value)
}

// Unset returns src without keys of the section id and the lines that continue
// their values, or src itself if there are no such keys. Errors are those of
// [Set].
func Unset(src []byte, id string, keys ...string) ([]byte, error) {
	for _, key := range keys {
		f, header, err := locate(src, id)
		if err != nil {
			return nil, err
		}
		at, err := f.locateKey(header, key)
		if err != nil {
			return nil, err
		}
		if at < 0 {
			continue
		}
		if src, err = f.proven(f.without(func(i int) bool { return i == at || f.continues(i, at) })); err != nil {
			return nil, err
		}
	}
	return src, nil
}

// Remove returns src without every section id: its header, its
// keys and the comments between those, and the blank lines after it. Comments
// before the header and after the last key stay. If there is no such section
// the result is src itself.
func Remove(src []byte, id string) ([]byte, error) {
	f, err := Parse(src)
	if err != nil {
		return nil, err
	}
	gone := map[int]bool{}
	for i, l := range f.lines {
		if l.kind == section && l.name == id {
			for end := f.sectionEnd(i); i < end; i++ {
				gone[i] = true
			}
		}
	}
	if len(gone) == 0 {
		return src, nil
	}
	return f.proven(f.without(func(i int) bool { return gone[i] }))
}

// sectionEnd returns the line after the section whose header is on line i and
// the blank lines that follow it.
func (f *File) sectionEnd(i int) int {
	end := f.lastKey(i) + 1
	for end < len(f.lines) && strings.TrimSpace(f.text(end)) == "" {
		end++
	}
	return end
}

// lastKey returns the last line of the section whose header is on line i that
// has a key or continues a value, or i.
func (f *File) lastKey(i int) int {
	last := i
	for i++; i < len(f.lines) && f.lines[i].kind != section; i++ {
		if l := f.lines[i]; l.kind == keyValue || l.kind == continuation && l.value != "" {
			last = i
		}
	}
	return last
}

var keyForm = regexp.MustCompile(`^[A-Za-z0-9_.-]+$`)

func checkKeyValue(kv KeyValue) error {
	if !keyForm.MatchString(kv.Key) {
		return fmt.Errorf("%q: %w", kv.Key, errBadKey)
	}
	if strings.ContainsAny(kv.Value, "\r\n\x00") || strings.Trim(kv.Value, " \t") != kv.Value {
		return fmt.Errorf("%s=%q: %w", kv.Key, kv.Value, errBadValue)
	}
	return nil
}

// locate reads src and finds the section's header.
func locate(src []byte, id string) (f *File, header int, err error) {
	if f, err = Parse(src); err != nil {
		return nil, 0, err
	}
	header = -1
	for i, l := range f.lines {
		if l.kind != section || l.name != id {
			continue
		}
		if header >= 0 {
			return nil, 0, fmt.Errorf("line %d: [%s]: %w", i+1, id, errDuplicateSection)
		}
		header = i
	}
	if header < 0 {
		return nil, 0, fmt.Errorf("[%s]: %w", id, ErrNoSection)
	}
	return f, header, nil
}

// locateKey finds the line of a key in the section whose header is on line
// header. It returns -1 if there is none.
func (f *File) locateKey(header int, key string) (int, error) {
	at := -1
	for i, l := range f.lines {
		var err error
		switch {
		case l.kind != keyValue || l.owner != header || !strings.EqualFold(l.name, key):
			continue
		case l.name != key:
			err = errKeyCase
		case at >= 0:
			err = errDuplicateKey
		}
		if err != nil {
			return 0, fmt.Errorf("line %d: [%s] %s: %w", i+1, f.lines[header].name, l.name, err)
		}
		at = i
	}
	return at, nil
}

// continues reports whether line i is a part of the value on line at. Lines of spaces
// after it are not.
func (f *File) continues(i, at int) bool {
	for ; i < len(f.lines) && f.lines[i].kind == continuation; i++ {
		if f.lines[i].owner == at && f.lines[i].value != "" {
			return true
		}
	}
	return false
}

// replace puts value in the place of the one on line at and drops the lines
// that continue the old one. Comments between those stay.
func (f *File) replace(at int, value string) ([]byte, error) {
	out, want := f.without(func(i int) bool { return f.continues(i, at) })
	want[slices.IndexFunc(want, func(it item) bool { return it.line == at })].value = value
	l := f.lines[at]
	return f.proven(slices.Concat(out[:l.vstart], []byte(value), out[l.vend:]), want)
}

// without returns the file without some lines, and the items that are left. The
// file keeps its byte order mark, and its lack of a final newline unless that
// would lose a blank line.
func (f *File) without(gone func(line int) bool) (out []byte, want []item) {
	for i, l := range f.lines {
		if !gone(i) {
			out = append(out, f.src[l.start:l.end]...)
		}
	}
	if len(out) > 0 && bytes.HasPrefix(f.src, utf8BOM) && gone(0) {
		out = slices.Concat(utf8BOM, out)
	}
	if bytes.HasSuffix(out, []byte("\n")) && !bytes.HasSuffix(f.src, []byte("\n")) {
		cut := bytes.TrimSuffix(out[:len(out)-1], []byte("\r"))
		if len(cut) > 0 && !bytes.HasSuffix(cut, []byte("\n")) {
			out = cut
		}
	}
	return out, slices.DeleteFunc(f.items(), func(it item) bool { return gone(it.line) })
}

// insert puts a new key after the section's last one, or after its header.
func (f *File) insert(header int, kv KeyValue) ([]byte, error) {
	last, equals := f.lastKey(header), "="
	for i := header; i <= last; i++ {
		if f.lines[i].kind == keyValue {
			equals = f.equals(i)
		}
	}
	text := kv.Key + equals + kv.Value
	if missing := f.missingEnd(last); missing != "" {
		text = missing + text
	} else {
		text += f.lineEnd(last)
	}
	want := f.items()
	at := slices.IndexFunc(want, func(it item) bool { return it.line > last })
	if at < 0 {
		at = len(want)
	}
	end := f.lines[last].end
	return f.proven(slices.Concat(f.src[:end], []byte(text), f.src[end:]),
		slices.Insert(want, at, item{kind: keyValue, name: kv.Key, value: kv.Value}))
}

// equals returns " = " if line i has space before its =, else "=". The space after
// it does not count, since an empty value has none.
func (f *File) equals(i int) string {
	before, _, _ := strings.Cut(f.text(i), "=")
	if strings.TrimRight(before, " \t") != before {
		return " = "
	}
	return "="
}

// lineEnd returns the line end of line i, or of the lines before it if it is
// the file's last and has none.
func (f *File) lineEnd(i int) string {
	for ; i >= 0; i-- {
		switch text := f.text(i); {
		case strings.HasSuffix(text, "\r\n"):
			return "\r\n"
		case strings.HasSuffix(text, "\n"):
			return "\n"
		}
	}
	return "\n"
}

// missingEnd returns the part of its line end that line i lacks.
func (f *File) missingEnd(i int) string {
	switch {
	case i < 0 || strings.HasSuffix(f.text(i), "\n"):
		return ""
	case strings.HasSuffix(f.text(i), "\r"):
		return "\n"
	}
	return f.lineEnd(i)
}

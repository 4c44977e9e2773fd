// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package yamledit

import (
	"bytes"
	"regexp"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// OddTag is the tag of a scalar that holds bytes which yaml.v3 does not read as
// yaml-cpp does. Its text is not known.
const OddTag = "!odd"

// yaml-cpp accepts text that yaml.v3 rejects or splits into other lines: bytes
// that are not UTF-8, control characters, U+0085, U+2028 and U+2029 (yaml-cpp
// src/exp.h, Break), lines of tabs (src/scanner.cpp, ScanToNextToken), any
// directive %YAML 1.x (src/singledocparser.cpp) and the escape \/. Such text is
// read through a stand-in of the same length, so that every position holds.
//
// The stand-in is made twice, with different letters in the odd places. What
// reads alike in both does not depend on them: they are in comments. A scalar
// that differs gets the tag [OddTag].

// standIns returns the two stand-ins for src. must says that src itself cannot
// be trusted even if yaml.v3 accepts it.
func standIns(src []byte) (a, b []byte, must bool) {
	a, b = bytes.Clone(src), bytes.Clone(src)
	replaceDirectives(a, b)
	replaceTabs(a, b)
	must = replaceOdd(a, b)
	if !escape.Match(src) {
		a, b = bytes.ReplaceAll(a, []byte(`\/`), []byte(`\e`)), bytes.ReplaceAll(b, []byte(`\/`), []byte(`\e`))
	}
	return a, b, must
}

// escape is what \/ is read through: no file has it by itself.
var escape = regexp.MustCompile(`\\(e|x1[bB]|u001[bB]|U0000001[bB])`)

// replaceDirectives makes comments of the directives before the document, but
// for %TAG and a version that yaml-cpp refuses.
func replaceDirectives(a, b []byte) {
	at := 0
	if bytes.HasPrefix(a, []byte(utf8BOM)) {
		at = len(utf8BOM)
	}
	for line := range bytes.Lines(a[at:]) {
		text := bytes.TrimLeft(line, " \t\r\n")
		if len(text) > 0 && text[0] != '#' && line[0] != '%' {
			return
		}
		if line[0] == '%' && !bytes.HasPrefix(line, []byte("%TAG")) && (!bytes.HasPrefix(line, []byte("%YAML")) || bytes.HasPrefix(line, []byte("%YAML 1."))) {
			a[at], b[at] = '#', '#'
		}
		at += len(line)
	}
}

// replaceTabs replaces the tabs of lines that hold nothing but white space, or a
// comment. In b the first one begins a comment, so that the two differ where the
// line is part of a scalar.
func replaceTabs(a, b []byte) {
	at := 0
	for line := range bytes.Lines(a) {
		text := bytes.TrimLeft(line, " \t\r\n")
		blank := len(line) - len(text)
		if tab := bytes.IndexByte(line[:blank], '\t'); tab >= 0 && (len(text) == 0 || text[0] == '#') {
			for i := at; i < at+blank; i++ {
				if a[i] == '\t' {
					a[i], b[i] = ' ', ' '
				}
			}
			b[at+tab] = '#'
		}
		at += len(line)
	}
}

// replaceOdd replaces the characters that yaml.v3 rejects or takes for the end
// of a line.
func replaceOdd(a, b []byte) (found bool) {
	for i := 0; i < len(a); {
		r, size := utf8.DecodeRune(a[i:])
		if isOdd(r, size) && (i != 0 || r != '\uFEFF') {
			found = true
			copy(a[i:], []string{"", "X", "ß", "一"}[size])
			copy(b[i:], []string{"", "Z", "ü", "丁"}[size])
		}
		i += size
	}
	return found
}

// isOdd reports whether yaml.v3 rejects a character (yaml.v3 readerc.go) or
// takes it for the end of a line. U+0004 is not odd: it ends a file of
// yaml-cpp's (src/stream.h). Neither is U+0000, which no text file has.
func isOdd(r rune, size int) bool {
	switch {
	case r == utf8.RuneError:
		return size == 1
	case r < ' ':
		return !strings.ContainsRune("\t\n\r\x00\x04", r)
	}
	return r >= 0x7f && r < 0xa0 || strings.ContainsRune("\u2028\u2029\uFEFF\uFFFE\uFFFF", r)
}

// decodeFirst is yaml.v3's reading of the first document of src; root is nil if
// there is none. rest says what follows.
func decodeFirst(src []byte) (root *yaml.Node, rest, err error) {
	a, b, must := standIns(src)
	root, rest, err = decodeRaw(src)
	if !must && (err == nil || bytes.Equal(a, src)) {
		return root, rest, err
	}
	first, restA, errA := decodeRaw(a)
	second, restB, errB := decodeRaw(b)
	switch {
	case errA != nil && err != nil:
		return nil, nil, err
	case errA != nil || errB != nil || (first == nil) != (second == nil) || (restA == nil) != (restB == nil):
		return nil, nil, unsupported(0, "", "text holds characters about which YAML parsers disagree", "look for control characters with `cat -A`, and remove them")
	case first == nil:
		return nil, restA, nil
	case !merge(first, second):
		return nil, nil, unsupported(first.Line, "", "text holds characters about which YAML parsers disagree", "look for control characters with `cat -A`, and remove them")
	}
	if bytes.Contains(a, []byte(`\e`)) && !bytes.Contains(src, []byte(`\e`)) {
		restore(first)
	}
	return first, restA, nil
}

// merge marks the scalars of a that differ in b. It is false if more differs.
func merge(a, b *yaml.Node) bool {
	if a.Kind != b.Kind || a.Line != b.Line || a.Column != b.Column || a.Anchor != b.Anchor || len(a.Content) != len(b.Content) {
		return false
	}
	if a.Value != b.Value {
		if a.Kind != yaml.ScalarNode {
			return false
		}
		a.Tag = OddTag
	}
	for i := range a.Content {
		if !merge(a.Content[i], b.Content[i]) {
			return false
		}
	}
	return true
}

// restore undoes the replacement of \/ in the values below n.
func restore(n *yaml.Node) {
	switch {
	case n.Kind != yaml.ScalarNode:
	case n.Style&yaml.DoubleQuotedStyle != 0:
		n.Value = strings.ReplaceAll(n.Value, "\x1b", "/")
	default:
		n.Value = strings.ReplaceAll(n.Value, `\e`, `\/`)
	}
	for _, child := range n.Content {
		restore(child)
	}
}

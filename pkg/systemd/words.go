// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package systemd

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"
)

var (
	errUnbalanced = errors.New("a quote is not closed")
	errBadEscape  = errors.New("an unknown escape")
)

// Words splits a value such as that of Environment= as systemd does: at blanks,
// with quotes of both kinds anywhere in a word, and with C's escapes inside and
// outside of them (src/basic/extract-word.c). With an error it returns the words
// before it, which systemd uses.
func Words(value string) ([]string, error) { return split(splitter{text: value}) }

// CommandWords splits a command such as that of ExecStart=. Unlike [Words] it keeps an
// unknown escape as it is, with the backslash; after an error the unit has no command
// (src/shared/extract-word.c extract_first_word_and_warn, systemd 239 to 257).
func CommandWords(value string) ([]string, error) {
	return split(splitter{text: value, verbatim: true})
}

func split(s splitter) ([]string, error) {
	var all []string
	for {
		word, ok, err := s.next()
		if !ok || err != nil {
			return all, err
		}
		all = append(all, word)
	}
}

// Expand returns argv as systemd gives it to the program: "${NAME}" in a word
// stands for the variable, "$NAME" as a whole word for its value split into zero
// or more words, and "$$" for a dollar sign. A variable that is not set is empty.
// The program's own name stays: systemd.service(5), src/basic/env-util.c.
func Expand(argv, environment []string) []string {
	get := func(name string) string {
		value := ""
		for _, kv := range environment {
			if k, v, ok := strings.Cut(kv, "="); ok && k == name {
				value = v
			}
		}
		return value
	}
	var all []string
	for i, word := range argv {
		switch {
		case i == 0:
			all = append(all, word)
		case len(word) > 0 && word[0] == '$' && !strings.HasPrefix(word, "${") && !strings.HasPrefix(word, "$$"):
			all = append(all, looseWords(get(word[1:]))...)
		default:
			all = append(all, expandWord(word, get))
		}
	}
	return all
}

func expandWord(word string, get func(string) string) string {
	var out strings.Builder
	for {
		i := strings.IndexByte(word, '$')
		if i < 0 {
			break
		}
		out.WriteString(word[:i])
		word = word[i:]
		name, rest, closed := strings.Cut(strings.TrimPrefix(word, "${"), "}")
		switch {
		case strings.HasPrefix(word, "$$"):
			out.WriteByte('$')
			word = word[2:]
		case strings.HasPrefix(word, "${") && closed:
			out.WriteString(get(name))
			word = rest
		default:
			out.WriteByte('$')
			word = word[1:]
		}
	}
	return out.String() + word
}

// looseWords splits the value of a variable: quotes need not be closed, and a
// backslash escapes the character after it.
func looseWords(value string) []string {
	s := splitter{text: value, loose: true}
	var all []string
	for {
		word, ok, err := s.next()
		if !ok || err != nil {
			return all
		}
		all = append(all, word)
	}
}

const blanks = " \t\n\r"

// A splitter takes words off a text.
type splitter struct {
	text     string
	pos      int
	loose    bool // no C escapes; quotes need not be closed
	verbatim bool // unknown escapes stay as they are
}

// next takes the next word, which may be empty if it is quoted.
func (s *splitter) next() (word string, ok bool, err error) {
	for s.pos < len(s.text) && strings.IndexByte(blanks, s.text[s.pos]) >= 0 {
		s.pos++
	}
	if s.pos == len(s.text) {
		return "", false, nil
	}
	var out []byte
	quote := byte(0)
	for ; s.pos < len(s.text); s.pos++ {
		switch b := s.text[s.pos]; {
		case b == '\\':
			if out, err = s.escape(out); err != nil {
				return "", false, err
			}
		case quote != 0 && b == quote:
			quote = 0
		case quote == 0 && (b == '"' || b == '\''):
			quote = b
		case quote == 0 && strings.IndexByte(blanks, b) >= 0:
			return string(out), true, nil
		default:
			out = append(out, b)
		}
	}
	if quote != 0 && !s.loose {
		return "", false, errUnbalanced
	}
	return string(out), true, nil
}

// escape reads from a backslash to the last byte of the escape.
func (s *splitter) escape(out []byte) ([]byte, error) {
	rest := s.text[s.pos+1:]
	switch {
	case rest == "" && s.verbatim:
		return append(out, '\\'), nil
	case rest == "" && s.loose:
		return out, nil
	case rest == "":
		return out, errBadEscape
	case s.loose:
		s.pos++
		return append(out, rest[0]), nil
	}
	char, n := unescape(rest)
	switch {
	case n == 0 && s.verbatim:
		return append(out, '\\'), nil
	case n == 0:
		return out, errBadEscape
	}
	s.pos += n
	return append(out, char...), nil
}

// unescape reads an escape after its backslash and returns what it stands for,
// and its length, or 0 if it is unknown: systemd's src/basic/escape.c. A NUL is
// not allowed.
func unescape(text string) ([]byte, int) {
	if i := strings.IndexByte(`abfnrtv\"'s`, text[0]); i >= 0 {
		return []byte{"\a\b\f\n\r\t\v\\\"' "[i]}, 1
	}
	for _, form := range []struct {
		prefix       string
		digits, base int
	}{{"x", 2, 16}, {"u", 4, 16}, {"U", 8, 16}, {"", 3, 8}} {
		rest, ok := strings.CutPrefix(text, form.prefix)
		if !ok || len(rest) < form.digits {
			continue
		}
		code, err := strconv.ParseUint(rest[:form.digits], form.base, 32)
		if err != nil || code == 0 || form.base == 8 && code > 255 {
			continue
		}
		n := len(form.prefix) + form.digits
		if form.prefix == "x" || form.base == 8 {
			return []byte{byte(code)}, n
		}
		if code > utf8.MaxRune || !utf8.ValidRune(rune(code)) {
			continue
		}
		return utf8.AppendRune(nil, rune(code)), n
	}
	return nil, 0
}

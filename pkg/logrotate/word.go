// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package logrotate

import "errors"

func isBlank(b byte) bool { return b == ' ' || b == '\t' }
func isSpace(b byte) bool { return isBlank(b) || '\n' <= b && b <= '\r' }
func isAlpha(b byte) bool { return 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' }

// at reports whether a byte is at the position.
func (r *reader) at(b byte) bool { return r.pos < len(r.src) && r.src[r.pos] == b }

// word reads letters after blanks and stops behind them.
func (r *reader) word() string {
	for r.pos < len(r.src) && isBlank(r.src[r.pos]) {
		r.pos++
	}
	begin := r.pos
	for r.pos < len(r.src) && isAlpha(r.src[r.pos]) {
		r.pos++
	}
	return string(r.src[begin:r.pos])
}

// rest reads the rest of the line without the space at its end, and stops at
// the last byte before the newline.
func (r *reader) rest() string {
	begin := r.pos
	for r.pos < len(r.src) && r.src[r.pos] != '\n' {
		r.pos++
	}
	end := r.pos
	for end > begin && isSpace(r.src[end-1]) {
		end--
	}
	r.pos--
	return string(r.src[begin:end])
}

// value reads what follows a directive and an optional equals sign. It returns
// false if nothing does.
func (r *reader) value() (string, bool) {
	skip := func() {
		for r.pos < len(r.src) && isBlank(r.src[r.pos]) {
			r.pos++
		}
	}
	skip()
	if r.at('=') {
		r.pos++
		skip()
	}
	if r.at('\n') {
		return "", false
	}
	return r.rest(), true
}

// splitWords splits names as poptParseArgvString does: quotes of both kinds
// need not be closed; a backslash escapes the character after it, inside quotes
// only the quote. Empty words are left out.
func splitWords(text string) ([]string, error) {
	var words []string
	var word []byte
	quote := byte(0)
	for i := 0; i < len(text); i++ {
		b := text[i]
		switch {
		case quote != 0 && b == quote:
			quote = 0
		case b == '\\':
			i++
			if i == len(text) {
				return nil, errors.New("a backslash ends the file names")
			}
			if quote != 0 && text[i] != quote {
				word = append(word, '\\')
			}
			word = append(word, text[i])
		case quote != 0:
			word = append(word, b)
		case isSpace(b):
			if len(word) > 0 {
				words, word = append(words, string(word)), nil
			}
		case b == '"' || b == '\'':
			quote = b
		default:
			word = append(word, b)
		}
	}
	if len(word) > 0 {
		words = append(words, string(word))
	}
	return words, nil
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package osrelease

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// assignments reads shell assignments as os-release(5) allows them: one on each
// line, with comments and empty lines between. If a name is assigned several
// times, the last one wins, as in a shell.
func assignments(b []byte) (map[string]string, error) {
	values := map[string]string{}
	for i, line := range bytes.Split(b, []byte("\n")) {
		text := strings.TrimSpace(string(line))
		if text == "" || text[0] == '#' {
			continue
		}
		key, quoted, ok := strings.Cut(text, "=")
		if !ok || !name.MatchString(key) {
			return nil, malformed(OSReleaseFile, fmt.Sprintf("line %d is not an assignment", i+1), text)
		}
		value, err := unquote(quoted)
		if err != nil {
			return nil, malformed(OSReleaseFile, fmt.Sprintf("line %d: %v", i+1, err), text)
		}
		values[key] = value
	}
	return values, nil
}

var (
	name         = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	errOpenQuote = errors.New("a quote is not closed")
	errTrailing  = errors.New("text follows the value")
)

// unquote removes the quotes of one shell word. It expands nothing, because
// os-release(5) has no variables.
func unquote(s string) (string, error) {
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '\'':
			end := strings.IndexByte(s[i+1:], '\'')
			if end < 0 {
				return "", errOpenQuote
			}
			out.WriteString(s[i+1 : i+1+end])
			i += 1 + end
		case '"':
			n, err := doubleQuoted(&out, s[i+1:])
			if err != nil {
				return "", err
			}
			i += n
		case '\\':
			if i++; i == len(s) {
				return "", errOpenQuote
			}
			out.WriteByte(s[i])
		case ' ', '\t':
			if rest := strings.TrimSpace(s[i:]); rest != "" && rest[0] != '#' {
				return "", errTrailing
			}
			return out.String(), nil
		default:
			out.WriteByte(c)
		}
	}
	return out.String(), nil
}

// doubleQuoted reads up to the closing quote and returns the number of bytes
// read, including the quote. A backslash escapes only the four characters that
// are special between double quotes.
func doubleQuoted(out *strings.Builder, s string) (int, error) {
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return i + 1, nil
		case s[i] == '\\' && i+1 < len(s) && strings.IndexByte("\"\\$`", s[i+1]) >= 0:
			i++
		}
		out.WriteByte(s[i])
	}
	return 0, errOpenQuote
}

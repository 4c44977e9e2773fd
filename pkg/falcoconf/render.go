// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falcoconf

import (
	"fmt"
	"math"
	"sort"
	"strconv"
	"strings"
	"unicode"
)

// scalarText writes a scalar, or an empty list or map. quote is the quote of
// the value it replaces ('"', '\” or 0), kept if the new value is a string.
func scalarText(v any, quote byte) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return strconv.FormatBool(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case uint64:
		return strconv.FormatUint(v, 10)
	case float64:
		return floatString(v)
	case string:
		return quoteString(v, quote)
	case []any:
		return "[]"
	default:
		return "{}"
	}
}

// floatString writes f so that it is read as a float again.
func floatString(f float64) string {
	switch {
	case math.IsNaN(f):
		return ".nan"
	case math.IsInf(f, 1):
		return ".inf"
	case math.IsInf(f, -1):
		return "-.inf"
	}
	format := byte('f')
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e15) {
		format = 'e'
	}
	s := strconv.FormatFloat(f, format, -1, 64)
	if !strings.ContainsAny(s, ".e") {
		s += ".0"
	}
	return s
}

// quoteString writes s with the given quote if it can hold s, without one if
// none is needed, and with the more readable one otherwise.
func quoteString(s string, quote byte) string {
	switch {
	case quote == '\'' && singleQuotable(s):
		return singleQuoted(s)
	case quote == '"':
		return doubleQuoted(s)
	case quote == 0 && plainSafe(s):
		return s
	case strings.ContainsAny(s, `"\`) && !strings.Contains(s, "'") && singleQuotable(s):
		return singleQuoted(s)
	default:
		return doubleQuoted(s)
	}
}

// plainSafe reports whether s can stand without quotes, in block and in flow
// style alike. It says no where YAML would say yes, never the reverse.
func plainSafe(s string) bool {
	if looksTyped(s) {
		return false
	}
	runes := []rune(s)
	for i, r := range runes {
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r), strings.ContainsRune("/._~$+^", r):
		case i == 0:
			return false
		case r == ' ', r == ':':
			if i == len(runes)-1 || runes[i+1] == ' ' && r == ':' {
				return false
			}
		case !strings.ContainsRune("-@%=()*!;?&|<>", r):
			return false
		}
	}
	return !strings.HasPrefix(s, "...")
}

func singleQuotable(s string) bool {
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}

func singleQuoted(s string) string {
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}

func doubleQuoted(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// isInline reports whether v is written on the line of its key.
func isInline(v any) bool {
	switch v := v.(type) {
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	default:
		return true
	}
}

// flowText writes v in flow style; a scalar keeps the given quote, see
// scalarText.
func flowText(v any, quote byte) string {
	var parts []string
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			parts = append(parts, flowText(item, 0))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case map[string]any:
		for _, key := range sortedKeys(v) {
			parts = append(parts, flowPair(key, v[key]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	default:
		return scalarText(v, quote)
	}
}

func flowPair(key string, v any) string {
	return quoteString(key, 0) + ": " + flowText(v, 0)
}

// pairLines writes "key: value" in block style at column col.
func (in indentation) pairLines(key string, v any, col int) []string {
	head := strings.Repeat(" ", col) + quoteString(key, 0) + ":"
	if isInline(v) {
		return []string{head + " " + scalarText(v, 0)}
	}
	return append([]string{head}, in.blockLines(v, col+in.of(v))...)
}

// of returns how far v stands to the right of its key.
func (in indentation) of(v any) int {
	if _, ok := v.([]any); ok {
		return in.list
	}
	return in.mapping
}

// itemLines writes "- value" in block style at column col.
func (in indentation) itemLines(v any, col int) []string {
	dash := strings.Repeat(" ", col) + "- "
	if isInline(v) {
		return []string{dash + scalarText(v, 0)}
	}
	lines := in.blockLines(v, col+2)
	lines[0] = dash + lines[0][col+2:]
	return lines
}

// blockLines writes a list or map that is not empty.
func (in indentation) blockLines(v any, col int) []string {
	var lines []string
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			lines = append(lines, in.itemLines(item, col)...)
		}
	case map[string]any:
		for _, key := range sortedKeys(v) {
			lines = append(lines, in.pairLines(key, v[key], col)...)
		}
	}
	return lines
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package yamledit

import (
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Format writes a value of the types of [Setting] in flow style, on one line.
func Format(v any) (string, error) {
	v, err := canonical("", v)
	if err != nil {
		return "", err
	}
	return flowText(v, 0), nil
}

// flowText writes v in flow style. A string keeps the quote of the value that it
// replaces ('"', '\” or 0).
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
	case nil:
		return "null"
	case bool:
		return strconv.FormatBool(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case uint64:
		return strconv.FormatUint(v, 10)
	case float64:
		return floatText(v)
	case string:
		return quoted(v, quote)
	default:
		return "{}" // an alias or a Tagged, which prove then misses
	}
}

func flowPair(key string, v any) string {
	return quoted(key, 0) + ": " + flowText(v, 0)
}

func sortedKeys(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }

// floatText writes f so that it is read as a float again.
func floatText(f float64) string {
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

// quoted writes s with the given quote if that can hold s, without one if none
// is needed, and with the more readable one otherwise. Every escape that
// strconv.Quote writes is one of YAML's.
func quoted(s string, quote byte) string {
	printable := !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
	readable := strings.ContainsAny(s, `"\`) && !strings.Contains(s, "'")
	switch {
	case quote == 0 && plainSafe(s):
		return s
	case printable && (quote == '\'' || quote == 0 && readable):
		return "'" + strings.ReplaceAll(s, "'", "''") + "'"
	default:
		return strconv.Quote(s)
	}
}

// plainSafe reports whether s needs no quotes, in block style and in flow style.
// It is stricter than YAML.
func plainSafe(s string) bool {
	if looksTyped(s) || strings.HasPrefix(s, "...") {
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
	return true
}

// typedText matches the numbers and dates of YAML 1.1, YAML 1.2 and yaml-cpp.
var typedText = regexp.MustCompile(`^[-+]?(0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*` + // integers
	`|(\.[0-9_]+|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9]+)?` + // floats
	`|(?i:\.?(inf|nan|infinity))` +
	`|[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?)$` + // 12:30:45, a number to the base of 60
	`|^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}`)

// looksTyped reports whether s, written without quotes, could be read as a
// boolean, number, date or null by one YAML parser or another.
func looksTyped(s string) bool {
	switch strings.ToLower(s) {
	case "", "~", "null", "true", "false", "yes", "no", "on", "off", "y", "n", "=", "<<":
		return true
	}
	return typedText.MatchString(s)
}

// An indentation is the number of columns by which a file indents a map and a list
// below their key.
type indentation struct{ mapping, list int }

// isInline reports whether v, a scalar or an empty collection, is written on the
// line of its key.
func isInline(v any) bool {
	list, _ := v.([]any)
	m, _ := v.(map[string]any)
	return len(list)+len(m) == 0
}

// pairLines writes "key: value" in block style at column col.
func (in indentation) pairLines(key string, v any, col int) []string {
	head := strings.Repeat(" ", col) + quoted(key, 0) + ":"
	if isInline(v) {
		return []string{head + " " + flowText(v, 0)}
	}
	return append([]string{head}, in.blockLines(v, col+in.of(v))...)
}

// of returns the indentation of v below its key.
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
		return []string{dash + flowText(v, 0)}
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

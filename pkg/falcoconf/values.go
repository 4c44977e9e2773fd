// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falcoconf

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/falco-bootstrap/falco-bootstrap/pkg/yamledit"
)

// A scalar is text to yaml-cpp until Falco asks for a type (get_scalar in falco
// 0.44.1 userspace/engine/yaml_helper.h, yaml-cpp node/convert.h). What does not
// convert counts as the default. The functions below read values in the same
// way. known is false where the value depends on something that cannot be told,
// such as a variable of Falco's environment.

// Text returns the value at path as Falco reads a string. A key without a value
// reads as "null".
func (c *Config) Text(path, otherwise string) (text string, known bool) {
	e := c.entry(path)
	switch {
	case e == nil || e.kind != scalarKind:
		return otherwise, true
	case e.isUnknown(c.version):
		return "", false
	}
	return e.string(), true
}

// Bool returns the value at path as Falco reads a boolean: quotes do not matter,
// and yes, on and y are true.
func (c *Config) Bool(path string, otherwise bool) (value, known bool) {
	e := c.entry(path)
	switch {
	case e == nil || e.kind != scalarKind || e.isNull():
		return otherwise, true
	case e.unknown:
		return false, false
	}
	if value, ok := yamledit.ParseBool(e.text); ok {
		return value, true
	}
	return otherwise, true
}

// Int returns the value at path as Falco reads a whole number from low to high:
// quotes do not matter, and 0x10 and 020 are 16.
func (c *Config) Int(path string, otherwise, low, high int64) (n int64, known bool) {
	e := c.entry(path)
	switch {
	case e == nil || e.kind != scalarKind || e.isNull():
		return otherwise, true
	case e.unknown:
		return 0, false
	}
	if isInteger(e.text, low, uint64(max(high, 0))) {
		return wholeNumber(e.text), true
	}
	return otherwise, true
}

// AsText returns a declared scalar as Falco reads a string; "" for any other
// value.
func AsText(declared any) string {
	if declared == nil {
		return "null"
	}
	text, _ := scalarText(declared)
	return text
}

// AsBool returns a declared value as Falco reads a boolean that is false by
// default.
func AsBool(declared any) bool {
	on, ok := yamledit.ParseBool(AsText(declared))
	return on && ok
}

// float is Int for a floating-point number.
func (c *Config) float(path string, otherwise float64) (x float64, known bool) {
	e := c.entry(path)
	switch {
	case e == nil || e.kind != scalarKind || e.isNull():
		return otherwise, true
	case e.unknown:
		return 0, false
	}
	if x, ok := parseFloat(e.text); ok {
		return x, true
	}
	return otherwise, true
}

// string returns a scalar as Falco reads a string.
func (e *entry) string() string {
	if e.isNull() {
		return "null"
	}
	return e.text
}

// isUnknown reports whether the text of a scalar cannot be told. Up to 0.36
// Falco has another yaml-cpp, whose reading of a null as a string is not known.
func (e *entry) isUnknown(version string) bool {
	return e.unknown || e.isNull() && !atLeast(version, engineSince)
}

// integer is what yaml-cpp converts to a whole number: a stream without a base,
// which therefore takes the prefixes 0 and 0x, and no others.
var integer = regexp.MustCompile(`^[+-]?(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)[ \t\r\n]*$`)

// isInteger reports whether yaml-cpp converts text to a whole number of a type
// that holds low to high.
func isInteger(text string, low int64, high uint64) bool {
	if !integer.MatchString(text) || low == 0 && text[0] == '-' {
		return false
	}
	text = strings.TrimRight(text, " \t\r\n")
	if n, err := strconv.ParseInt(text, 0, 64); err == nil {
		return n >= low && (n < 0 || uint64(n) <= high)
	}
	n, err := strconv.ParseUint(strings.TrimPrefix(text, "+"), 0, 64)
	return err == nil && n <= high
}

// wholeNumber returns the value of a text that [isInteger], if it fits.
func wholeNumber(text string) int64 {
	n, _ := strconv.ParseInt(strings.TrimRight(text, " \t\r\n"), 0, 64)
	return n
}

var float = regexp.MustCompile(`^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?[ \t\r\n]*$`)

// parseFloat converts text as yaml-cpp does.
func parseFloat(text string) (x float64, ok bool) {
	sign, word := 1, strings.TrimPrefix(text, "+")
	if after, negative := strings.CutPrefix(text, "-"); negative {
		sign, word = -1, after
	}
	switch {
	case slices.Contains([]string{".inf", ".Inf", ".INF"}, word):
		return math.Inf(sign), true
	case slices.Contains([]string{".nan", ".NaN", ".NAN"}, text):
		return math.NaN(), true
	case !float.MatchString(text):
		return 0, false
	}
	x, err := strconv.ParseFloat(strings.TrimRight(text, " \t\r\n"), 64)
	return x, err == nil
}

// An Environment tells of the variables that Falco's process has: a value, ""
// for a variable that is not set. It is not known where that cannot be told.
type Environment func(name string) (value string, known bool)

// Variables is an Environment that knows of the given KEY=VALUE pairs alone. Of
// equal keys the last one counts.
func Variables(pairs []string) Environment {
	return func(name string) (value string, known bool) {
		for _, pair := range slices.Backward(pairs) {
			if value, known = strings.CutPrefix(pair, name+"="); known {
				return value, true
			}
		}
		return "", false
	}
}

// maxVariables bounds the expansion of a value, since that of a variable is
// expanded again.
const maxVariables = 100

// Expand returns text as Falco reads it from a file: ${NAME} is replaced by the
// variable, and $${NAME} by ${NAME}. A $ before anything else ends the expansion
// (pre_process_env_vars in falco 0.44.1 userspace/engine/yaml_helper.h).
func (env Environment) Expand(text string) (expanded string, known bool) {
	at := 0
	for range maxVariables {
		dollar := strings.IndexByte(text[at:], '$')
		if dollar < 0 {
			return text, true
		}
		at += dollar
		rest := text[at:]
		end := strings.IndexByte(rest, '}')
		switch {
		case end < 0 || !strings.HasPrefix(rest, "${") && !strings.HasPrefix(rest, "$${"):
			return text, true
		case rest[1] == '$':
			text, at = text[:at]+rest[1:], at+1
			continue
		case env == nil:
			return text, false
		}
		value, known := env(rest[2:end])
		if !known {
			return text, false
		}
		text = text[:at] + value + rest[end+1:]
	}
	return text, false
}

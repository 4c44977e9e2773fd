// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falcoconf

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/falco-bootstrap/falco-bootstrap/pkg/yamledit"
)

// ErrOverruled means that something that Falco reads after the main file
// overrules a declared key.
var ErrOverruled = errors.New("a declared key is overruled")

// An Overruled is a declared key to which a fragment or the unit gives another
// value, so that setting it in the main file has no effect.
type Overruled struct {
	Setting Setting
	Value   any    // the value that wins; nil if Missing
	Missing bool   // the key is absent: a layer has replaced the block around it
	Origin  Origin // of the value that wins, or of the layer that replaced the block
}

// Overruled returns the declared settings whose effective value differs because
// of a layer other than the main file. A setting that differs in the main file
// itself is not among them: Set corrects that.
func (c *Config) Overruled(declared []Setting) []Overruled {
	return slices.DeleteFunc(c.Differing(declared), func(o Overruled) bool { return o.Origin.File == c.main })
}

// Differing returns the declared settings of which Falco reads another value.
// Values are compared as Falco reads them: "true" in quotes is true. One that
// cannot be told does not count as another.
func (c *Config) Differing(declared []Setting) []Overruled {
	var out []Overruled
	for _, s := range declared {
		if alike, known := c.Has(s); alike || !known {
			continue
		}
		over := Overruled{Setting: s, Missing: true, Origin: c.where(s.Path)}
		if e := c.entry(s.Path); e != nil {
			over.Missing, over.Value, over.Origin = false, e.value(), foreign(e, c.main)
		}
		out = append(out, over)
	}
	return out
}

// Has reports whether Falco reads a declared value. known is false if that cannot
// be told.
func (c *Config) Has(s Setting) (has, known bool) {
	path, err := yamledit.ParsePath(s.Path)
	if err != nil {
		return false, true
	}
	return c.root.at(path).reads(s)
}

// Unset returns the settings that src, the content of a main file, does not have
// by itself as Falco reads it. One that cannot be told is among them.
func Unset(main string, src []byte, start Start, declared []Setting) ([]Setting, error) {
	root, _, err := start.parse(main, src)
	if err != nil {
		return nil, err
	}
	var out []Setting
	for _, s := range declared {
		path, err := yamledit.ParsePath(s.Path)
		if err != nil {
			return nil, err
		}
		if alike, _ := root.at(path).reads(s); !alike {
			out = append(out, s)
		}
	}
	return out, nil
}

// CheckOverruled returns an [*Error] that wraps [ErrOverruled] and names every
// declared setting that is [Config.Overruled], or nil if none is. show writes
// the value of a key as the error may quote it.
func (c *Config) CheckOverruled(declared []Setting, show func(path string, value any) string) error {
	all := c.Overruled(declared)
	if len(all) == 0 {
		return nil
	}
	var texts []string
	for _, o := range all {
		says := "says " + show(o.Setting.Path, o.Value)
		if o.Missing {
			says = "replaces the block around it"
		}
		texts = append(texts, fmt.Sprintf("%s is declared %s, but %s %s and is read later", o.Setting.Path, show(o.Setting.Path, o.Setting.Value), o.Origin, says))
	}
	hint := "remove it there, or declare the same value in falco.config"
	if all[0].Origin.File == CommandLine {
		hint = "the unit's command line wins over every file: change the unit with a drop-in, or declare the same value"
	}
	return &Error{Reason: strings.Join(texts, "; "), Hint: hint, Err: ErrOverruled}
}

// foreign returns the origin of e, or of the first value in it that does not come
// from the file main.
func foreign(e *entry, main string) Origin {
	if e.origin.File != main {
		return e.origin
	}
	inner := slices.Clone(e.items)
	for _, p := range e.pairs {
		inner = append(inner, p.val)
	}
	for _, child := range inner {
		if o := foreign(child, main); o.File != main {
			return o
		}
	}
	return e.origin
}

// reads reports whether Falco reads e as a declared value. known is false if
// that cannot be told.
func (e *entry) reads(s Setting) (alike, known bool) {
	if e == nil {
		return false, true
	}
	switch want := s.Value.(type) {
	case nil:
		return e.isNull(), !e.unknown
	case []any:
		if e.kind != listKind || len(e.items) != len(want) {
			return false, true
		}
		return all(len(want), func(i int) (*entry, Setting) { return e.items[i], Setting{Value: want[i]} })
	case map[string]any:
		have, _ := e.value().(map[string]any)
		if e.kind != mapKind || len(have) != len(want) {
			return false, true
		}
		keys := slices.Collect(maps.Keys(want))
		return all(len(keys), func(i int) (*entry, Setting) {
			return e.get(keys[i]), Setting{Path: s.Path + "." + keys[i], Value: want[keys[i]]}
		})
	}
	switch {
	case e.unknown:
		return false, false
	case e.kind != scalarKind || e.isNull():
		return false, true
	case strings.HasSuffix(s.Path, "_output.keep_alive"): // a string, which is on if it is "true": falco 0.44.1 userspace/falco/outputs_file.cpp
		text, _ := scalarText(s.Value)
		return (text == "true") == (e.text == "true"), true
	}
	return readsScalar(e.text, s.Value), true
}

// all reports whether all of n entries read as declared.
func all(n int, at func(i int) (*entry, Setting)) (alike, known bool) {
	alike, known = true, true
	for i := range n {
		e, s := at(i)
		same, sure := e.reads(s)
		if sure && !same {
			return false, true
		}
		alike, known = alike && same, known && sure
	}
	return alike, known
}

// readsScalar reports whether Falco converts text to a declared value.
func readsScalar(text string, want any) bool {
	switch want := want.(type) {
	case int, int64, uint64:
		n, _ := scalarText(want)
		if isInteger(text, math.MinInt64, math.MaxInt64) && isInteger(n, math.MinInt64, math.MaxInt64) {
			return wholeNumber(text) == wholeNumber(n)
		}
	case float64:
		if x, ok := parseFloat(text); ok {
			return x == want
		}
	}
	return readAlike(text, want)
}

// readAlike reports whether Falco reads a and b alike. A scalar is text to
// yaml-cpp until it is converted, so 8765 is "8765" and "yes" is true.
func readAlike(a, b any) bool {
	switch a := a.(type) {
	case nil:
		return b == nil
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, readAlike)
	case map[string]any:
		b, ok := b.(map[string]any)
		return ok && maps.EqualFunc(a, b, readAlike)
	}
	x, okX := scalarText(a)
	y, okY := scalarText(b)
	p, okP := yamledit.ParseBool(x)
	q, okQ := yamledit.ParseBool(y)
	return okX && okY && (x == y || okP && okQ && p == q)
}

// scalarText returns a scalar as the text that yaml-cpp sees.
func scalarText(v any) (string, bool) {
	switch v := v.(type) {
	case nil, []any, map[string]any:
		return "", false
	case string:
		return v, true
	}
	text, err := yamledit.Format(v)
	return text, err == nil
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falcoconf

import "fmt"

// An Overruled is a declared key that a fragment or the unit decides otherwise,
// so that setting it in the main file is of no use.
type Overruled struct {
	Setting Setting
	Value   any    // the value that wins; nil if Missing
	Missing bool   // the key is not there: a layer has replaced the block around it
	Origin  Origin // what decides
}

// Overruled returns the declared settings whose effective value differs because
// of a layer other than the main file. A setting that differs in the main file
// itself is not among them: Set mends that. Values are compared as Falco reads
// them, so that "true" in quotes is true.
func (c *Config) Overruled(declared []Setting) []Overruled {
	var out []Overruled
	for _, s := range declared {
		steps, err := parsePath(s.Path)
		if err != nil {
			continue
		}
		e := c.root.at(steps)
		if e != nil && reads(e.value(), s.Value) {
			continue
		}
		over := Overruled{Setting: s, Missing: e == nil, Origin: c.where(s.Path)}
		if e != nil {
			over.Value = e.value()
			over.Origin = foreign(e, c.main)
		}
		if over.Origin.File != c.main {
			out = append(out, over)
		}
	}
	return out
}

// foreign returns the origin of e, or of the first value below it that another
// file than main has put there.
func foreign(e *entry, main string) Origin {
	if e.origin.File != main {
		return e.origin
	}
	for _, item := range e.items {
		if o := foreign(item, main); o.File != main {
			return o
		}
	}
	for _, p := range e.pairs {
		if o := foreign(p.val, main); o.File != main {
			return o
		}
	}
	return e.origin
}

// reads reports whether Falco reads a and b alike. All scalars are text to
// yaml-cpp until it converts them, so 8765 is "8765" and "yes" is true.
func reads(a, b any) bool {
	a, errA := normalise("", a)
	b, errB := normalise("", b)
	if errA != nil || errB != nil {
		return false
	}
	switch a := a.(type) {
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !reads(a[i], b[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for key := range a {
			if v, ok := b[key]; !ok || !reads(a[key], v) {
				return false
			}
		}
		return true
	}
	if same(a, b) {
		return true
	}
	if !isInline(b) || a == nil || b == nil {
		return false
	}
	x, y := textOf(a), textOf(b)
	p, okP := wordBool(x)
	q, okQ := wordBool(y)
	return x == y || okP && okQ && p == q
}

// textOf returns a scalar as the text that yaml-cpp sees.
func textOf(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return scalarText(v, 0)
}

// LostEdits returns what an operator's file that was moved aside (.rpmsave) sets
// otherwise than the file that is live now, or sets at all: its leaves, sorted
// by path, with the values of the saved file. Defaults that changed between the
// two releases are among them, since the file of the old release is gone.
func LostEdits(shipped, saved []byte) ([]Setting, error) {
	live, err := parse(shipped)
	if err != nil {
		return nil, fmt.Errorf("reading the live file: %w", err)
	}
	old, err := parse(saved)
	if err != nil {
		return nil, fmt.Errorf("reading the saved file: %w", err)
	}
	tree, err := expanded(old.tree)
	if err != nil {
		return nil, fmt.Errorf("reading the saved file: %w", err)
	}
	var all, lost []Setting
	flatten(&all, "", tree.(map[string]any), escapeKey)
	now, err := expanded(live.tree)
	if err != nil {
		return nil, fmt.Errorf("reading the live file: %w", err)
	}
	for _, s := range all {
		steps, err := parsePath(s.Path)
		if err != nil {
			continue // an empty key, which has no path
		}
		v, ok := valueAt(now, steps)
		if !ok || !reads(v, s.Value) {
			lost = append(lost, s)
		}
	}
	sortSettings(lost)
	return lost, nil
}

// valueAt walks a tree of plain data along keys.
func valueAt(tree any, steps []step) (any, bool) {
	for _, s := range steps {
		m, ok := tree.(map[string]any)
		if !ok {
			return nil, false
		}
		if tree, ok = m[s.key]; !ok {
			return nil, false
		}
	}
	return tree, true
}

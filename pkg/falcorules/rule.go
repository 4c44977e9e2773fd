// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falcorules

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// required are the keys of a rule that every definition has.
func required() []string { return []string{"condition", "output", "desc", "priority"} }

// rule reads a rule: an override, an addition with append, a switch with enabled
// alone, or a definition.
func (l *loader) rule(m mapping) bool {
	name := m.text(string(Rule))
	if name == "" {
		return l.refuse(m.Line, Rule, name, "has no name")
	}
	ops, overrides := l.overrides(m)
	appends := m.isTrue("append")
	switch {
	case overrides && appends:
		return l.refuse(m.Line, Rule, name, "has both append and override")
	case overrides:
		return l.override(m, name, ops)
	case appends:
		return l.amend(m, Rule, name, func(r *Item) { r.append(m, "condition") })
	case !slices.ContainsFunc(required(), func(key string) bool { return m.get(key) != nil }):
		return l.switchRule(m, name)
	}
	return l.defineRule(m, name)
}

func (l *loader) switchRule(m mapping, name string) bool {
	on, ok := parseBool(m.text("enabled"))
	if !ok {
		return l.refuse(m.Line, Rule, name, "has neither a condition nor enabled: true or false")
	}
	return l.amend(m, Rule, name, func(r *Item) { r.Enabled, r.By = on, Origin{l.path, m.Line}.String() })
}

func (l *loader) defineRule(m mapping, name string) bool {
	for _, key := range required() {
		if m.text(key) != "" {
			continue
		}
		if m.get("override") != nil && !atLeast(l.version, overrideSince) {
			return l.refuse(m.Line, Rule, name, "override is not known to Falco before 0.37; use append: true")
		}
		return l.refuse(m.Line, Rule, name, "has no "+key)
	}
	at := Origin{l.path, m.Line}
	r := Item{
		Kind: Rule, Name: name, Origin: at, Priority: m.text("priority"), Source: m.text("source"), Tags: m.texts("tags"),
		Condition: m.text("condition"), Output: strings.TrimSpace(m.text("output")), Enabled: true, By: at.String(),
	}
	if r.Source == "" {
		r.Source = DefaultSource
	}
	if rank(r.Priority) < 0 {
		return l.refuse(m.Line, Rule, name, "priority "+strconv.Quote(r.Priority)+" is unknown")
	}
	if on, ok := parseBool(m.text("enabled")); ok {
		r.Enabled = on
	}
	if old, known := l.set.Find(Rule, name); known && old.Source != r.Source {
		return l.refuse(m.Line, Rule, name, "is defined with another source in "+old.Origin.String())
	}
	l.place(r)
	return true
}

// override applies the keys that override names, each to append to or to replace
// what is there.
func (l *loader) override(m mapping, name string, ops map[string]string) bool {
	if wrong := misfit(ops, appendable(), replaceable()); wrong != "" {
		return l.refuse(m.Line, Rule, name, wrong)
	}
	for _, key := range slices.Sorted(maps.Keys(ops)) {
		switch {
		case m.get(key) == nil:
			return l.refuse(m.Line, Rule, name, "override names "+key+", which the item does not have")
		case key == "priority" && rank(m.text(key)) < 0:
			return l.refuse(m.Line, Rule, name, "priority "+strconv.Quote(m.text(key))+" is unknown")
		}
	}
	for _, key := range replaceable() {
		if m.get(key) != nil && ops[key] == "" {
			return l.refuse(m.Line, Rule, name, "has "+key+", which override does not name")
		}
	}
	return l.amend(m, Rule, name, func(r *Item) {
		for key, op := range ops {
			if op == "append" {
				r.append(m, key)
			} else {
				l.replace(r, m, key)
			}
		}
	})
}

// The keys of a rule that an override may append to or replace: falco 0.44.1
// userspace/engine/rule_loader_reader.cpp.
func appendable() []string { return []string{"condition", "output", "desc", "tags", "exceptions"} }

func replaceable() []string {
	return append(appendable(), "priority", "enabled", "warn_evttypes", "skip-if-unknown-filter", "capture", "capture_duration")
}

// misfit says what is wrong with the operations of an override, or "".
func misfit(ops map[string]string, appends, replaces []string) string {
	for _, key := range slices.Sorted(maps.Keys(ops)) {
		switch op := ops[key]; {
		case op != "append" && op != "replace":
			return "override of " + key + " is neither append nor replace"
		case !slices.Contains(replaces, key):
			return "override names " + key + ", which cannot be overridden"
		case op == "append" && !slices.Contains(appends, key):
			return "override appends to " + key + ", which can only be replaced"
		}
	}
	return ""
}

func (r *Item) append(m mapping, key string) {
	switch key {
	case "condition":
		r.Condition = join(r.Condition, m.text(key))
	case "output":
		r.Output = join(r.Output, m.text(key))
	case "tags":
		for _, tag := range m.texts(key) {
			if !slices.Contains(r.Tags, tag) {
				r.Tags = append(r.Tags, tag)
			}
		}
	}
}

func join(a, b string) string { return strings.TrimSpace(a + " " + b) }

func (l *loader) replace(r *Item, m mapping, key string) {
	switch key {
	case "condition":
		r.Condition = m.text(key)
	case "output":
		r.Output = m.text(key)
	case "tags":
		r.Tags = m.texts(key)
	case "priority":
		r.Priority = m.text(key)
	case "enabled":
		if on, ok := parseBool(m.text(key)); ok {
			r.Enabled, r.By = on, Origin{l.path, m.Line}.String()
		}
	}
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Package falcorules reads rules files as Falco loads them: which rules, macros
// and lists there are, which file and line decides about each, and which rules are
// on. Falco 0.32 to 0.44 is known, from falcosecurity/falco userspace/engine
// rule_loader_reader.cpp, rule_loader_collector.cpp and userspace/falco
// app/actions/load_rules_files.cpp.
//
// The package takes bytes. It does not parse conditions, resolve macros or judge
// fields: only Falco can say whether a condition compiles.
package falcorules

import (
	"slices"
	"strconv"
	"strings"
)

// A File is one rules file.
type File struct {
	Path    string
	Content []byte
}

// An Origin is a place in a rules file.
type Origin struct {
	File string
	Line int // 1-based; 0 for the whole file
}

// String formats the origin as FILE:LINE.
func (o Origin) String() string {
	if o.Line == 0 {
		return o.File
	}
	return o.File + ":" + strconv.Itoa(o.Line)
}

// A Kind is what an item of a rules file defines.
type Kind string

// The kinds of items.
const (
	Rule  Kind = "rule"
	Macro Kind = "macro"
	List  Kind = "list"
)

// DefaultSource is the source of a rule that names none.
const DefaultSource = "syscall"

// An Item is a rule, a macro or a list as it is in force. The fields from Priority
// on are those of a rule.
type Item struct {
	Kind Kind
	Name string
	// Origin is the definition in force: the last one that is not an override.
	Origin Origin
	// Replaced are the earlier definitions of the same name, which have no
	// effect.
	Replaced []Origin
	// Amended are the later items that append to it, override keys of it, or turn
	// it on or off.
	Amended []Origin

	Priority  string
	Source    string
	Tags      []string
	Condition string
	Output    string
	Enabled   bool
	// By is what decides Enabled: FILE:LINE, or By of a [Selection].
	By string
	// Below means that Falco leaves the rule out because its priority is below the
	// lowest that is reported.
	Below bool
}

// A Problem is a place that Falco refuses, or one that has no effect.
type Problem struct {
	Origin
	Kind    Kind   // of the item, or ""
	Name    string // of the item, or ""
	Message string
	Fatal   bool // Falco does not start
	// Undefined says that only an earlier file is missing, which defines the item.
	Undefined bool
}

// String formats the problem as "FILE:LINE: rule NAME: MESSAGE".
func (p Problem) String() string { return p.Origin.String() + ": " + p.Text() }

// Text formats the problem without its place.
func (p Problem) Text() string {
	if p.Name == "" {
		return p.Message
	}
	return string(p.Kind) + " " + strconv.Quote(p.Name) + ": " + p.Message
}

// A Requirement is a version of Falco's engine, or of a plugin, that a rules file
// needs. One of the plugins is enough.
type Requirement struct {
	Origin
	Engine  string   // such as "0.57.0"; "" for a requirement of plugins
	Plugins []Plugin // alternatives
}

// A Plugin is a plugin with the lowest version that is enough.
type Plugin struct{ Name, Version string }

// Options are what decides besides the files.
type Options struct {
	// Version is the version of Falco; "" means the newest.
	Version string
	// Priority is the lowest priority that is reported; "" means debug.
	Priority string
	// Selections turn rules on and off, in this order, after all files.
	Selections []Selection
}

// A Selection turns rules on or off. It applies to the rules that match any of
// Pattern, Substring, Tag and All.
type Selection struct {
	Enable    bool
	Pattern   string // of names, in which * stands for any text
	Substring string // of names
	Tag       string
	All       bool
	// By says where the selection is, for people.
	By string
}

func (s Selection) selects(r Item) bool {
	return s.All || s.Pattern != "" && matches(s.Pattern, r.Name) ||
		s.Substring != "" && strings.Contains(r.Name, s.Substring) ||
		s.Tag != "" && slices.Contains(r.Tags, s.Tag)
}

// matches reports whether a pattern, in which * stands for any text, matches all
// of name: falcosecurity/falco userspace/engine/falco_utils.cpp matches_wildcard.
func matches(pattern, name string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == name
	}
	first, last := parts[0], parts[len(parts)-1]
	if !strings.HasPrefix(name, first) {
		return false
	}
	name = name[len(first):]
	for _, part := range parts[1 : len(parts)-1] {
		_, after, found := strings.Cut(name, part)
		if !found {
			return false
		}
		name = after
	}
	return strings.HasSuffix(name, last)
}

// A Set is what a Falco loads.
type Set struct {
	// Items are in the order of their first definitions.
	Items        []Item
	Problems     []Problem
	Requirements []Requirement
}

// Find returns the item of a kind and name, or false.
func (s Set) Find(kind Kind, name string) (Item, bool) {
	i := s.index(kind, name)
	if i < 0 {
		return Item{}, false
	}
	return s.Items[i], true
}

func (s Set) index(kind Kind, name string) int {
	return slices.IndexFunc(s.Items, func(it Item) bool { return it.Kind == kind && it.Name == name })
}

// Load reads files in the order in which Falco loads them. What cannot be read is
// in Problems; the rest of its file is left out, as Falco stops there.
func Load(files []File, opts Options) Set {
	l := loader{version: opts.Version}
	for _, f := range files {
		l.file(f)
	}
	lowest := rank(opts.Priority)
	for i := range l.set.Items {
		it := &l.set.Items[i]
		if it.Kind != Rule {
			continue
		}
		it.Below = lowest >= 0 && rank(it.Priority) > lowest
		for _, s := range opts.Selections {
			if s.selects(*it) {
				it.Enabled, it.By = s.Enable, s.By
			}
		}
	}
	return l.set
}

// rank returns the rank of a priority, 0 for the most severe, or -1 if there is no
// such priority: falcosecurity/falco userspace/engine/falco_common.cpp.
func rank(priority string) int {
	priority = strings.ToLower(priority)
	if priority == "info" {
		priority = "informational"
	}
	return slices.Index([]string{"emergency", "alert", "critical", "error", "warning", "notice", "informational", "debug"}, priority)
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package ruleset

import (
	"fmt"
	"slices"
	"strings"

	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/falcoconf"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/falcorules"
)

// InForce is every rule, macro and list that Falco loads from what is on disk.
type InForce struct {
	Falco  string       `json:"falco"` // version
	Files  []LoadedFile `json:"files"`
	Rules  []LoadedRule `json:"rules"`
	Macros []LoadedItem `json:"macros"`
	Lists  []LoadedItem `json:"lists"`
	// Problems are places that Falco refuses, or that have no effect.
	Problems []string `json:"problems,omitempty"`
}

// A LoadedFile is a rules file, and what lists it. Files are in the order in which
// Falco loads them.
type LoadedFile struct {
	File string `json:"file"`
	By   string `json:"by"`
}

// A LoadedItem is a rule, a macro or a list by its definition in force. Places are
// FILE:LINE.
type LoadedItem struct {
	Name   string `json:"name"`
	Origin string `json:"origin"`
	// Replaces are earlier definitions, which have no effect.
	Replaces []string `json:"replaces,omitempty"`
	// Amended are later items that append to it or override keys of it.
	Amended []string `json:"amended,omitempty"`
}

// A LoadedRule is a rule. It can raise alerts if it is enabled and not Silent.
type LoadedRule struct {
	LoadedItem
	Enabled bool `json:"enabled"`
	// By is what decides Enabled: a place, or an option of Falco's unit.
	By       string   `json:"by"`
	Priority string   `json:"priority"`
	Source   string   `json:"source"`
	Tags     []string `json:"tags,omitempty"`
	// Silent says why Falco does not load it although it is defined.
	Silent string `json:"silent,omitempty"`

	Condition string `json:"-"`
	Output    string `json:"-"`
}

// InForce returns what a Falco with a command line and a configuration loads.
func (d Declared) InForce(line falco.CommandLine, config *falcoconf.Config) (InForce, error) {
	var files []node.RulesFile
	out := InForce{Falco: d.Version, Rules: []LoadedRule{}, Macros: []LoadedItem{}, Lists: []LoadedItem{}}
	for _, e := range d.Entries(line, config) {
		for _, f := range e.Files {
			files = append(files, node.RulesFile{Path: f})
			out.Files = append(out.Files, LoadedFile{File: f, By: e.Origin.String()})
		}
	}
	priority, _ := config.Text("priority", "debug")
	set, err := d.Load(files, falcorules.Options{Priority: priority, Selections: selections(line, config)})
	if err != nil {
		return out, err
	}
	for _, it := range set.Items {
		common := LoadedItem{Name: it.Name, Origin: it.Origin.String(), Replaces: places(it.Replaced), Amended: places(it.Amended)}
		switch it.Kind {
		case falcorules.Macro:
			out.Macros = append(out.Macros, common)
		case falcorules.List:
			out.Lists = append(out.Lists, common)
		case falcorules.Rule:
			out.Rules = append(out.Rules, LoadedRule{
				LoadedItem: common, Enabled: it.Enabled, By: it.By, Priority: it.Priority, Source: it.Source, Tags: it.Tags,
				Condition: it.Condition, Output: it.Output, Silent: silent(it, priority, line, config),
			})
		}
	}
	for _, p := range set.Problems {
		out.Problems = append(out.Problems, p.String())
	}
	return out, nil
}

// Find returns the rule of a name, or false.
func (f InForce) Find(name string) (LoadedRule, bool) {
	i := slices.IndexFunc(f.Rules, func(r LoadedRule) bool { return r.Name == name })
	if i < 0 {
		return LoadedRule{}, false
	}
	return f.Rules[i], true
}

func places(origins []falcorules.Origin) []string {
	var all []string
	for _, o := range origins {
		all = append(all, o.String())
	}
	return all
}

// selections returns what turns rules on and off, in Falco's order: the options of
// its unit, which it has before 0.39, then the key rules.
func selections(line falco.CommandLine, config *falcoconf.Config) []falcorules.Selection {
	var all []falcorules.Selection
	for _, s := range line.DisabledRules {
		all = append(all, falcorules.Selection{Substring: s, All: s == "", By: "the unit's option -D " + s})
	}
	for _, t := range line.DisabledTags {
		all = append(all, falcorules.Selection{Tag: t, By: "the unit's option -T " + t})
	}
	if tags := line.EnabledTags; len(tags) > 0 {
		all = append(all, falcorules.Selection{All: true, By: "the unit's option -t " + strings.Join(tags, " -t ")})
		for _, t := range tags {
			all = append(all, falcorules.Selection{Enable: true, Tag: t, By: "the unit's option -t " + t})
		}
	}
	for _, s := range config.RuleSelections() {
		by := s.Origin.String()
		if s.Rule != "" {
			all = append(all, falcorules.Selection{Enable: s.Enable, Pattern: s.Rule, By: by})
		}
		if s.Tag != "" {
			all = append(all, falcorules.Selection{Enable: s.Enable, Tag: s.Tag, By: by})
		}
	}
	return all
}

// silent says why a rule that is defined raises no alert whether it is enabled or
// not.
func silent(it falcorules.Item, priority string, line falco.CommandLine, config *falcoconf.Config) string {
	off := slices.Contains(line.DisabledSources, it.Source) || len(line.EnabledSources) > 0 && !slices.Contains(line.EnabledSources, it.Source)
	switch {
	case it.Below:
		by := "the default"
		if v, ok := config.Get("priority"); ok {
			by = v.Origin.String()
		}
		return fmt.Sprintf("its priority %s is below the lowest that is reported, %s (%s)", it.Priority, priority, by)
	case off:
		return fmt.Sprintf("an option of the unit turns off its source %s", it.Source)
	}
	return ""
}

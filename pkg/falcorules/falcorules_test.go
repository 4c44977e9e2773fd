// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falcorules

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// full is a complete definition of a rule.
func full(name, more string) string {
	return "- rule: " + name + "\n  desc: d\n  condition: evt.type = open\n  output: opened\n  priority: WARNING\n" + more
}

// A loading is what some files come to.
type loading struct {
	name  string
	files []string
	opts  Options
	// items are lines of [describe].
	items []string
	// problems are in the order in which they are found.
	problems []string
}

func loadings() []loading {
	const a = "/r/0.yaml"
	return []loading{
		{name: "a rule", files: []string{full("A", "  tags: [x, y]\n")}, items: []string{"rule A @/r/0.yaml:1 WARNING [x y] on by /r/0.yaml:1"}},
		{name: "off by itself", files: []string{full("A", "  enabled: false\n")}, items: []string{"rule A @/r/0.yaml:1 WARNING [] off by /r/0.yaml:1"}},
		{
			name: "macros and lists", files: []string{"- macro: m\n  condition: a\n- list: l\n  items: [a]\n", "- macro: m\n  condition: b\n  append: true\n- list: l\n  items: [b]\n"},
			items: []string{"macro m @/r/0.yaml:1 amended /r/1.yaml:1", "list l @/r/1.yaml:4 replaces /r/0.yaml:3"},
		},
		{
			name: "the later definition wins", files: []string{full("A", ""), "\n" + strings.ReplaceAll(full("A", "  source: syscall\n"), "WARNING", "info")},
			items: []string{"rule A @/r/1.yaml:2 info [] on by /r/1.yaml:2 replaces /r/0.yaml:1"},
		},
		{
			name: "turned off by enabled alone", files: []string{full("A", ""), "- rule: A\n  enabled: false\n"},
			items: []string{"rule A @/r/0.yaml:1 WARNING [] off by /r/1.yaml:1 amended /r/1.yaml:1"},
		},
		{
			name: "append", files: []string{full("A", ""), "- rule: A\n  condition: and x\n  append: true\n"},
			items: []string{"rule A @/r/0.yaml:1 WARNING [] on by /r/0.yaml:1 amended /r/1.yaml:1: evt.type = open and x"},
		},
		{
			name: "override", files: []string{full("A", "  tags: [x]\n"), "- rule: A\n  condition: and x\n  tags: [z]\n  enabled: false\n  priority: ERROR\n  override: {condition: append, tags: append, enabled: replace, priority: replace}\n"},
			items: []string{"rule A @/r/0.yaml:1 ERROR [x z] off by /r/1.yaml:1 amended /r/1.yaml:1: evt.type = open and x"},
		},
		{
			name: "override before 0.37", files: []string{full("A", ""), "- rule: A\n  condition: and x\n  override: {condition: append}\n"}, opts: Options{Version: "0.36.2"},
			items: []string{"rule A @/r/0.yaml:1 WARNING [] on by /r/0.yaml:1"}, problems: []string{`!/r/1.yaml:1: rule "A": override is not known to Falco before 0.37; use append: true`},
		},
		{
			name: "an exception", files: []string{full("A", "  exceptions:\n    - name: e\n      fields: [proc.name]\n"), "- rule: A\n  exceptions: [{name: e, values: [[x]]}]\n  override: {exceptions: append}\n"},
			items: []string{"rule A @/r/0.yaml:1 WARNING [] on by /r/0.yaml:1 amended /r/1.yaml:1"},
		},
		{
			name: "several documents, an empty one, and a null", files: []string{full("A", "") + "---\n---\n-\n" + full("B", "")},
			items: []string{"rule A @/r/0.yaml:1 WARNING [] on by /r/0.yaml:1", "rule B @/r/0.yaml:9 WARNING [] on by /r/0.yaml:9"},
		},
		{
			name: "an alias", files: []string{"- rule: A\n  desc: d\n  condition: &c x\n  output: o\n  priority: debug\n- rule: B\n  desc: d\n  condition: *c\n  output: o\n  priority: debug\n"},
			items: []string{"rule A @/r/0.yaml:1 debug [] on by /r/0.yaml:1", "rule B @/r/0.yaml:6 debug [] on by /r/0.yaml:6"},
		},
		{name: "below the lowest priority", files: []string{full("A", "")}, opts: Options{Priority: "error"}, items: []string{"rule A @/r/0.yaml:1 WARNING [] on by /r/0.yaml:1 below"}},
		{
			name: "selected", files: []string{full("A B", "  tags: [t]\n") + full("A C", "  enabled: false\n")},
			opts:  Options{Selections: []Selection{{Pattern: "*", By: "1"}, {Enable: true, Tag: "t", By: "2"}, {Enable: true, Substring: "C", By: "3"}, {Pattern: "A*D", By: "4"}}},
			items: []string{"rule A B @/r/0.yaml:1 WARNING [t] on by 2", "rule A C @/r/0.yaml:7 WARNING [] on by 3"},
		},
		{name: "everything off", files: []string{full("A", "")}, opts: Options{Selections: []Selection{{All: true, By: "-t"}}}, items: []string{"rule A @/r/0.yaml:1 WARNING [] off by -t"}},
		{name: "an unknown item is ignored", files: []string{"- rul: A\n" + full("A", "")}, items: []string{"rule A @/r/0.yaml:2 WARNING [] on by /r/0.yaml:2"}, problems: []string{a + ":1: is an unknown item; Falco ignores it"}},
		{
			name: "the rest of a refused file is left out", files: []string{full("A", "") + "- rule: B\n  condition: x\n" + full("C", ""), full("D", "")},
			items: []string{"rule A @/r/0.yaml:1 WARNING [] on by /r/0.yaml:1", "rule D @/r/1.yaml:1 WARNING [] on by /r/1.yaml:1"}, problems: []string{`!/r/0.yaml:6: rule "B": has no output`},
		},
		{name: "not YAML", files: []string{"- rule: A\n  desc: [\n"}, problems: []string{"!/r/0.yaml:2: is not YAML: did not find expected node content"}},
		{name: "not a list", files: []string{"rule: A\n"}, problems: []string{"!/r/0.yaml:1: rules content is not a list of items"}},
		{name: "not a map", files: []string{"- A\n"}, problems: []string{"!/r/0.yaml:1: item is not a map"}},
		{name: "nothing to change", files: []string{"- rule: A\n  enabled: false\n"}, problems: []string{`!/r/0.yaml:1: rule "A": changes a rule that no file before it defines`}},
		{name: "an unknown priority", files: []string{strings.ReplaceAll(full("A", ""), "WARNING", "loud")}, problems: []string{`!/r/0.yaml:1: rule "A": priority "loud" is unknown`}},
		{name: "another source", files: []string{full("A", "") + full("A", "  source: k8s_audit\n")}, items: []string{"rule A @/r/0.yaml:1 WARNING [] on by /r/0.yaml:1"}, problems: []string{`!/r/0.yaml:6: rule "A": is defined with another source in /r/0.yaml:1`}},
		{
			name: "append and override", files: []string{full("A", ""), "- rule: A\n  condition: x\n  append: true\n  override: {condition: append}\n"},
			items: []string{"rule A @/r/0.yaml:1 WARNING [] on by /r/0.yaml:1"}, problems: []string{`!/r/1.yaml:1: rule "A": has both append and override`},
		},
		{
			name: "an override that appends a priority", files: []string{full("A", ""), "- rule: A\n  priority: ERROR\n  override: {priority: append}\n"},
			items: []string{"rule A @/r/0.yaml:1 WARNING [] on by /r/0.yaml:1"}, problems: []string{`!/r/1.yaml:1: rule "A": override appends to priority, which can only be replaced`},
		},
		{
			name: "an override of a source", files: []string{full("A", ""), "- rule: A\n  source: x\n  override: {source: replace}\n"},
			items: []string{"rule A @/r/0.yaml:1 WARNING [] on by /r/0.yaml:1"}, problems: []string{`!/r/1.yaml:1: rule "A": override names source, which cannot be overridden`},
		},
		{
			name: "a key beside an override", files: []string{full("A", ""), "- rule: A\n  condition: and x\n  enabled: false\n  override: {condition: append}\n"},
			items: []string{"rule A @/r/0.yaml:1 WARNING [] on by /r/0.yaml:1"}, problems: []string{`!/r/1.yaml:1: rule "A": has enabled, which override does not name`},
		},
		{
			name: "an override of a list", files: []string{full("A", ""), "- list: l\n  items: [b]\n  override: {item: append}\n"},
			items: []string{"rule A @/r/0.yaml:1 WARNING [] on by /r/0.yaml:1"}, problems: []string{`!/r/1.yaml:1: list "l": override names item, which cannot be overridden`},
		},
		{
			name: "an override of what is not there", files: []string{full("A", ""), "- rule: A\n  enabled: false\n  override: {priority: replace}\n"},
			items: []string{"rule A @/r/0.yaml:1 WARNING [] on by /r/0.yaml:1"}, problems: []string{`!/r/1.yaml:1: rule "A": override names priority, which the item does not have`},
		},
		{name: "a bad engine version", files: []string{"- required_engine_version: new\n"}, problems: []string{`!/r/0.yaml:1: required_engine_version "new" is not a version`}},
		{name: "an empty file", files: []string{"", "# nothing\n"}},
	}
}

// describe formats an item in one line.
func describe(it Item) string {
	text := fmt.Sprintf("%s %s @%s", it.Kind, it.Name, it.Origin)
	if it.Kind == Rule {
		text += fmt.Sprintf(" %s %v %s by %s", it.Priority, it.Tags, map[bool]string{true: "on", false: "off"}[it.Enabled], it.By)
	}
	for _, o := range it.Replaced {
		text += " replaces " + o.String()
	}
	for _, o := range it.Amended {
		text += " amended " + o.String()
	}
	if it.Condition != "" && it.Condition != "evt.type = open" && it.Condition != "x" {
		text += ": " + it.Condition
	}
	if it.Below {
		text += " below"
	}
	return text
}

func files(contents ...string) []File {
	var all []File
	for i, c := range contents {
		all = append(all, File{fmt.Sprintf("/r/%d.yaml", i), []byte(c)})
	}
	return all
}

func TestLoad(t *testing.T) {
	for _, tt := range loadings() {
		t.Run(tt.name, func(t *testing.T) {
			set := Load(files(tt.files...), tt.opts)
			var items, problems []string
			for _, it := range set.Items {
				items = append(items, describe(it))
			}
			for _, p := range set.Problems {
				problems = append(problems, map[bool]string{true: "!"}[p.Fatal]+p.String())
			}
			if diff := cmp.Diff(tt.items, items); diff != "" {
				t.Errorf("Load: items (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.problems, problems); diff != "" {
				t.Errorf("Load: problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRequirements(t *testing.T) {
	set := Load(files("- required_engine_version: 26\n- required_engine_version: 0.57.0\n- required_plugin_versions:\n    - name: container\n      version: 0.4.0\n      alternatives: [{name: other, version: 1.0.0}]\n"), Options{})
	want := []Requirement{
		{Origin: Origin{"/r/0.yaml", 1}, Engine: "0.26.0"},
		{Origin: Origin{"/r/0.yaml", 2}, Engine: "0.57.0"},
		{Origin: Origin{"/r/0.yaml", 4}, Plugins: []Plugin{{"container", "0.4.0"}, {"other", "1.0.0"}}},
	}
	if diff := cmp.Diff(want, set.Requirements); diff != "" || len(set.Problems) > 0 {
		t.Errorf("Load = %v (-want +got):\n%s", set.Problems, diff)
	}
	for _, tt := range []struct {
		a, b string
		want bool
	}{{"0.26.0", "0.57.0", true}, {"0.57.0", "0.57.0", false}, {"0.62.0", "0.57.0", false}, {"0.4", "0.4.1", true}} {
		if got := Less(tt.a, tt.b); got != tt.want {
			t.Errorf("Less(%s, %s) = %v, want %v", tt.a, tt.b, got, tt.want)
		}
	}
}

func TestMatches(t *testing.T) {
	for _, tt := range []struct {
		pattern, name string
		want          bool
	}{
		{"*", "", true},
		{"a", "a", true},
		{"a", "ab", false},
		{"a*", "ab", true},
		{"*b", "ab", true},
		{"a*b*c", "a1b2c", true},
		{"a*b*c", "a1c2b", false},
		{"ab*ba", "aba", false},
		{"a**b", "ab", true},
		{"?", "a", false},
	} {
		if got := matches(tt.pattern, tt.name); got != tt.want {
			t.Errorf("matches(%q, %q) = %v, want %v", tt.pattern, tt.name, got, tt.want)
		}
	}
}

// Every place is a line of its file; nothing that is turned off stays on; a file
// that is loaded a second time defines nothing new.
func FuzzLoad(f *testing.F) {
	for _, tt := range loadings() {
		f.Add(strings.Join(tt.files, "\n---\n"), tt.opts.Version)
	}
	f.Fuzz(func(t *testing.T, content, version string) {
		off := Load(files(content), Options{Version: version, Selections: []Selection{{Pattern: "*", By: "test"}}})
		lines := strings.Count(content, "\n") + 2 // an error may be at the end
		if strings.Contains(content, "\r") {
			lines += strings.Count(content, "\r")
		}
		for _, it := range off.Items {
			for _, o := range slices.Concat([]Origin{it.Origin}, it.Replaced, it.Amended) {
				if o.Line < 1 || o.Line > lines {
					t.Errorf("%s is at line %d of %d", it.Name, o.Line, lines)
				}
			}
			if it.Kind == Rule && (it.Enabled || it.By != "test") {
				t.Errorf("%q is on, by %s", it.Name, it.By)
			}
		}
		if twice := Load(files(content, content), Options{Version: version}); len(twice.Items) != len(off.Items) {
			t.Errorf("%d items after one load, %d after two", len(off.Items), len(twice.Items))
		}
	})
}

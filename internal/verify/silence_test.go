// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/falcoconf"
)

func TestDisabled(t *testing.T) {
	entry := func(verb, by, what string) any { return map[string]any{verb: map[string]any{by: what}} }
	tests := []struct {
		name  string
		rules any
		want  bool
	}{
		{"no entries", nil, false},
		{"not a list", "disable", false},
		{"by name", []any{entry("disable", "rule", falco.SensitiveFileRule)}, true},
		{"by pattern", []any{entry("disable", "rule", "Read*")}, true},
		{"all", []any{entry("disable", "rule", "*")}, true},
		{"by tag", []any{entry("disable", "tag", "filesystem")}, true},
		{"another rule", []any{entry("disable", "rule", "Clear*")}, false},
		{"another tag", []any{entry("disable", "tag", "network")}, false},
		{"on again", []any{entry("disable", "rule", "*"), entry("enable", "rule", falco.SensitiveFileRule)}, false},
		{"off again", []any{entry("enable", "tag", "host"), entry("disable", "tag", "host")}, true},
	}
	for _, tt := range tests {
		if got := disabled(tt.rules); got != tt.want {
			t.Errorf("%s: disabled(%v) = %v, want %v", tt.name, tt.rules, got, tt.want)
		}
	}
}

func TestDisabledIn(t *testing.T) {
	tests := []struct {
		name, text string
		want       bool
	}{
		{"empty", "", false},
		{"off", "- rule: Read sensitive file untrusted\n  enabled: false\n", true},
		{"quoted", "- rule: \"Read sensitive file untrusted\"\n  enabled: \"false\"\n", true},
		{"on", "- rule: Read sensitive file untrusted\n  enabled: true\n", false},
		{"another", "- rule: Clear Log Activities\n  enabled: false\n", false},
		{"the one after it", "- rule: Read sensitive file untrusted\n  condition: x\n- rule: Other\n  enabled: false\n", false},
		{"in a comment", "# - rule: Read sensitive file untrusted\n#   enabled: false\n", false},
	}
	for _, tt := range tests {
		if got := disabledIn(tt.text); got != tt.want {
			t.Errorf("%s: disabledIn(%q) = %v, want %v", tt.name, tt.text, got, tt.want)
		}
	}
}

// What the operator wrote into a file is a choice; what an option of the unit says
// is not.
func TestSilencers(t *testing.T) {
	const rules = "- rule: Read sensitive file untrusted\n  condition: x\n"
	tests := []struct {
		name     string
		yaml     string
		rules    string
		argv     []string
		version  string
		declared []falcoconf.Setting
		want     []silence
	}{
		{name: "nothing"},
		{name: "the key rules", yaml: "rules: [{disable: {rule: 'Read*'}}]\n", want: []silence{{`/f.yaml:2 disables the rule "Read sensitive file untrusted"`, true}}},
		{name: "a rules file", rules: "- rule: Read sensitive file untrusted\n  enabled: false\n", want: []silence{{`/r.yaml disables the rule "Read sensitive file untrusted"`, true}}},
		{name: "an override in a rules file", rules: "- rule: Read sensitive file untrusted\n  enabled: false\n  override: {enabled: replace}\n", want: []silence{{`/r.yaml disables the rule "Read sensitive file untrusted"`, true}}},
		{name: "a declared priority", declared: []falcoconf.Setting{{Path: "priority", Value: "ERROR"}}, want: []silence{{"the declared priority ERROR drops its alerts", true}}},
		{name: "a lower priority", declared: []falcoconf.Setting{{Path: "priority", Value: "warning"}}},
		{name: "-o rules", argv: []string{"falco", "-o", "rules[].disable.rule=Read*"}, want: []silence{{`the unit's command line disables the rule "Read sensitive file untrusted"`, false}}},
		{name: "-D", argv: []string{"falco", "-D", "sensitive"}, version: "0.38.2", want: []silence{{`the unit's option -D sensitive disables the rule "Read sensitive file untrusted"`, false}}},
		{name: "-D of another", argv: []string{"falco", "-D", "Clear"}, version: "0.38.2"},
		{name: "-T", argv: []string{"falco", "-T", "filesystem"}, version: "0.38.2", want: []silence{{`the unit's option -T filesystem disables the rule "Read sensitive file untrusted"`, false}}},
		{name: "-t", argv: []string{"falco", "-t", "network"}, version: "0.38.2", want: []silence{{`the unit's option -t network disables the rule "Read sensitive file untrusted"`, false}}},
		{name: "-t of its own", argv: []string{"falco", "-t", "filesystem", "-t", "network"}, version: "0.38.2"},
		{name: "no system calls", argv: []string{"falco", "--disable-source=syscall"}, want: []silence{{`the unit's option --disable-source syscall disables the rule "Read sensitive file untrusted"`, false}}},
		{name: "another source alone", argv: []string{"falco", "--enable-source", "k8s_audit"}, want: []silence{{`the unit's option --enable-source k8s_audit disables the rule "Read sensitive file untrusted"`, false}}},
	}
	for _, tt := range tests {
		tree := fstest.MapFS{
			"f.yaml": {Data: []byte("rules_files: [/r.yaml]\n" + tt.yaml)},
			"r.yaml": {Data: []byte(rules + tt.rules)},
		}
		if tt.version == "" {
			tt.version = "0.44.1"
		}
		config, err := falcoconf.Load(tree, "/f.yaml", falcoconf.Start{Version: tt.version, Overrides: falco.ParseCommandLine("", tt.argv).Overrides})
		if err != nil {
			t.Fatal(err)
		}
		got := silencers(tree, config, falco.ParseCommandLine(tt.version, tt.argv), tt.declared)
		if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(silence{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

// Nothing but the operator's own choice makes a Falco without an alert well.
func TestOff(t *testing.T) {
	chosen, other := silence{"a", true}, silence{"b", false}
	tests := []struct {
		name      string
		i         Inspection
		seen      node.Seen
		off, told bool
	}{
		{name: "a choice", i: Inspection{silenced: []silence{chosen}}, off: true, told: true},
		{name: "a choice and an option", i: Inspection{silenced: []silence{chosen, other}}, told: true},
		{name: "a choice and no rules", i: Inspection{silenced: []silence{chosen}, noRules: true}, told: true},
		{name: "a choice and a full disk", i: Inspection{silenced: []silence{chosen}, vitals: node.Vitals{Full: true}}, told: true},
		{name: "a choice and a log that is a pipe", i: Inspection{silenced: []silence{chosen}, log: errNoLog}, told: true},
		{name: "a choice and an alert in the journal", i: Inspection{silenced: []silence{chosen}}, seen: node.Seen{Journal: 1}, told: true},
		{name: "nothing known", i: Inspection{}},
		{name: "an alert in the journal", i: Inspection{}, seen: node.Seen{Journal: 1}},
		{name: "a process that is stopped", i: Inspection{vitals: node.Vitals{State: "T"}}},
	}
	for _, tt := range tests {
		if off := len(tt.i.silenced) > 0 && tt.i.off(tt.seen); off != tt.off || tt.i.explained() != tt.told {
			t.Errorf("%s: off %v, explained %v; want %v and %v", tt.name, off, tt.i.explained(), tt.off, tt.told)
		}
	}
}

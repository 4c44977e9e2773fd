// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package steps

import (
	"slices"
	"strings"
	"testing"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

// oddConfig is what somebody does to a configuration that Falco accepts all the
// same: falco 0.44.1 was started with each.
type oddConfig struct {
	name string
	main func(string) string // falco.yaml
	// fragment is in config.d.
	fragment string
	env      []string // of the unit
	// told is part of a warning; "" if none may be given.
	told string
}

func odd() []oddConfig {
	add := func(text string) func(string) string { return func(s string) string { return s + text } }
	before := func(text string) func(string) string { return func(s string) string { return text + s } }
	swap := func(old, text string) func(string) string {
		return func(s string) string { return strings.Replace(s, old, text, 1) }
	}
	return []oddConfig{
		{name: "a variable for the priority", main: add("priority: ${P}\n"), env: []string{"P=debug"}},
		{name: "a variable that is not known for the priority", main: add("priority: ${P}\n")},
		{name: "a variable for the level of the log", main: add("log_level: ${L}\n"), env: []string{"L=info"}},
		{name: "a variable that is not known for the level", main: add("log_level: \"${L}\"\n")},
		{name: "a variable for rule_matching", main: add("rule_matching: ${M}\n")},
		{name: "a variable for the interval of metrics", main: add("metrics: {enabled: true, output_rule: true, interval: '${I}'}\n")},
		{name: "a variable for the address", main: add("webserver: {enabled: true, listen_address: '${A}'}\n")},
		{name: "a variable for the engine", main: add("engine: {kind: '${K}'}\n")},
		{name: "a variable in a rules file", main: swap("/etc/falco/falco_rules.yaml", "'${D}/falco_rules.yaml'"), env: []string{"D=/etc/falco"}},
		{name: "a variable that is not known in a rules file", main: swap("/etc/falco/falco_rules.yaml", "\"${D}/falco_rules.yaml\"")},
		{name: "a variable in a fragment for the log", fragment: "file_output: {enabled: '${E}', filename: '${F}'}\n", env: []string{"E=yes", "F=/var/log/falco.log"}},
		{name: "variables that are not known in a fragment", fragment: "file_output: {enabled: '${E}', filename: '${F}'}\n"},
		{name: "a variable in config_files", main: swap("[/etc/falco/config.d]", "[/etc/falco/config.d, '${D}/more.d']"), told: "depends on Falco's environment"},
		{name: "y in a fragment", fragment: "file_output: {enabled: y, filename: /var/log/falco.log}\n"},
		{name: "Y in falco.yaml", main: swap("enabled: true\n  keep", "enabled: Y\n  keep")},
		{name: "yes in quotes in a fragment", fragment: "file_output: {enabled: \"yes\", filename: '/var/log/falco.log'}\n"},
		{name: "a letter of Latin-1 in a comment", main: add("# caf\xe9\n")},
		{name: "a letter of Latin-1 in a fragment", fragment: "# caf\xe9\n"},
		{name: "a letter of Latin-1 in a value", main: add("static_fields: {a: caf\xe9}\n")},
		{name: "a line of a tab", main: swap("stdout_output:", "\t\nstdout_output:")},
		{name: "a comment after a tab", main: swap("stdout_output:", "\t# c\nstdout_output:")},
		{name: "a tab at the end of a value", main: swap("json_output: false", "json_output: false\t")},
		{name: "YAML 1.2", main: before("%YAML 1.2\n---\n")},
		{name: "YAML 1.1 after a comment", main: before("# c\n%YAML 1.1\n---\n")},
		{name: "an unknown directive", main: before("%MINE x\n---\n")},
		{name: "an escape in a comment", main: add("# \x1b[1mbold\n")},
		{name: "a bell in a comment", main: add("# \a\n")},
		{name: "a delete in a comment", main: add("# \x7f\n")},
		{name: "a next-line character in a comment", main: add("# a\u0085b: [\n")},
		{name: "a line separator in a comment", main: add("# a\u2028b: [\n")},
		{name: "a paragraph separator in a comment", main: add("# a\u2029b: [\n")},
		{name: "a byte order mark", main: before("\ufeff")},
		{name: "a byte order mark in a comment", main: add("# \ufeff\n")},
		{name: "a second document", main: add("---\na: 1\n"), told: "several YAML documents"},
		{name: "a second document that is broken", main: add("---\na: [\n"), told: "several YAML documents"},
		{name: "a second document in a fragment", fragment: "priority: debug\n---\n[\n", told: "several YAML documents"},
		{name: "an end of the document", main: add("...\n")},
		{name: "an escaped slash", main: swap("filename: /var/log/falco.log", `filename: "\/var\/log\/falco.log"`)},
		{name: "an escaped slash in a fragment", fragment: `file_output: {enabled: true, filename: "\/var/log/falco.log"}` + "\n"},
		{name: "an empty entry of config_files", main: swap("[/etc/falco/config.d]", "[/etc/falco/config.d, '']"), told: "is empty"},
		{name: "a null entry of config_files", main: swap("[/etc/falco/config.d]", "[/etc/falco/config.d, ~]")},
		{name: "an entry of config_files without a value", main: swap("[/etc/falco/config.d]", "\n  - /etc/falco/config.d\n  -\n")},
		{name: "a key twice", main: add("json_output: true\njson_output: [\n]\n"), told: "duplicate key"},
		{name: "a declared key twice", main: swap("filename: /var/log/falco.log", "filename: /var/log/falco.log\n  filename: /other"), told: "duplicate key"},
		{name: "a null file for http", main: add("http_output: {enabled: true, url: }\n"), told: "has no value"},
		{name: "a string without a value", main: add("syslog_output: {enabled: }\n"), told: "is not a boolean"},
		{name: "a number in quotes", main: add("webserver: {enabled: 'true', listen_port: \"8765\"}\n")},
		{name: "a hexadecimal number", main: add("webserver: {enabled: on, listen_port: 0x223D}\n")},
		{name: "an empty flow entry", main: add("load_plugins: [,]\n"), told: "Falco accepts it all the same"},
		{name: "a value that this program takes for a fault", main: add("capture: {mode: both}\n"), told: "Falco accepts it all the same"},
		{name: "lines that end in CRLF", main: func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }},
		{name: "lines that end in CR", main: func(s string) string { return strings.ReplaceAll(s, "\n", "\r") }},
		{name: "no line end", main: func(s string) string { return strings.TrimSuffix(s, "\n") }},
	}
}

// A node whose declared values are in force is not refused for what Falco
// accepts, and nothing is edited in it.
func TestFalcoIsTheJudgeOfItsFiles(t *testing.T) {
	for _, tt := range odd() {
		t.Run(tt.name, func(t *testing.T) {
			n, s := newNode(t, "8.10", uek7)
			converged(t, n, s)
			n.write(falco.ConfigFile, n.read(falco.ConfigFile)+"config_files: [/etc/falco/config.d]\n")
			if tt.main != nil {
				text := tt.main(n.read(falco.ConfigFile))
				if text == n.read(falco.ConfigFile) {
					t.Fatal("the case changes nothing")
				}
				n.write(falco.ConfigFile, text)
			}
			if tt.fragment != "" {
				n.write("/etc/falco/config.d/a.yaml", tt.fragment)
			}
			n.modern().Environment, n.modern().Started, n.questions = tt.env, n.clock, nil
			r := converge.Plan(t.Context(), n, All(s))
			if r.Err != nil || len(changes(r)) > 0 {
				t.Fatalf("Plan = %v, %v, want no error and no change", r.Err, changes(r))
			}
			warnings := slices.DeleteFunc(messages(r), func(m string) bool { return tt.told != "" && strings.Contains(m, tt.told) })
			if len(warnings) > 0 || tt.told != "" && len(messages(r)) == 0 {
				t.Errorf("warnings %q, want %q alone", messages(r), tt.told)
			}
			if tt.told != "Falco accepts it all the same" && len(n.questions) > 0 {
				t.Errorf("Falco was asked %d times, want never", len(n.questions))
			}
			// Where a declared value is not in force, it is set or the node is refused;
			// never is something else said to be so.
			s.Falco.Config["output_timeout"] = 3000
			r = converge.Plan(t.Context(), n, All(s))
			if set := len(changes(r)) > 0; set == (r.Err != nil) && !strings.Contains(strings.Join(messages(r), " "), "Falco accepts it all the same") {
				t.Errorf("Plan = %v, %v, want the key set or a refusal", r.Err, changes(r))
			}
			if r.Err != nil && node.CodeOf(r.Err) != node.CodeConfig {
				t.Errorf("Plan = %v (%v), want %v", r.Err, node.CodeOf(r.Err), node.CodeConfig)
			}
		})
	}
}

// messages are the warnings of a plan.
func messages(r converge.Result) []string {
	var out []string
	for _, s := range r.Steps {
		for _, w := range s.Warnings {
			out = append(out, w.Message)
		}
	}
	return out
}

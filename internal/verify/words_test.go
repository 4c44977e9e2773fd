// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The texts are those of falco 0.44.1 on standard error.
func TestReason(t *testing.T) {
	tests := []struct{ name, stderr, want string }{
		{"nothing", "", ""},
		{"one error", "Mon Nov 23 20:18:12 2026: Falco version: 0.44.1 (x86_64)\nError: Error reading config file (/etc/falco/falco.yaml): file output enabled but no filename in configuration block\n", "Error reading config file (/etc/falco/falco.yaml): file output enabled but no filename in configuration block"},
		{"a syntax error", "Mon Nov 23 20:18:12 2026: Cannot read config file (/etc/falco/falco.yaml): yaml-cpp: error at line 1402, column 7: illegal flow end\nError: std::exception\n", "Cannot read config file (/etc/falco/falco.yaml): yaml-cpp: error at line 1402, column 7: illegal flow end"},
		{"a plugin", "Mon Nov  2 20:18:12 2026: Runtime error: cannot load plugin /usr/share/falco/plugins/libcontainer.so: undefined symbol: __res_search. Exiting.\n", "cannot load plugin /usr/share/falco/plugins/libcontainer.so: undefined symbol: __res_search. Exiting."},
		{"a plugin, with times of ISO 8601", "2026-11-23T20:18:12+0000: Falco version: 0.44.1\n2026-11-23T20:18:12+0000: Runtime error: cannot load plugin x. Exiting.\n", "cannot load plugin x. Exiting."},
		{"times without an offset", "2026-11-23T20:18:12: Runtime error: cannot load plugin x. Exiting.\n", "cannot load plugin x. Exiting."},
		{"times with Z and a fraction", "2026-11-23T20:18:12.123456Z: Runtime error: cannot load plugin x. Exiting.\n", "cannot load plugin x. Exiting."},
		{"times with an offset", "2026-11-23 20:18:12,5+01:00: Runtime error: cannot load plugin x. Exiting.\n", "cannot load plugin x. Exiting."},
		{"a log in JSON", `{"time":"2026-11-23T20:18:12Z","level":"error","msg":"Runtime error: cannot load plugin x. Exiting."}` + "\n", "cannot load plugin x. Exiting."},
		{"a log line after the error", "Error: bad\nIn rules\n2026-11-23T20:18:12+0000: closing\n", "bad In rules"},
		{"only a log line", "2026-11-23T20:18:12+0000: closing\n", "closing"},
		{"a rules file", "Error: /etc/falco/falco_rules.local.yaml: Invalid\n1 Errors:\nIn rules content: (/etc/falco/falco_rules.local.yaml:0:0)\n    LOAD_ERR_COMPILE_CONDITION\n", "/etc/falco/falco_rules.local.yaml: Invalid 1 Errors: In rules content: (/etc/falco/falco_rules.local.yaml:0:0) LOAD_ERR_COMPILE_CONDITION"},
		{"the loader", "/usr/bin/falco: error while loading shared libraries: libfoo.so: cannot open\n", "/usr/bin/falco: error while loading shared libraries: libfoo.so: cannot open"},
	}
	for _, tt := range tests {
		if d := cmp.Diff(tt.want, Reason(tt.stderr)); d != "" {
			t.Errorf("%s: Reason (-want +got):\n%s", tt.name, d)
		}
	}
}

func TestWarnings(t *testing.T) {
	const stderr = `Mon Nov 23 20:18:12 2026: Falco version: 0.44.1 (x86_64)
Mon Nov 23 20:18:12 2026: /etc/falco/falco.yaml | schema validation: failed for <root>: 'odd'.
Mon Nov 23 20:18:12 2026: Using deprecated config key 'rules_file'.
Mon Nov 23 20:18:13 2026: Using deprecated config key 'rules_file'.
Mon Nov 23 20:18:13 2026: /etc/falco/falco.yaml | schema validation: ok
`
	want := []string{"/etc/falco/falco.yaml | schema validation: failed for <root>: 'odd'.", "Using deprecated config key 'rules_file'."}
	if d := cmp.Diff(want, Warnings(stderr)); d != "" {
		t.Errorf("Warnings (-want +got):\n%s", d)
	}
}

func TestRulesReason(t *testing.T) {
	const file = "/etc/falco/rules.d/51-falco-bootstrap-site.yaml"
	for _, tt := range []struct{ name, stderr, want string }{
		{
			"a rule", "Mon Nov 23 20:18:12 2026: Loading rules from:\nError: " + file + ": Invalid\n1 Errors:\nIn rules content: (" + file + ":0:0)\n    rule 'It's mine': (" + file + ":4:2)\n" +
				"    condition expression: (\"nosuch.field = 1\":8:27)\n------\nnosuch.field = 1\n^\n------\nLOAD_ERR_COMPILE_CONDITION (Error compiling condition): filter_check called with nonexistent field nosuch.field\n\n",
			file + `:5: rule "It's mine": Error compiling condition: filter_check called with nonexistent field nosuch.field`,
		},
		{
			"YAML", "Error: " + file + ": Invalid\n1 Errors:\nIn rules content: (" + file + ":0:0)\n    value for: (" + file + ":6:1)\n------\n x: [\n^\n------\nLOAD_ERR_YAML_PARSE (YAML parse error): yaml-cpp: error at line 7, column 2: end of sequence flow not found\n",
			file + ":7: YAML parse error: yaml-cpp: error at line 7, column 2: end of sequence flow not found",
		},
		{"something else", "Error: Unknown priority \"loud\"\n", ""},
		{"nothing", "", ""},
	} {
		if got := RulesReason(tt.stderr); got != tt.want {
			t.Errorf("%s: RulesReason = %q, want %q", tt.name, got, tt.want)
		}
		if got, want := Reason(tt.stderr), strings.Replace(tt.want, file+":", file+": Invalid, line ", 1); tt.want != "" && got != want {
			t.Errorf("%s: Reason = %q, want %q", tt.name, got, want)
		}
	}
}

func TestRulesWarnings(t *testing.T) {
	const stderr = "Mon Nov 23 20:18:12 2026: /r/a.yaml: Ok, with warnings\n2 Warnings:\nIn rules content: (/r/a.yaml:0:0)\n    rule 'A b': (/r/a.yaml:2:2)\n------\n- rule: A b\n  ^\n------\n" +
		"LOAD_UNKNOWN_KEY (Unknown key in item definition): Unknown key 'owner'. The key will be ignored.\nIn rules content: (/r/a.yaml:0:0)\n    macro 'm': (/r/a.yaml:8:2)\n------\n------\nLOAD_UNUSED_MACRO (Unused macro): Macro not referred to by any other rule/macro\n\n" +
		"Error: /r/b.yaml: Invalid\n1 Errors:\nIn rules content: (/r/b.yaml:0:0)\nLOAD_ERR_VALIDATE (x): y\n"
	want := []string{`/r/a.yaml:3: rule "A b": Unknown key 'owner'. The key will be ignored.`, `/r/a.yaml:9: macro "m": Macro not referred to by any other rule/macro`}
	if diff := cmp.Diff(want, RulesWarnings(stderr)); diff != "" {
		t.Errorf("RulesWarnings (-want +got):\n%s", diff)
	}
}

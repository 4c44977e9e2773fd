// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// effective returns the merged configuration as --support shows it.
func (s *setup) effective(args ...string) map[string]any {
	s.t.Helper()
	status, stdout, stderr := s.run(append([]string{"-c", filepath.Join(s.dir, "falco.yaml"), "--support"}, args...)...)
	var support struct{ Config string }
	var config map[string]any
	if err := json.Unmarshal([]byte(stdout), &support); err != nil || status != 0 {
		s.t.Fatalf("falco --support = %d: %v\n%s%s", status, err, stdout, stderr)
	}
	if err := json.Unmarshal([]byte(support.Config), &config); err != nil {
		s.t.Fatal(err)
	}
	return config
}

func TestLayers(t *testing.T) {
	web := func(port string) any { return map[string]any{"listen_port": port} }
	for _, tt := range []struct {
		name, version string
		files         map[string]string
		args          []string
		key           string
		want          any
	}{
		{name: "map replaces the whole map", version: "0.44.1", files: map[string]string{"a": "webserver: {listen_port: 9}\n"}, key: "webserver", want: web("9")},
		{name: "last in byte order wins", version: "0.44.1", files: map[string]string{".c": "webserver: {listen_port: 1}\n", "B": "webserver: {listen_port: 2}\n", "a.swp": "webserver: {listen_port: 3}\n"}, key: "webserver", want: web("3")},
		{name: "list appends", version: "0.44.1", files: map[string]string{"a": "rules_files: [x]\n"}, key: "rules_files", want: []any{"DIR/rules.yaml", "x"}},
		{name: "list replaced before 0.41", version: "0.40.0", files: map[string]string{"a": "rules_files: [x]\n"}, key: "rules_files", want: []any{"x"}},
		{name: "no fragments before 0.38", version: "0.37.1", files: map[string]string{"a": "priority: error\n"}, key: "priority", want: "debug"},
		{name: "override by strategy", version: "0.44.1", args: []string{"-o", "config_files=[{path: DIR/config.d, strategy: override}]"}, files: map[string]string{"a": "rules_files: [x]\n"}, key: "rules_files", want: []any{"x"}},
		{name: "add only", version: "0.44.1", args: []string{"-o", "config_files=[{path: DIR/config.d, strategy: add-only}]"}, files: map[string]string{"a": "priority: error\n"}, key: "priority", want: "debug"},
		{name: "null replaces the map", version: "0.44.1", files: map[string]string{"a": "webserver:\n"}, key: "webserver", want: nil},
		{name: "option wins", version: "0.44.1", args: []string{"-o", "priority=error"}, files: map[string]string{"a": "priority: notice\n"}, key: "priority", want: "error"},
		{name: "option appends", version: "0.44.1", args: []string{"-o", "rules_files[]=y"}, key: "rules_files", want: []any{"DIR/rules.yaml", "y"}},
		{name: "environment", version: "0.44.1", files: map[string]string{"a": "priority: ${STANDIN_PRIORITY}\n"}, key: "priority", want: "alert"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("STANDIN_PRIORITY", "alert")
			s := newSetup(t, tt.version)
			for name, text := range tt.files {
				s.write("config.d/"+name, text)
			}
			var args []string
			for _, a := range tt.args {
				args = append(args, strings.ReplaceAll(a, "DIR", s.dir))
			}
			text, err := json.Marshal(s.effective(args...)[tt.key])
			if err != nil {
				t.Fatal(err)
			}
			var got any
			if err := json.Unmarshal([]byte(strings.ReplaceAll(string(text), s.dir, "DIR")), &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("effective %s (-want +got):\n%s", tt.key, diff)
			}
		})
	}
}

// What decides whether an open of /etc/shadow is reported.
func TestShadowRule(t *testing.T) {
	for _, tt := range []struct {
		name, config, rules string
		args                []string
		want                bool
	}{
		{name: "as shipped", want: true},
		{name: "threshold above it", config: "priority: error\n"},
		{name: "threshold at it", config: "priority: warning\n", want: true},
		{name: "disabled by name", config: "rules: [{disable: {rule: Read sensitive file untrusted}}]\n"},
		{name: "everything disabled", config: "rules: [{disable: {rule: \"*\"}}]\n"},
		{name: "disabled and enabled", config: "rules: [{disable: {rule: \"*\"}}, {enable: {rule: \"Read*\"}}]\n", want: true},
		{name: "disabled in a rules file", rules: "- rule: Read sensitive file untrusted\n  enabled: false\n"},
		{name: "another is disabled", config: "rules: [{disable: {rule: No Such Rule}}]\n", want: true},
		{name: "disabled by an option", args: []string{"-D", "sensitive"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSetup(t, "0.44.1")
			s.write("config.d/a", tt.config)
			if tt.rules != "" {
				s.write("rules.yaml", goodRules+tt.rules)
			}
			a := app{sys: s.sys, stdout: t.Output(), stderr: t.Output()}
			o, err := parseOptions(append([]string{"-c", filepath.Join(s.dir, "falco.yaml")}, tt.args...), 44)
			if err != nil {
				t.Fatal(err)
			}
			log := &logger{stderr: t.Output()}
			st, err := a.prepare(o, log)
			if err != nil {
				t.Fatal(err)
			}
			if err := a.check(o, st, log); err != nil {
				t.Fatal(err)
			}
			if st.shadow != tt.want {
				t.Errorf("reported = %v, want %v", st.shadow, tt.want)
			}
		})
	}
}

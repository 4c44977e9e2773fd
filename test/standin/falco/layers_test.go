// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// loaded returns the configuration that the program loads.
func (s *setup) loaded(args ...string) *state {
	s.t.Helper()
	a := s.app
	a.log = &logger{stderr: s.t.Output()}
	var err error
	if a.opts, err = parseOptions(append([]string{"-c", filepath.Join(s.dir, "falco.yaml")}, args...), a.minor); err != nil {
		s.t.Fatal(err)
	}
	st, err := a.load()
	if err != nil {
		s.t.Fatal(err)
	}
	return st
}

func TestLayers(t *testing.T) {
	for _, tt := range []struct {
		name, version string
		files         map[string]string
		args          []string
		key, want     string
	}{
		{name: "map replaces the whole map", version: "0.44.1", files: map[string]string{"a": "webserver: {listen_port: 9}\n"}, key: "webserver", want: "map[listen_port:9]"},
		{name: "last in byte order wins", version: "0.44.1", files: map[string]string{".c": "webserver: {listen_port: 1}\n", "B": "webserver: {listen_port: 2}\n", "a.swp": "webserver: {listen_port: 3}\n"}, key: "webserver", want: "map[listen_port:3]"},
		{name: "list appends", version: "0.44.1", files: map[string]string{"a": "rules_files: [x]\n"}, key: "rules_files", want: "[DIR/rules.yaml x]"},
		{name: "list replaced before 0.41", version: "0.40.0", files: map[string]string{"a": "rules_files: [x]\n"}, key: "rules_files", want: "[x]"},
		{name: "no fragments before 0.38", version: "0.37.1", files: map[string]string{"a": "priority: error\n"}, key: "priority", want: "debug"},
		{name: "null replaces the map", version: "0.44.1", files: map[string]string{"a": "webserver:\n"}, key: "webserver", want: "<nil>"},
		{name: "option wins", version: "0.44.1", args: []string{"-o", "priority=error"}, files: map[string]string{"a": "priority: notice\n"}, key: "priority", want: "error"},
		{name: "environment", version: "0.44.1", files: map[string]string{"a": "priority: ${STANDIN_PRIORITY}\n"}, key: "priority", want: "alert"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("STANDIN_PRIORITY", "alert")
			s := newSetup(t, tt.version)
			for name, text := range tt.files {
				s.write("config.d/"+name, text)
			}
			got := strings.ReplaceAll(fmt.Sprint(s.loaded(tt.args...).get(tt.key)), s.dir, "DIR")
			if got != tt.want {
				t.Errorf("%s = %s, want %s", tt.key, got, tt.want)
			}
		})
	}
}

// Priority and rules decide whether an open of /etc/shadow is reported.
func TestShadowRule(t *testing.T) {
	for _, tt := range []struct {
		name, config, rules string
		want                bool
	}{
		{name: "as shipped", want: true},
		{name: "threshold above it", config: "priority: error\n"},
		{name: "threshold at it", config: "priority: warning\n", want: true},
		{name: "disabled by name", config: "rules: [{disable: {rule: Read sensitive file untrusted}}]\n"},
		{name: "everything disabled", config: "rules: [{disable: {rule: \"*\"}}]\n"},
		{name: "disabled and enabled", config: "rules: [{disable: {rule: \"*\"}}, {enable: {rule: \"Read*\"}}]\n", want: true},
		{name: "disabled in a rules file", rules: "- rule: Read sensitive file untrusted\n  enabled: false\n"},
		{name: "a macro that never matches", rules: "- macro: open_read\n  condition: never_true\n"},
		{name: "without its system call", config: "base_syscalls: {custom_set: ['!openat']}\n"},
		{name: "another is disabled", config: "rules: [{disable: {rule: No Such Rule}}]\n", want: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSetup(t, "0.44.1")
			s.write("config.d/a", tt.config)
			if tt.rules != "" {
				s.write("rules.yaml", goodRules+tt.rules)
			}
			if got := s.loaded().shadow; got != tt.want {
				t.Errorf("reported = %v, want %v", got, tt.want)
			}
		})
	}
}

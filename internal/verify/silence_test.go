// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"testing"

	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
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

func TestListens(t *testing.T) {
	const head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
	tests := []struct {
		name, table string
		want        bool
	}{
		{"nobody", head, false},
		{"all addresses", head + "   0: 00000000:223D 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1\n", true},
		{"IPv6", head + "   0: 00000000000000000000000000000000:223D 00000000000000000000000000000000:0000 0A 00000000:00000000\n", true},
		{"another port", head + "   0: 00000000:1F99 00000000:0000 0A 00000000:00000000\n", false},
		{"a connection", head + "   0: 0100007F:223D 0100007F:A1B2 01 00000000:00000000\n", false},
		{"to that port", head + "   0: 0100007F:A1B2 0100007F:223D 0A 00000000:00000000\n", false},
	}
	for _, tt := range tests {
		if got := listens(tt.table, 8765); got != tt.want {
			t.Errorf("%s: listens(%q, 8765) = %v, want %v", tt.name, tt.table, got, tt.want)
		}
	}
}

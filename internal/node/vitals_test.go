// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package node

import "testing"

// A file that is not the log matters only to a Falco that keeps its log open.
func TestAstray(t *testing.T) {
	for _, tt := range []struct {
		name   string
		vitals Vitals
		keep   bool
		want   string
	}{
		{"nothing open", Vitals{}, true, ""},
		{"the log", Vitals{Appends: []string{"/a", "/log"}, HasLog: true}, true, ""},
		{"removed", Vitals{Appends: []string{"/log (deleted)"}}, true, "/log (deleted)"},
		{"moved", Vitals{Appends: []string{"/metrics", "/log.1"}}, true, "/log.1"},
		{"metrics alone", Vitals{Appends: []string{"/metrics"}}, true, ""},
		{"log opened for each alert", Vitals{Appends: []string{"/other"}}, false, ""},
	} {
		if got := tt.vitals.Astray(tt.keep, "/metrics"); got != tt.want {
			t.Errorf("%s: Astray = %q, want %q", tt.name, got, tt.want)
		}
	}
}

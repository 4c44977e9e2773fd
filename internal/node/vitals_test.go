// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"testing"
	"time"
)

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

// A process that is dead for long is, but not one that has just exited.
func TestHalted(t *testing.T) {
	for _, tt := range []struct {
		state string
		age   time.Duration
		want  string
	}{
		{"S", time.Hour, ""},
		{"R", 0, ""},
		{"D", time.Hour, ""},
		{"t", time.Hour, ""},
		{"", time.Hour, ""},
		{"T", 0, "stopped by a signal"},
		{"Z", time.Second, ""},
		{"Z", time.Hour, "dead"},
		{"X", time.Hour, "dead"},
	} {
		if got := (Vitals{State: tt.state}).Halted(tt.age); got != tt.want {
			t.Errorf("Halted of %q after %v = %q, want %q", tt.state, tt.age, got, tt.want)
		}
	}
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falco

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCheckArgs(t *testing.T) {
	dryRun := []string{"-c", "/x", "--dry-run", "-o", "log_stderr=true", "-o", "log_syslog=false"}
	list := []string{"-c", "/x", "-L"}
	for falco, want := range map[string][]string{"0.34.1": list, "0.32.2": list, "0.35.0": dryRun, "0.44.1": dryRun, "1.0.0": dryRun, "": dryRun, "?": dryRun} {
		if diff := cmp.Diff(want, CheckArgs(falco, nil, "/x")); diff != "" {
			t.Errorf("CheckArgs(%q) (-want +got):\n%s", falco, diff)
		}
	}
}

// The unit's own arguments stay, but for its main file and its pidfile.
func TestCheckArgsOfUnit(t *testing.T) {
	ours := []string{"--dry-run", "-o", "log_stderr=true", "-o", "log_syslog=false"}
	tests := []struct {
		name string
		unit []string
		file string
		want []string
	}{
		{name: "no arguments", want: []string{"-c", ConfigFile}},
		{name: "options", unit: []string{"-o", "engine.kind=kmod", "-oa=b", "-r", "/x", "-D", "y"}, want: []string{"-c", ConfigFile, "-o", "engine.kind=kmod", "-oa=b", "-r", "/x", "-D", "y"}},
		{name: "another file", unit: []string{"-c", "/a"}, want: []string{"-c", "/a"}},
		{name: "the last of several files", unit: []string{"-c", "/a", "-c", "/b"}, want: []string{"-c", "/b"}},
		{name: "a candidate in its place", unit: []string{"-c", "/b", "-A"}, file: "/x", want: []string{"-c", "/x", "-A"}},
		{name: "what Falco refuses", unit: []string{"-c/a", "--config=/b"}, want: []string{"-c", ConfigFile, "-c/a", "--config=/b"}},
		{name: "a pidfile", unit: []string{"--pidfile=/run/falco.pid", "-P", "/x", "--pidfile", "/y"}, want: []string{"-c", ConfigFile}},
		{name: "an option without its value", unit: []string{"-o"}, want: []string{"-c", ConfigFile, "-o"}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(append(tt.want, ours...), CheckArgs("0.44.1", tt.unit, tt.file)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

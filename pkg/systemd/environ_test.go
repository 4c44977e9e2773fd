// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package systemd

import (
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// A unit's environment is what systemd says and what its files hold.
func TestUnitEnv(t *testing.T) {
	tree := fstest.MapFS{
		"etc/sysconfig/falco": {Data: []byte("# comment\n; another\nPRIORITY=debug\n  SPACED = \"a b\" \nQUOTED='x y\\z'\nESCAPED=a\\ b\nJOINED=a\\\nb\nno assignment\nEMPTY=\n")},
		"etc/falco.d/1.env":   {Data: []byte("ONE=1\n")},
		"etc/falco.d/2.env":   {Data: []byte("TWO=2")},
	}
	u := Unit{Environment: []string{"PRIORITY=error"}, EnvironmentFiles: []string{"/etc/sysconfig/falco", "/etc/missing", "/etc/falco.d/*.env"}}
	want := []string{"PRIORITY=error", "PRIORITY=debug", "SPACED=a b", `QUOTED=x y\z`, "ESCAPED=a b", "JOINED=ab", "EMPTY=", "ONE=1", "TWO=2"}
	if diff := cmp.Diff(want, u.Env(tree)); diff != "" {
		t.Errorf("Env (-want +got):\n%s", diff)
	}
}

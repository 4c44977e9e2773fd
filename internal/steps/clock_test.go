// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package steps

import (
	"testing"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
	"github.com/falco-bootstrap/falco-bootstrap/internal/inforce"
)

// What a proven Falco has read is compared with what is there now, whatever the clock
// says, and whoever has set the times of a file.
func TestStaleWithoutClock(t *testing.T) {
	for _, tt := range []struct {
		name  string
		do    func(n *fakeNode)
		stale bool
	}{
		{"nothing", func(*fakeNode) {}, false},
		{"a clock that was set back, and then an edit", func(n *fakeNode) {
			n.clock = n.clock.Add(-24 * time.Hour)
			n.write(falco.ConfigFile, n.read(falco.ConfigFile)+"\n# edited\n")
			n.files[inTree(falco.ConfigFile)].ModTime = n.clock
		}, true},
		{"an edit with a time of long ago", func(n *fakeNode) {
			n.write(falco.ConfigFile, n.read(falco.ConfigFile)+"\n# edited\n")
			n.files[inTree(falco.ConfigFile)].ModTime = n.clock.Add(-9000 * time.Hour)
		}, true},
		{"a time in the future", func(n *fakeNode) { n.files[inTree(falco.ConfigFile)].ModTime = n.clock.Add(9000 * time.Hour) }, false},
		{"another time, the same content", func(n *fakeNode) {
			n.clock = n.clock.Add(time.Hour)
			n.files[inTree(falco.ConfigFile)].ModTime = n.clock
		}, false},
		{"replaced twice, the second time by the same content with the first file's inode", func(n *fakeNode) {
			n.clock = n.clock.Add(time.Second)
			n.created[falco.ConfigFile], n.files[inTree(falco.ConfigFile)].ModTime = n.clock, n.clock
		}, true},
		{"a package of the same name, reinstalled", func(n *fakeNode) {
			n.packages[len(n.packages)-1].Installed = n.clock.Add(time.Minute)
			n.clock = n.clock.Add(time.Hour)
		}, false},
		{"another package", func(n *fakeNode) { n.packages[len(n.packages)-1].Release = "2" }, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n, s := newNode(t, "8.10", uek7)
			s.Proof.MaxAge = 10000 * time.Hour
			converged(t, n, s)
			u := n.units["falco-modern-bpf.service"]
			n.proof.Package = n.packages[len(n.packages)-1].NEVRA()
			n.created = map[string]time.Time{falco.ConfigFile: n.clock.Add(-time.Hour)}
			n.proof.Inputs = inforce.Record(n, []string{falco.ConfigFile})
			tt.do(n)
			p := inforce.Process{View: n, PID: u.MainPID, Started: u.Started, Package: n.packages[len(n.packages)-1], Proof: n.proof}
			stale, _, err := p.Stale(nil, []string{falco.ConfigFile})
			if err != nil || (stale != "") != tt.stale {
				t.Errorf("Stale = %q, %v, want %t", stale, err, tt.stale)
			}
		})
	}
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package steps

import (
	"testing"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/systemd"
)

// Only a transaction that needs Oracle's repositories waits for their
// addresses, and only where something is there to fill them in.
func TestMapperIsAwaited(t *testing.T) {
	const repo = "/etc/yum.repos.d/oracle-linux-ol8.repo"
	tests := []struct {
		name string
		made func(n *fakeNode)
		pin  string
		want bool
	}{
		{"not filled in yet", func(*fakeNode) {}, "0.39.2", true},
		{"no build dependencies", func(*fakeNode) {}, "0.44.1", false},
		{"filled in for dnf", func(n *fakeNode) { n.write("/etc/dnf/vars/ociregion", "\n") }, "0.39.2", false},
		{"marked as done", func(n *fakeNode) { n.write(mapperMarker, "") }, "0.39.2", false},
		{"plain addresses", func(n *fakeNode) { n.write(repo, "[ol8_baseos_latest]\nbaseurl=https://yum.oracle.com/x\nenabled=1\n") }, "0.39.2", false},
		{"nothing fills them in", func(n *fakeNode) { delete(n.units, mapperUnit) }, "0.39.2", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n, s := newNode(t, "8.10", "5.15.0-210.163.7.el8uek.x86_64")
			s.Falco.Version = tt.pin
			n.write(repo, "[ol8_baseos_latest]\nbaseurl=https://yum$ociregion.$ocidomain/x\nenabled=1\n")
			n.units[mapperUnit] = &systemd.Unit{Name: mapperUnit, ID: mapperUnit, LoadState: "loaded", ActiveState: "active"}
			tt.made(n)
			out, err := planOf(t, n, s, idPackages)
			if err != nil {
				t.Fatal(err)
			}
			got := false
			for _, c := range out.Changes {
				install, ok := c.(node.Install)
				got = got || ok && install.Await != nil
			}
			if got != tt.want {
				t.Errorf("Plan awaits the mapper: %v, want %v in %v", got, tt.want, out.Changes)
			}
		})
	}
}

// What an upgrade could not take away goes without its scripts, and the report
// says why.
func TestLeftBesideTheNewVersion(t *testing.T) {
	n, s := newNode(t, "9.6", "5.14.0-570.12.1.el9_6.x86_64")
	converged(t, n, s)
	old := n.packages[0]
	for _, p := range n.packages {
		if p.Name == "falco" {
			old = p
		}
	}
	old.Version, old.Installed = "0.41.3", old.Installed.Add(-1)
	n.packages = append(n.packages, old)
	out, err := planOf(t, n, s, idPackages)
	if err != nil || len(out.Changes) != 1 || out.Changes[0].String() != "remove "+old.NEVRA()+" without its scriptlets" {
		t.Errorf("Plan = %v, %v; want the removal of %s", out.Changes, err, old.NEVRA())
	}
}

func TestUsesRegion(t *testing.T) {
	files := map[string][]byte{
		"/etc/yum.repos.d/oracle.repo": []byte("[ol9_appstream]\nbaseurl=https://yum$ociregion.$ocidomain/repo/x\n[plain]\nbaseurl=https://yum.oracle.com/x\n"),
		"/etc/yum.repos.d/broken.repo": []byte("no section\n"),
	}
	tests := []struct {
		ids  []string
		want bool
	}{
		{nil, false},
		{[]string{"plain", "falcosecurity-rpm"}, false},
		{[]string{"falcosecurity-rpm", "ol9_appstream"}, true},
	}
	for _, tt := range tests {
		if got := usesRegion(files, tt.ids); got != tt.want {
			t.Errorf("usesRegion(%q) = %v, want %v", tt.ids, got, tt.want)
		}
	}
}

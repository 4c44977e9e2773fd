// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package steps

import (
	"cmp"
	"testing"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/systemd"
)

// Only a transaction that needs Oracle's repositories waits for the variables in
// their URLs, and only where something sets them.
func TestMapperIsAwaited(t *testing.T) {
	const repo = "/etc/yum.repos.d/oracle-linux-ol8.repo"
	tests := []struct {
		name string
		edit func(n *fakeNode)
		pin  string // 0.39.2 unless set
		want bool
	}{
		{name: "not set yet", edit: func(*fakeNode) {}, want: true},
		{name: "no build dependencies", edit: func(*fakeNode) {}, pin: "0.44.1"},
		{name: "set for dnf", edit: func(n *fakeNode) { n.write("/etc/dnf/vars/ociregion", "\n") }},
		{name: "marked as done", edit: func(n *fakeNode) { n.write(mapperMarker, "") }},
		{name: "plain URLs", edit: func(n *fakeNode) {
			n.write(repo, "[ol8_baseos_latest]\nbaseurl=https://yum.oracle.com/x\nenabled=1\n")
		}},
		{name: "nothing sets them", edit: func(n *fakeNode) { delete(n.units, mapperUnit) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n, s := newNode(t, "8.10", uek7)
			s.Falco.Version = cmp.Or(tt.pin, "0.39.2")
			n.write(repo, "[ol8_baseos_latest]\nbaseurl=https://yum$ociregion.$ocidomain/x\nenabled=1\n")
			n.units[mapperUnit] = &systemd.Unit{Name: mapperUnit, ID: mapperUnit, LoadState: "loaded", ActiveState: "active"}
			tt.edit(n)
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

// What an upgrade could not remove is removed without its scripts.
func TestLeftBesideTheNewVersion(t *testing.T) {
	n, s := newNode(t, "9.6", rhck9)
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

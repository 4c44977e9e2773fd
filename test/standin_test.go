// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"testing"
	"time"
)

// falcoRepository is a repository file for the node's own packages.
func falcoRepository(folder string) string {
	return `[falcosecurity-rpm]
name=falcosecurity-rpm
baseurl=` + www + `/falco/` + folder + `
gpgcheck=1
gpgkey=` + www + `/keys/falcosecurity-packages.asc
repo_gpgcheck=1
enabled=1
`
}

// dnf installs as a careful hand would.
func (n *Node) dnf(environment, words string) Result {
	n.t.Helper()
	return n.Sh(environment + " LC_ALL=C dnf -y --setopt=install_weak_deps=False " + words + " </dev/null")
}

func TestSmoke(t *testing.T) {
	d := OL("9.6")
	d.Files = map[string]string{"/etc/yum.repos.d/falcosecurity.repo": falcoRepository("0.44.1")}
	n := Start(t, d)
	before := n.Snapshot()
	if diff := before.Diff(n.Snapshot()); len(diff) > 0 {
		t.Errorf("two snapshots of a node left alone differ: %q", diff)
	}
	t.Log(n.dnf("FALCO_FRONTEND=noninteractive", "install falco"))
	t.Log(n.FalcoUnits())
	t.Log(n.Unit("falco-modern-bpf.service"))
	n.Must("sed -i '/^file_output:/,/^[^ ]/{s/enabled: false/enabled: true/;s#./events.txt#/var/log/falco.log#}' /etc/falco/falco.yaml; systemctl restart falco-modern-bpf")
	t.Log(n.Alert("/var/log/falco.log", 10*time.Second))
	t.Log(n.Must("ls -l /var/log/falco.log; tail -2 /var/log/falco.log; systemctl status falco-modern-bpf --no-pager; grep -A8 '^file_output' /etc/falco/falco.yaml"))
	t.Log(n.DnfHistory(), n.Installed("*"))
}

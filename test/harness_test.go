// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"strings"
	"testing"
)

// TestHarness tests the harness itself, on one node.
func TestHarness(t *testing.T) {
	t.Parallel()
	n := Start(t, OL("9.6"))
	n.runSubtests(t, []subtest{
		{"snapshots", snapshots},
		{"faults of the server", serverFaults},
		{"kills", kills},
	})
}

// A snapshot shows changes, and shows none if nothing has changed.
func snapshots(t *testing.T, n *Node) {
	before := n.Snapshot()
	if diff := before.Diff(n.Snapshot()); len(diff) > 0 {
		t.Errorf("two snapshots of an unchanged node differ: %q", diff)
	}
	n.Must("echo x >/etc/new; chmod 600 /etc/hostname || true; touch -d yesterday /etc/falco-bootstrap.yaml; rm /etc/redhat-release")
	got := strings.Join(before.Diff(n.Snapshot()), "\n")
	for _, want := range []string{"+ /etc/new: ", "- /etc/redhat-release", "~ /etc/falco-bootstrap.yaml: ctime", "~ /etc: "} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in the difference:\n%s", want, got)
		}
	}
	if rest := before.Diff(n.Snapshot(), "/etc"); len(rest) > 0 {
		t.Errorf("changes outside /etc: %q", rest)
	}
}

func TestHarnessSetup(t *testing.T) {
	t.Parallel()
	n := Start(t, Setup{}) // set up again for each release; the last has no dnf
	for _, release := range []string{"10.1", "9.6", "8.10", "7.9"} {
		t.Run(release, func(t *testing.T) {
			n.In(t)
			n.Setup = OL(release)
			n.setUp()
			if got := n.ReadFile("/etc/oracle-release"); got != "Oracle Linux Server release "+release+"\n" {
				t.Errorf("oracle-release = %q", got)
			}
			major, _, _ := strings.Cut(release, ".")
			epel := n.ReadFile("/etc/yum.repos.d/oracle-epel-ol" + major + ".repo")
			if !strings.Contains(epel, "_developer_EPEL]") || strings.Contains(epel, "enabled=1") {
				t.Errorf("EPEL's repository file = %q", epel)
			}
			r := n.Sh("LC_ALL=C yum -y --enablerepo='*EPEL' list dkms kernel-uek-devel oracle-epel-release-el" + major + " 2>&1")
			for _, want := range []string{"dkms", "kernel-uek-devel", "oracle-epel-release-el"} {
				if !strings.Contains(r.Stdout, want) {
					t.Errorf("yum lists no %s: %v", want, r)
				}
			}
		})
	}
}

func serverFaults(t *testing.T, n *Node) {
	n.Faults("/keys/ 503", "/falco/0.44.1/ truncate")
	if r := n.Sh("curl -sf " + www + "/keys/falco.asc"); r.Exit != 22 {
		t.Errorf("fetching a URL that answers 503: %v", r)
	}
	if r := n.Sh("curl -sf " + www + "/falco/0.44.1/repodata/repomd.xml"); r.Exit != 18 {
		t.Errorf("fetching a truncated file: %v", r)
	}
	if got := strings.Join(n.Requests(), "\n"); !strings.Contains(got, "GET /keys/falco.asc") {
		t.Errorf("requests = %q", got)
	}
}

func kills(t *testing.T, n *Node) {
	n.WriteFile(agent, "#!/bin/bash\nfor i in 1 2 3 4; do echo line $i >&2; sleep 0.5; done; touch /tmp/a /tmp/b; exec rm /tmp/a /tmp/b\n")
	n.Must("chmod 755 " + agent)
	if r := n.RunKilledAfter(2); r.Exit != killed || r.Stdout != "" || !strings.HasSuffix(r.Stderr, "line 2\n") {
		t.Errorf("killed after two lines: %v", r)
	}
	if r := n.RunKilledAt(2); r.Exit != killed || n.Exists("/tmp/a") || !n.Exists("/tmp/b") {
		t.Errorf("killed at the second removal: %v", r)
	}
	if r := n.RunKilledAt(3); r.Exit != 0 || n.Exists("/tmp/b") {
		t.Errorf("a run to be killed at a third removal, which it does not make: %v", r)
	}
}

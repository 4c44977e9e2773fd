// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// If the repository or its network is down, the run ends in time and says so.
func TestPromiseNoNetwork(t *testing.T) {
	t.Parallel()
	n := Start(t, OL("9.6"))
	for _, test := range []struct {
		name  string
		fault string
		// timeout is long enough to reach the fault.
		timeout time.Duration
		want    string
	}{
		{name: "the key answers 503", fault: "/keys/ 503", timeout: 8 * time.Second, want: "503"},
		{name: "the key hangs", fault: "/keys/ hang", timeout: 8 * time.Second, want: "fetching"},
		{name: "the repository answers 503", fault: "/falco/ 503", timeout: 18 * time.Second, want: "falcosecurity-rpm"},
		{name: "the repository hangs", fault: "/falco/ hang", timeout: 18 * time.Second, want: "falcosecurity-rpm"},
		{name: "the package is cut short", fault: "/falco/0.44.1/falco-0 truncate", timeout: 18 * time.Second, want: "falcosecurity-rpm"},
	} {
		t.Run(test.name, func(t *testing.T) {
			n.In(t)
			n.Faults(test.fault)
			r := n.Run("--timeout", test.timeout.String())
			requireRefused(t, r, 5, test.want)
			if most := test.timeout + 15*time.Second; r.Took > most {
				t.Errorf("it took %v with a bound of %v", r.Took, test.timeout)
			}
			if got := n.Installed("falco"); len(got) > 0 {
				t.Errorf("installed: %q", got)
			}
		})
	}
}

// A run names the file it cannot write, with a hint, and the old file stays intact.
func TestPromiseCannotWrite(t *testing.T) {
	t.Parallel()
	n := startForUndo(t)
	want := n.picture()
	for _, test := range []struct{ name, before, after, hint string }{
		{
			name:   "the disk is full",
			before: "cp -a /etc/falco /run/falco && mount -t tmpfs -o size=256k,mode=755 tmpfs /etc/falco && cp -a /run/falco/. /etc/falco/ && { cat /dev/zero >/etc/falco/filler 2>/dev/null || true; }",
			after:  "umount -l /etc/falco && rm -rf /run/falco",
			hint:   "make room",
		},
		{
			name:   "its directory is read-only",
			before: "mount --bind /etc /etc && mount -o remount,bind,ro /etc",
			after:  "umount -l /etc",
			hint:   "read-only",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			n.In(t)
			n.Must("cp -p /srv/shipped.yaml " + falcoYAML)
			n.Must(test.before)
			r := n.Run()
			requireRefused(t, r, 1, falcoYAML, test.hint)
			n.requireIntact(t, test.name, "/srv/shipped.yaml")
			if left := n.Must("find /etc/falco -name '*falco-bootstrap-*'"); left != "" {
				t.Errorf("left behind: %s", left)
			}
			n.Must(test.after)
			if r := n.Run(); r.Exit != 0 {
				t.Fatalf("the next run: %v", r)
			}
			if diff := cmp.Diff(want, n.picture()); diff != "" {
				t.Errorf("the node is not as before (-before +after):\n%s", diff)
			}
		})
	}
	t.Run("two at once", func(t *testing.T) {
		n.In(t)
		n.undo()
		run := strings.Join(n.agentCommand(nil), " ")
		out := n.Must(run + " >/run/a 2>&1 & " + run + " >/run/b 2>&1; b=$?; wait $!; echo $? $b")
		if out != "0 8\n" && out != "8 0\n" && out != "0 0\n" {
			t.Errorf("two runs at once exit with %s%s", out, n.Must("cat /run/a /run/b"))
		}
		if diff := cmp.Diff(want, n.picture()); diff != "" {
			t.Errorf("the node is not as before (-before +after):\n%s", diff)
		}
	})
	t.Run("a mask that systemd has not read", func(t *testing.T) {
		n.In(t)
		n.Must("systemctl unmask " + followUnit + " && systemctl start " + followUnit + " && ln -s /dev/null /etc/systemd/system/" + followUnit)
		if r := n.Run(); r.Exit != 0 {
			t.Fatal(r)
		}
		if diff := cmp.Diff(want, n.picture()); diff != "" {
			t.Errorf("the node is not as before (-before +after):\n%s", diff)
		}
		n.requireNoChange(t)
	})
	t.Run("a tree", func(t *testing.T) {
		n.In(t)
		n.tree(t)
	})
}

// tree runs the agent on a tree like that of an image that is being built.
func (n *Node) tree(t *testing.T) {
	t.Helper()
	n.Must(`set -e; t=/srv/tree; mkdir -p $t/etc/falco/config.d $t/etc/yum.repos.d $t/var/log $t/usr/lib
		cp -P /etc/oracle-release /etc/os-release $t/etc/; cp /usr/lib/os-release $t/usr/lib/
		cp -p /srv/shipped.yaml $t/etc/falco/falco.yaml
		sed 's/^enabled=0/enabled=1/' /etc/yum.repos.d/oracle-epel-ol9.repo >$t/etc/yum.repos.d/oracle-epel-ol9.repo`)
	before := n.Snapshot()
	r := n.Run("--root", "/srv/tree")
	if r.Exit != 0 {
		t.Fatalf("--root: %v", r)
	}
	for _, step := range []string{"packages", "unit", "proof"} {
		Lines(t, r.Stdout, step, "skipped")
	}
	if got := n.ReadFile("/srv/tree" + falcoYAML); got != n.ReadFile("/srv/declared.yaml") {
		t.Errorf("the tree's falco.yaml is not as declared:\n%s", got)
	}
	if got, want := n.ReadFile("/srv/tree/etc/yum.repos.d/oracle-epel-ol9.repo"), n.ReadFile("/etc/yum.repos.d/oracle-epel-ol9.repo"); got != want {
		t.Errorf("the tree's EPEL file:\n%swant\n%s", got, want)
	}
	if got, want := n.ReadFile("/srv/tree/etc/yum.repos.d/falcosecurity.repo"), n.ReadFile("/etc/yum.repos.d/falcosecurity.repo"); got != want {
		t.Errorf("the tree's repository file:\n%swant\n%s", got, want)
	}
	if diff := before.Diff(n.Snapshot(), falcoLog); len(diff) > 0 {
		t.Errorf("acting on a tree changed this machine: %q", diff)
	}
	if r := n.Run("--root", "/srv/tree", "--dry-run"); r.Exit != 0 {
		t.Errorf("a dry run on the tree: %v", r)
	}
}

// Falco itself is broken; an active unit proves nothing.
func TestPromiseFalcoFails(t *testing.T) {
	t.Parallel()
	n := startForUndo(t)
	t.Run("a rule that it refuses", func(t *testing.T) {
		n.In(t)
		n.Must("systemctl stop " + modernUnit + "; cp -p /etc/falco/falco_rules.local.yaml /run/")
		n.WriteFile("/etc/falco/falco_rules.local.yaml", "- rule: mine\n  desc: x\n  condition: nosuch.field = 1\n  output: x\n  priority: INFO\n")
		requireRefused(t, n.Run(), 7, "falco_rules.local.yaml: Invalid", "nosuch")
		n.Must("mv /run/falco_rules.local.yaml /etc/falco/ && systemctl reset-failed")
	})
	t.Run("it crashes", func(t *testing.T) {
		n.In(t)
		n.Quirk("crash", "")
		n.undo()
		requireRefused(t, n.Run(), 7, modernUnit+" does not stay up", "no complaint about its configuration; systemd says")
		n.Must("rm /etc/falco-standin/crash && systemctl reset-failed")
	})
	t.Run("it ignores SIGTERM", func(t *testing.T) {
		n.In(t)
		n.Quirk("ignore-sigterm", "")
		n.WriteFile("/etc/systemd/system/"+modernUnit+".d/test.conf", "[Service]\nTimeoutStopSec=3\n")
		n.Must("systemctl daemon-reload && systemctl kill -s KILL " + modernUnit + "; systemctl reset-failed; systemctl restart " + modernUnit)
		before := n.Unit(modernUnit).MainPID
		n.undo()
		if r := n.Run(); r.Exit != 0 {
			t.Errorf("a run that restarts a Falco which ignores SIGTERM: %v", r)
		}
		if after := n.Unit(modernUnit); !after.Running() || after.MainPID == before {
			t.Errorf("the unit is %+v, process %d before", after, before)
		}
		n.Must("rm -r /etc/falco-standin/ignore-sigterm /etc/systemd/system/" + modernUnit + ".d && systemctl daemon-reload && systemctl kill -s KILL " + modernUnit + "; systemctl reset-failed")
	})
	t.Run("it takes long to start", func(t *testing.T) {
		n.In(t)
		n.Quirk("delay", "13")
		n.undo()
		r := n.Run()
		if r.Exit != 0 || strings.Contains(r.Stdout, "no alert about") {
			t.Errorf("a run with a Falco that needs 13 s to see anything: %v", r)
		}
		n.Quirk("delay", "0")
	})
	t.Run("it runs and does not detect", func(t *testing.T) {
		n.In(t)
		n.Quirk("no-alert", "")
		n.undo()
		r := n.Run()
		requireRefused(t, r, 7, modernUnit+" is running but wrote no alert to /var/log/falco.log")
		requireRefused(t, n.Run("--dry-run"), 7, modernUnit+" is running but wrote no alert to /var/log/falco.log")
		n.Must("rm /etc/falco-standin/no-alert; systemctl restart " + modernUnit)
		if r := n.Run(); r.Exit != 0 {
			t.Errorf("the run after that: %v", r)
		}
	})
}

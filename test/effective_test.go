// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package test

import "testing"

// A log that Falco's unit hides from the node is refused before anything changes.
func TestRefuseHiddenLog(t *testing.T) {
	t.Parallel()
	n := Start(t, OL("9.6"))
	n.makeStateDir()
	before := n.Snapshot()
	for log, property := range map[string]string{"/tmp/falco.log": "PrivateTmp", "/root/falco.log": "ProtectHome=read-only"} {
		flag := "--set=file_output.filename=" + log
		requireRefused(t, n.Run("--dry-run", flag), 6, property, log)
		requireRefused(t, n.Run(flag), 6, property, log)
	}
	if diff := before.Diff(n.Snapshot(), stateDir); len(diff) > 0 {
		t.Errorf("the runs changed %q", diff)
	}
}

// A Falco that is down is started although its package cannot be installed again.
func TestStoppedFalcoIsStartedWithoutARepository(t *testing.T) {
	t.Parallel()
	n := StartConverged(t, OL("9.6"))
	n.Must("echo >>/usr/bin/falcoctl; systemctl stop " + modernUnit)
	n.Faults("/falco/ 503")
	r := n.Run("--timeout", "24s")
	requireRefused(t, r, 5, "falcosecurity-rpm")
	if u := n.Unit(modernUnit); !u.Running() {
		t.Errorf("%s is %+v after %v", modernUnit, u, r)
	}
}

// A Falco that is down is started although the plan fails, and nothing else is done.
func TestStoppedFalcoIsStartedDespiteABrokenFile(t *testing.T) {
	t.Parallel()
	n := StartConverged(t, OL("9.6"))
	const repo = "/etc/yum.repos.d/falcosecurity.repo"
	n.Must("echo garbage >" + repo + "; rm /etc/logrotate.d/falco-bootstrap; systemctl stop " + modernUnit)
	requireRefused(t, n.Run("--dry-run"), 5, repo, "text before the first section")
	r := n.Run()
	requireRefused(t, r, 5, repo, "text before the first section")
	if u := n.Unit(modernUnit); !u.Running() || n.ReadFile(repo) != "garbage\n" {
		t.Errorf("%s is %+v after %v", modernUnit, u, r)
	}
	before := n.Snapshot()
	requireRefused(t, n.Run(), 5, repo)
	if diff := before.Diff(n.Snapshot(), stateDir); len(diff) > 0 {
		t.Errorf("a run with a Falco that runs changed %q", diff)
	}
	n.Must("ln -sf /nowhere " + repo)
	requireRefused(t, n.Run("--dry-run"), 1, "a link to /nowhere")
	requireRefused(t, n.Run(), 1, "a link to /nowhere")
}

// Falco runs as it did before, if the one that should take its place does not.
func TestFalcoMadeByHandIsStartedAgain(t *testing.T) {
	t.Parallel()
	n := StartConverged(t, OL("9.6"))
	n.Must("systemctl disable --now " + modernUnit)
	n.WriteFile("/etc/systemd/system/falco.service", "[Service]\nExecStart=/usr/bin/falco\n[Install]\nWantedBy=multi-user.target\n")
	n.Must("systemctl daemon-reload; systemctl enable --now falco.service")
	// A unit that exits at once though its Falco has no complaint.
	n.WriteFile("/etc/systemd/system/"+modernUnit+".d/90-site.conf", "[Service]\nExecStartPre=/usr/bin/sleep 0.2\nExecStartPost=/usr/bin/sh -c 'sleep 0.5; kill -9 $MAINPID'\n")
	r := n.Run()
	if r.Exit == 0 {
		t.Errorf("the run succeeds: %v", r)
	}
	if u := n.Unit("falco.service"); !u.Running() || u.UnitFileState != "enabled" {
		t.Errorf("falco.service is %+v after %v", u, r)
	}
}

// A Falco that detects is not stopped for one that systemd would not start, or that
// has another driver.
func TestDetectingFalcoIsNotStopped(t *testing.T) {
	t.Parallel()
	n := StartConverged(t, OL("9.6"))
	const (
		dropIn   = "/etc/systemd/system/" + modernUnit + ".d/90-site.conf"
		required = "[Unit]\nRequires=site.service\nAfter=site.service\n"
	)
	n.WriteFile("/etc/systemd/system/site.service", "[Service]\nType=oneshot\nExecStart=/usr/bin/false\n")
	before := n.Unit(modernUnit).InvocationID
	for _, c := range []struct {
		name, content, says string
		dry                 int
		unread              bool
	}{
		{name: "a condition", content: "[Unit]\nConditionPathExists=/etc/site/ready\n", says: dropIn + ":2 has ConditionPathExists=/etc/site/ready", dry: 6},
		{name: "a path", content: "[Service]\nReadWritePaths=/opt/site\n", says: "there is no /opt/site", dry: 6},
		{name: "an option", content: "[Service]\nExecStart=\nExecStart=/usr/bin/falco --modern-bpf\n", says: "Option 'modern-bpf' does not exist (" + dropIn + ":3)", dry: 6},
		{name: "a driver", content: "[Service]\nExecStart=\nExecStart=/usr/bin/falco -o engine.kind=kmod\n", says: dropIn + ":3 has Falco use the driver kmod", dry: 6},
		{name: "a driver that systemd has not read", content: "[Service]\nExecStart=\nExecStart=/usr/bin/falco -o engine.kind=kmod\n", says: dropIn + ":3 has Falco use the driver kmod", dry: 6, unread: true},
		{name: "a unit that fails", content: required, says: "it requires site.service, which is failed", dry: 2},
	} {
		n.WriteFile(dropIn, c.content)
		if !c.unread {
			n.Must("systemctl daemon-reload")
		}
		if r := n.Run("--dry-run"); r.Exit != c.dry {
			t.Errorf("%s: the dry run exits with %d, want %d: %v", c.name, r.Exit, c.dry, r)
		}
		requireRefused(t, n.Run(), 6, c.says)
		if u := n.Unit(modernUnit); !u.Running() || u.InvocationID != before {
			t.Fatalf("%s: %s is %+v", c.name, modernUnit, u)
		}
		n.Must("rm " + dropIn + "; systemctl daemon-reload")
	}
	if r := n.Run(); r.Exit != 0 {
		t.Errorf("the run afterwards: %v", r)
	}
}

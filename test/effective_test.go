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

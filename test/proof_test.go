// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"slices"
	"strings"
	"testing"
)

// A run that ends with 0 leaves a Falco that detects, or says whose choice it is
// that nobody can tell.
func TestProof(t *testing.T) {
	t.Parallel()
	n := StartConverged(t, OL("9.6"))
	n.Quirk("delay", "0.2")
	n.prove()
	n.runSubtests(t, []subtest{
		{"a disk that was full, with keep_alive", afterFullDisk},
		{"blind", blindFalco},
		{"proven again", provenAgain},
	})
}

// Falco is silent for ever after its log's disk was full, if it keeps the log
// open. A proof that is old finds that out, and a restart mends it.
func afterFullDisk(t *testing.T, n *Node) {
	n.Must("mkdir /run/full; mount -t tmpfs -o size=8k tmpfs /run/full; : >/run/full/falco.log; chmod 600 /run/full/falco.log; mount --bind /run/full/falco.log /var/log/falco.log")
	defer n.Must("rm /etc/falco/config.d/50-keep.yaml; umount /var/log/falco.log /run/full; systemctl restart " + modernUnit)
	n.WriteFile("/etc/falco/config.d/50-keep.yaml", "file_output: {enabled: true, keep_alive: true, filename: /var/log/falco.log}\n")
	if r := n.Run(); r.Exit != 0 {
		t.Fatal(r)
	}
	n.Must("head -c 20000 /dev/zero >/run/full/rest; for ((i = 0; i < 30; i++)); do cat /etc/shadow >/dev/null; done; sleep 0.5")
	for _, mode := range []string{"--dry-run=true", "--dry-run=false"} {
		requireRefused(t, n.Run(mode), 7, "the file system of /var/log/falco.log is full")
	}
	n.Must("rm /run/full/rest; : >/run/full/falco.log")
	before := n.Unit(modernUnit).MainPID
	if r := n.Run("--dry-run", "--proof-max-age=1ns"); r.Exit != 0 || !strings.Contains(r.Stdout, "last proven at ") {
		t.Errorf("a dry run with an old proof: %v", r)
	}
	if r := n.Run("--proof-max-age=1ms"); r.Exit != 0 || n.Unit(modernUnit).MainPID == before {
		t.Errorf("a run with an old proof of a Falco that is silent (process %d, then %d): %v", before, n.Unit(modernUnit).MainPID, r)
	}
	if r := n.Run("verify"); r.Exit != 0 {
		t.Errorf("verify: %v", r)
	}
}

func blindFalco(t *testing.T, n *Node) {
	const dropIn = unitFiles + "/" + modernUnit + ".d/90-site.conf"
	for _, c := range []struct {
		name, do, undo string
		exit           int
		says           string
	}{
		{
			name: "no rules file is listed any more", exit: 7, says: "every rules file is missing",
			do: "mkdir -p /etc/falco/rules.d; cp -p /etc/falco/falco.yaml /srv/; sed -i '\\#^ *- /etc/falco/falco_rules#d' /etc/falco/falco.yaml", undo: "cp -p /srv/falco.yaml /etc/falco/",
		},
		{
			name: "an option of the unit disables the rule", exit: 7, says: "the unit's command line disables the rule",
			do: "mkdir -p $(dirname " + dropIn + "); printf '[Service]\nExecStart=\nExecStart=/usr/bin/falco -o engine.kind=modern_ebpf -o rules[].disable.rule=Read*\n' >" + dropIn + "; systemctl daemon-reload", undo: "rm " + dropIn + "; systemctl daemon-reload",
		},
		{
			name: "the rule is turned off", says: "cannot be proven",
			do: "printf 'rules: [{disable: {rule: \"Read sensitive*\"}}]\n' >/etc/falco/config.d/50-off.yaml", undo: "rm /etc/falco/config.d/50-off.yaml",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			n.In(t)
			n.Must(c.do)
			defer n.Must(c.undo + "; systemctl restart " + modernUnit)
			run, dry := reportOf(t, n.Run("--output=json")), reportOf(t, n.Run("--dry-run", "--output=json"))
			for _, all := range []struct {
				exit           int
				message, warns string
			}{{run.Exit.Code, failure(run).Message, warned(run)}, {dry.Exit.Code, failure(dry).Message, warned(dry)}} {
				if all.exit != c.exit || !strings.Contains(all.message+all.warns, c.says) {
					t.Errorf("exit %d: %q, warnings %q; want %d and %q", all.exit, all.message, all.warns, c.exit, c.says)
				}
			}
			if !slices.Contains(dry.Drift, "unproven") {
				t.Errorf("drift = %q", dry.Drift)
			}
		})
	}
}

// Whatever it was, the next run ends well, and the one after it has nothing to do.
func provenAgain(t *testing.T, n *Node) {
	for range 2 {
		if r := n.Run(); r.Exit != 0 {
			t.Errorf("a run: %v", r)
		}
	}
	if r := n.Run("verify"); r.Exit != 0 {
		t.Errorf("verify: %v", r)
	}
}

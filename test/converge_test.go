// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	falcoYAML = "/etc/falco/falco.yaml"
	falcoLog  = "/var/log/falco.log"
	stateDir  = "/var/lib/falco-bootstrap"
)

// A convergence is a kind of node and what a first run does to it.
type convergence struct {
	name  string
	setup Setup
	flags []string
	// epel is the section that must exist and be disabled afterwards; brought
	// reports whether a package brings it.
	epel    string
	brought bool
	// packages are the packages that the run installs, as `rpm -q` names them;
	// transactions is the number of dnf's transactions.
	packages     []string
	transactions int
	unit         string
	preload      bool
	// audit lists what a dry run on the bare node must name besides the steps. If
	// it is nil, there is no dry run.
	audit []string
}

func convergences() []convergence {
	rhck8, rhck9, rhck10 := OL("8.10").RHCK(), OL("9.6").RHCK(), OL("10.1").RHCK()
	rhck8.Falco, rhck9.EPEL = "0.32.2", epelAbsent
	leftOn := OL("9.6")
	leftOn.EPEL = epelEnabled
	kmod := []string{"--driver", "kmod"}
	const modern44 = "falco-0.44.1-1.x86_64"
	return []convergence{
		{
			name: "OL 8 with RHCK and kmod", setup: rhck8, flags: kmod, epel: "ol8_developer_EPEL", transactions: 1, unit: "falco.service",
			audit:    []string{"dkms   ", "kernel-devel  absent → 4.18.0-553.16.1.el8_10.x86_64", "falco ", "absent → newest"},
			packages: []string{"dkms-3.1.8-1.el8.noarch", "falco-0.32.2-1.x86_64", "kernel-devel-4.18.0-553.16.1.el8_10.x86_64"},
		},
		{
			name: "OL 8 with UEK", setup: OL("8.10"), epel: "ol8_developer_EPEL", transactions: 1, unit: modernUnit, preload: true,
			audit:    []string{"falco ", "absent → newest", "the unit of driver modern_ebpf"},
			packages: []string{modern44},
		},
		{
			name: "OL 9 where EPEL was left on", setup: leftOn, epel: "ol9_developer_EPEL", transactions: 1, unit: modernUnit,
			packages: []string{modern44},
		},
		{
			name: "OL 10 with RHCK and kmod", setup: rhck10, flags: kmod, epel: "ol10_u1_developer_EPEL", transactions: 1, unit: "falco-kmod.service",
			packages: []string{"dkms-3.1.8-1.el10.noarch", modern44, "kernel-devel-6.12.0-55.9.1.el10_0.x86_64"},
		},
		{
			name: "OL 9 without EPEL's repository file", setup: rhck9, flags: kmod, epel: "ol9_developer_EPEL", brought: true, transactions: 2, unit: "falco-kmod.service",
			packages: []string{"dkms-3.1.8-1.el9.noarch", modern44, "kernel-devel-5.14.0-570.12.1.el9_6.x86_64", "oracle-epel-release-el9-1.0-5.el9.noarch"},
		},
	}
}

func TestConverge(t *testing.T) {
	t.Parallel()
	for _, c := range convergences() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			n := Start(t, c.setup)
			if c.audit != nil {
				n.requireAudit(t, c)
			}
			packages, repos := n.Installed("*"), n.repos()
			r := n.Run(c.flags...)
			if r.Exit != 0 {
				t.Fatal(r)
			}
			n.requireConverged(t, c, packages, repos)
			n.requireNoChange(t, c.flags...)
		})
	}
}

// requireAudit fails the test unless a dry run lists every step of a bare node and
// leaves no trace.
func (n *Node) requireAudit(t *testing.T, c convergence) {
	t.Helper()
	before := n.Snapshot()
	r := n.Run(append([]string{"--dry-run"}, c.flags...)...)
	if r.Exit != 2 {
		t.Errorf("a dry run on a bare node: %v", r)
	}
	Lines(t, r.Stdout, "preflight   ok", "key         pending", "repository  pending", "packages    pending", "epel        ok", "module      ", "drop-ins    pending", "config      waiting", "unit        waiting", "proof       waiting")
	for _, what := range append(c.audit, "imported", "+++ /etc/yum.repos.d/falcosecurity.repo", "+++ /etc/logrotate.d/falco-bootstrap", "file_output.enabled=true") {
		if !strings.Contains(r.Stdout, what) {
			t.Errorf("no %q in the report of a dry run: %v", what, r)
		}
	}
	if diff := before.Diff(n.Snapshot()); len(diff) > 0 {
		t.Errorf("a dry run changed %q", diff)
	}
}

// requireConverged fails the test unless the node is as c says.
func (n *Node) requireConverged(t *testing.T, c convergence, packages []string, repos map[string]string) {
	t.Helper()
	got := slices.DeleteFunc(n.Installed("*"), func(p string) bool { return slices.Contains(packages, p) || strings.HasPrefix(p, "gpg-pubkey") })
	if diff := cmp.Diff(c.packages, got); diff != "" {
		t.Errorf("new packages (-want +got):\n%s", diff)
	}
	if got := n.DnfHistory(); got != c.transactions {
		t.Errorf("%d transactions of dnf, want %d", got, c.transactions)
	}
	n.requireConfig(t, c.setup.Falco)
	n.requireRepositories(t, c, repos)
	n.requireUnits(t, c)
	if !n.Alert(falcoLog, 10*time.Second) {
		t.Errorf("no alert appears in %s", falcoLog)
	}
}

// shipped is falco.yaml as the package of that version has it.
func (n *Node) shipped(version string) string {
	n.t.Helper()
	return n.Must("rpm2archive - </srv/www/falco/all/falco-" + version + "-1.*.rpm | tar xzO ./etc/falco/falco.yaml")
}

// declaredConfig returns what a run makes of a shipped falco.yaml: it changes two
// values and no other byte.
func declaredConfig(t *testing.T, shipped string) string {
	t.Helper()
	head, block, ok := strings.Cut(shipped, "\nfile_output:\n")
	want := strings.Replace(block, "enabled: false", "enabled: true", 1)
	want = strings.Replace(want, "filename: ./events.txt", "filename: "+falcoLog, 1)
	if !ok || len(want) != len(block)-len("false./events.txt")+len("true"+falcoLog) {
		t.Fatalf("the shipped falco.yaml is not what this test expects:\n%s", shipped)
	}
	return head + "\nfile_output:\n" + want
}

// requireConfig fails the test unless falco.yaml is as declared.
func (n *Node) requireConfig(t *testing.T, version string) {
	t.Helper()
	if diff := cmp.Diff(declaredConfig(t, n.shipped(version)), n.ReadFile(falcoYAML)); diff != "" {
		t.Errorf("falco.yaml (-want +got):\n%s", diff)
	}
	if got := n.Must("stat -c '%a %U %G' " + falcoYAML); got != "644 root root\n" {
		t.Errorf("falco.yaml has %s, want 644 root root", got)
	}
}

// repos returns the node's repository files.
func (n *Node) repos() map[string]string {
	n.t.Helper()
	files := map[string]string{}
	for name := range strings.Lines(n.Must("ls /etc/yum.repos.d")) {
		name = strings.TrimSpace(name)
		files[name] = n.ReadFile("/etc/yum.repos.d/" + name)
	}
	return files
}

// requireRepositories fails the test unless EPEL's section is disabled, Falco's own
// repository file is as declared, and every other one is as it was.
func (n *Node) requireRepositories(t *testing.T, c convergence, before map[string]string) {
	t.Helper()
	major, _, _ := strings.Cut(c.setup.Release, ".")
	name := "oracle-epel-ol" + major + ".repo"
	want := maps.Clone(before)
	if c.brought {
		want[name] = n.Must("rpm2archive - </srv/www/" + "yum.oracle.com/repo/OracleLinux/OL" + major + "/baseos/latest/x86_64/oracle-epel-release-*.rpm | tar xzO ./etc/yum.repos.d/" + name)
	}
	head, section, ok := strings.Cut(want[name], "["+c.epel+"]\n")
	if !ok {
		t.Fatalf("no section %s in %s:\n%s", c.epel, name, want[name])
	}
	if own, rest, more := strings.Cut(section, "\n["); more {
		section = strings.Replace(own, "enabled=1\n", "enabled=0\n", 1) + "\n[" + rest
	} else {
		section = strings.Replace(section, "enabled=1\n", "enabled=0\n", 1)
	}
	want[name] = head + "[" + c.epel + "]\n" + section
	want["falcosecurity.repo"] = `# Managed by falco-bootstrap: a change here is undone by its next run.

[falcosecurity-rpm]
name=Falco packages
baseurl=` + www + "/falco/" + c.setup.Falco + `
enabled=1
gpgcheck=1
repo_gpgcheck=1
gpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-falcosecurity
sslverify=1
`
	if diff := cmp.Diff(want, n.repos()); diff != "" {
		t.Errorf("repository files (-want +got):\n%s", diff)
	}
}

// requireUnits fails the test unless only the wanted unit is enabled and running.
func (n *Node) requireUnits(t *testing.T, c convergence) {
	t.Helper()
	if u := n.Unit(c.unit); !u.Running() || u.UnitFileState != "enabled" {
		t.Errorf("%s = %+v, want it enabled and running", c.unit, u)
	}
	units := n.FalcoUnits()
	for name, state := range units {
		switch {
		case name == followUnit && state != "masked", name != c.unit && state == "enabled":
			t.Errorf("%s is %s; all units: %v", name, state, units)
		case name != c.unit && state != "alias" && name != "falco-kmod-inject.service" && n.Unit(name).ActiveState == "active":
			t.Errorf("%s is active", name)
		}
	}
	path := "/etc/systemd/system/" + c.unit + ".d/50-falco-bootstrap.conf"
	if !c.preload {
		if n.Exists(path) {
			t.Errorf("there is a drop-in:\n%s", n.ReadFile(path))
		}
		return
	}
	Lines(t, n.ReadFile(path), "[Service]\n", "Environment=LD_PRELOAD=/lib64/libresolv.so.2\n")
	if env := n.Must("tr '\\0' '\\n' </proc/$(systemctl show --value -p MainPID " + c.unit + ")/environ"); !strings.Contains(env, "LD_PRELOAD=/lib64/libresolv.so.2\n") {
		t.Errorf("the process runs without the library:\n%s", env)
	}
}

// stateListing lists the state directory so that every change of it shows.
const stateListing = "find " + stateDir + " -printf '%p %y %m %s %i %T@ %C@\\n' | sort"

// requireNoChange fails the test unless one more run finds nothing to do and does
// nothing, and a dry run finds nothing either and does not even touch the state
// directory.
func (n *Node) requireNoChange(t *testing.T, flags ...string) {
	t.Helper()
	before, history, probes := n.Snapshot(), n.DnfHistory(), n.probes()
	r := n.Run(flags...)
	if r.Exit != 0 || !strings.Contains(r.Stdout, "nothing to change") || r.Stderr != "" {
		t.Errorf("a second run: %v", r)
	}
	if got := n.DnfHistory(); got != history {
		t.Errorf("a second run made %d transactions of dnf", got-history)
	}
	state := n.Must(stateListing)
	if r := n.Run(append([]string{"--dry-run"}, flags...)...); r.Exit != 0 || !strings.Contains(r.Stdout, "nothing to change") {
		t.Errorf("a dry run on a node in order: %v", r)
	}
	if got := n.Must(stateListing); got != state {
		t.Errorf("a dry run changed the state directory: %s\nwas %s", got, state)
	}
	if diff := before.Diff(n.Snapshot(), stateDir, falcoLog); len(diff) > 0 {
		t.Errorf("a second run, or a dry run after it, changed %q", diff)
	}
	if got := n.probes(); got != probes {
		t.Errorf("%s alerts about the agent, %s before: it opened a file that Falco reports", got, probes)
	}
}

// probes counts the alerts about the agent itself. A snapshot reads /etc/shadow
// too, and Falco reports that under the snapshot's own name.
func (n *Node) probes() string {
	n.t.Helper()
	return strings.TrimSpace(n.Sh("stat -c 'inode %i, mode %a' " + falcoLog + "; grep -c process=falco-bootstra " + falcoLog).Stdout)
}

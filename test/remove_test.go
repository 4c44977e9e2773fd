// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
)

// contents returns the snapshot without inodes and times, which no removal brings back.
func (s Snapshot) contents(t *testing.T) Snapshot {
	t.Helper()
	out := Snapshot{Files: map[string]string{}, Units: map[string]string{}}
	for name, line := range s.Files {
		var e map[string]any
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{"inode", "mtime", "ctime"} {
			delete(e, key)
		}
		text, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		out.Files[name] = string(text)
	}
	for name, state := range s.Units {
		if strings.HasSuffix(name, " file") { // of what never ran, systemd knows nothing
			out.Units[name] = state
		}
	}
	return out
}

// written are what every transaction of dnf and rpm writes, whatever it does, and the
// directories that a kernel has on Oracle Linux and that no package owns here.
func written() []string {
	return []string{"/usr/lib/modules", "/usr/src/kernels", "/var/cache/dnf", "/var/lib/dnf", "/var/lib/rpm", "/var/log/dnf.log", "/var/log/dnf.librepo.log", "/var/log/dnf.rpm.log", "/var/log/hawkey.log", "/run"}
}

// After remove --purge the node is as it was before the first run, with both drivers
// and whatever EPEL was. After remove alone Falco still watches.
func TestRemove(t *testing.T) {
	t.Parallel()
	leftOn, noFile := OL("9.6"), OL("9.6").RHCK()
	leftOn.EPEL, noFile.EPEL = epelEnabled, epelAbsent
	for _, tt := range []struct {
		name  string
		setup Setup
		flags []string
	}{
		{"modern_ebpf, EPEL on", leftOn, nil},
		{"modern_ebpf with a drop-in", OL("8.10"), nil},
		{"kmod", OL("10.1").RHCK(), []string{"--driver=kmod"}},
		{"kmod, no file of EPEL", noFile, []string{"--driver=kmod"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			n := Start(t, tt.setup)
			before, installed := n.FullSnapshot().contents(t), n.Installed("*")
			if r := n.Run(tt.flags...); r.Exit != 0 {
				t.Fatal(r)
			}
			n.requireDryRemoval(t)
			for _, again := range []bool{false, true} {
				r := n.Run("remove", "--purge")
				if r.Exit != 0 || strings.Contains(r.Stdout, "nothing to change") != again {
					t.Fatalf("again %v: %v", again, r)
				}
			}
			if got := n.Installed("*"); !slices.Equal(got, installed) {
				t.Errorf("installed are %q, and were %q", got, installed)
			}
			if diff := before.Diff(n.FullSnapshot().contents(t), written()...); len(diff) > 0 {
				t.Errorf("the node differs from what it was:\n%s", strings.Join(diff, "\n"))
			}
		})
	}
}

// requireDryRemoval fails the test unless a dry run of the removal names what goes, and
// changes nothing.
func (n *Node) requireDryRemoval(t *testing.T) {
	t.Helper()
	before := n.Snapshot()
	r := n.Run("remove", "--purge", "--dry-run")
	if r.Exit != 2 {
		t.Errorf("a dry run: %v", r)
	}
	for _, what := range []string{"--- /etc/yum.repos.d/falcosecurity.repo", "removed", "waits for packages", "/var/lib/falco-bootstrap/ledger.json"} {
		if !strings.Contains(r.Stdout, what) {
			t.Errorf("no %q: %v", what, r)
		}
	}
	if diff := before.Diff(n.Snapshot(), falcoLog, "/run"); len(diff) > 0 {
		t.Errorf("a dry run changed %q", diff)
	}
}

// Without --purge Falco goes on, and a later --purge still knows what came with it.
func TestRemoveLeavesFalco(t *testing.T) {
	t.Parallel()
	d := OL("9.6")
	d.EPEL = epelEnabled
	n := Start(t, d)
	before, installed := n.FullSnapshot().contents(t), n.Installed("*")
	if r := n.Run(); r.Exit != 0 {
		t.Fatal(r)
	}
	yaml := n.ReadFile(falcoYAML)
	r := n.Run("remove")
	if r.Exit != 0 || !strings.Contains(r.Stdout, "nothing rotates "+falcoLog) {
		t.Fatal(r)
	}
	for _, gone := range []string{"/etc/yum.repos.d/falcosecurity.repo", "/etc/pki/rpm-gpg/RPM-GPG-KEY-falcosecurity", "/etc/logrotate.d/falco-bootstrap", stateDir + "/last-run.json"} {
		if n.Sh("test -e "+gone).Exit == 0 {
			t.Errorf("%s is left", gone)
		}
	}
	if epel := n.ReadFile("/etc/yum.repos.d/oracle-epel-ol9.repo"); !strings.Contains(epel, "enabled=1") {
		t.Errorf("EPEL, which was on, is\n%s", epel)
	}
	if n.ReadFile(falcoYAML) != yaml || n.Sh("systemctl is-active "+modernUnit).Exit != 0 || !n.Alert(falcoLog, 10*time.Second) {
		t.Error("Falco does not go on as it was")
	}
	if keys := n.Installed("gpg-pubkey"); len(keys) > 0 && !slices.Contains(installed, keys[0]) {
		t.Errorf("keys %q are left", keys)
	}
	if r := n.Run("remove", "--purge"); r.Exit != 0 {
		t.Fatal(r)
	}
	if diff := before.Diff(n.FullSnapshot().contents(t), written()...); len(diff) > 0 {
		t.Errorf("the node differs from what it was:\n%s", strings.Join(diff, "\n"))
	}
}

// What was there before the agent stays: a Falco of somebody else's, its key, and an
// edit of a file of the agent's is not lost.
func TestRemoveKeepsWhatItFound(t *testing.T) {
	t.Parallel()
	n := Start(t, OL("9.6"))
	n.Must("rpm --import /srv/www/keys/falcosecurity-packages.asc && printf '[falcosecurity-rpm]\\nname=x\\nbaseurl=" + www + "/falco/0.44.1\\ngpgcheck=0\\n' >/etc/yum.repos.d/theirs.repo && FALCO_FRONTEND=noninteractive FALCO_DRIVER_CHOICE=none dnf -y install falco")
	keys := n.Installed("gpg-pubkey")
	n.Must("sed -i 's/^priority:.*/priority: notice/' " + falcoYAML)
	yaml, theirs := n.ReadFile(falcoYAML), n.ReadFile("/etc/yum.repos.d/theirs.repo")
	if r := n.Run(); r.Exit != 0 {
		t.Fatal(r)
	}
	r := n.Run("remove", "--purge")
	if r.Exit != 0 || !strings.Contains(r.Stdout, "Falco stays: nothing says that falco-bootstrap has installed it") {
		t.Fatal(r)
	}
	if n.ReadFile(falcoYAML) != yaml {
		t.Errorf("falco.yaml is not as it was:\n%s", n.ReadFile(falcoYAML))
	}
	if got := n.ReadFile("/etc/yum.repos.d/theirs.repo"); got != theirs {
		t.Errorf("theirs.repo is %q, and was %q", got, theirs)
	}
	if got := n.Installed("gpg-pubkey"); !slices.Equal(got, keys) || len(n.Installed("falco")) != 1 {
		t.Errorf("keys %q, falco %q; keys were %q", got, n.Installed("falco"), keys)
	}
}

// A Falco that somebody has installed after a run could not do so is theirs.
func TestRemoveKeepsWhatOthersInstalled(t *testing.T) {
	t.Parallel()
	n := Start(t, OL("9.6"))
	n.Faults("/falco/ 404")
	if r := n.Run(); r.Exit != 5 {
		t.Fatal(r)
	}
	n.Must("rm /etc/falco-standin/http; FALCO_FRONTEND=noninteractive FALCO_DRIVER_CHOICE=none dnf -y install falco")
	if r := n.Run(); r.Exit != 0 {
		t.Fatal(r)
	}
	r := n.Run("remove", "--purge")
	if r.Exit != 0 || !strings.Contains(r.Stdout, "Falco stays: nothing says that falco-bootstrap has installed it") || len(n.Installed("falco")) != 1 {
		t.Errorf("Falco %q after %v", n.Installed("falco"), r)
	}
}

// The headers of a kernel that no longer runs, and of another kind, go too.
func TestRemoveForgetsNoHeaders(t *testing.T) {
	t.Parallel()
	n := Start(t, OL("10.1").RHCK())
	installed := n.Installed("*")
	if r := n.Run("--driver=kmod"); r.Exit != 0 {
		t.Fatal(r)
	}
	n.Setup.Kernel = OL("10.1").Kernel
	if r := n.Run("remove", "--purge"); r.Exit != 0 {
		t.Fatal(r)
	}
	if got := n.Installed("*"); !slices.Equal(got, installed) {
		t.Errorf("installed are %q, and were %q", got, installed)
	}
}

// Where files cannot be removed, nothing is: rpm would forget Falco and leave it there.
func TestRemoveFromReadOnly(t *testing.T) {
	t.Parallel()
	n := Start(t, OL("9.6"))
	installed := n.Installed("*")
	if r := n.Run(); r.Exit != 0 {
		t.Fatal(r)
	}
	for _, dir := range []struct {
		name, says string
		exit       int
	}{
		{"/etc", "systemd has its links in /etc/systemd/system", 1},
		{"/usr", "/usr/bin is on a read-only file system", 5},
	} {
		n.Must("mount --bind " + dir.name + " " + dir.name + " && mount -o remount,ro,bind " + dir.name)
		r := n.Run("remove", "--purge")
		n.Must("umount -l " + dir.name)
		if r.Exit != dir.exit || !strings.Contains(r.Stdout+r.Stderr, dir.says) || len(n.Installed("falco")) != 1 || !n.Exists("/usr/bin/falco") {
			t.Errorf("%s is read-only: %v", dir.name, r)
		}
	}
	if r := n.Run("remove", "--purge"); r.Exit != 0 || n.Exists("/usr/bin/falco") || !slices.Equal(n.Installed("*"), installed) {
		t.Errorf("a removal once that is mended: %v", r)
	}
}

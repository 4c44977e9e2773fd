// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"strings"
	"testing"
)

// slowSystemctl makes systemctl as slow in scriptlets as it is while a node boots.
const slowSystemctl = `mv /usr/bin/systemctl /usr/bin/systemctl.real
cat >/usr/bin/systemctl <<'X'
#!/bin/bash
case $(tr '\0' ' ' </proc/$PPID/cmdline) in */rpm-tmp.*) sleep 2 ;; esac
exec /usr/bin/systemctl.real "$@"
X
chmod 755 /usr/bin/systemctl`

// The agent alone is killed while a scriptlet of Falco's runs. Falco is in rpm's
// database by then. The next run waits for what is left of the transaction, since
// its end would stop and disable the unit.
func TestAftermathOfAKilledRun(t *testing.T) {
	t.Parallel()
	n := Start(t, OL("9.6"))
	n.Must(slowSystemctl)
	command := strings.Join(n.agentCommand(nil), " ")
	n.Must(command + ` >/dev/null 2>&1 & agent=$!
for ((i = 0; i < 600; i++)); do pgrep -f '/var/tmp/[r]pm-tmp' && break; sleep 0.05; done
kill -KILL $agent; wait $agent; rpm -q falco`)
	r := n.Run()
	if r.Exit != 0 || !strings.Contains(r.Stderr, "waiting until a package transaction ends") {
		t.Errorf("the next run: %v", r)
	}
	n.Must("for ((i = 0; i < 600; i++)); do pgrep -f '[r]pm-tmp|[d]nf -y' || break; sleep 0.1; done; sleep 1")
	if u := n.Unit(modernUnit); !u.Running() || n.Sh("systemctl is-enabled "+modernUnit).Exit != 0 {
		t.Errorf("after the transaction has ended, the unit is %+v", u)
	}
	n.requireNoChange(t)
}

// A reinstallation is killed in a scriptlet. Falco is twice in rpm's database then, and
// dnf check complains.
func TestAftermathOfAKilledReinstallation(t *testing.T) {
	t.Parallel()
	n := StartConverged(t, OL("9.6"))
	n.Must(slowSystemctl)
	n.Must(`setsid dnf -y reinstall falco >/dev/null 2>&1 & dnf=$!
for ((i = 0; i < 600; i++)); do pgrep -f '/var/tmp/[r]pm-tmp' && break; sleep 0.05; done
kill -KILL -- -$dnf; pkill -KILL -f '/var/tmp/[r]pm-tmp'; mv -f /usr/bin/systemctl.real /usr/bin/systemctl`)
	if have := n.Installed("falco"); len(have) != 2 {
		t.Fatalf("rpm's database has %q, want it twice", have)
	}
	r := n.Run("--dry-run")
	Lines(t, r.Stdout, "packages    pending", "rpm's database has falco-0.44.1-1.", "twice")
	if r := n.Run(); r.Exit != 0 {
		t.Errorf("a run: %v", r)
	}
	if have := n.Installed("falco"); len(have) != 1 || n.Sh("dnf check").Exit != 0 {
		t.Errorf("rpm's database has %q, and dnf check says %v", have, n.Sh("dnf check"))
	}
	n.requireNoChange(t)
}

// Power is lost while rpm unpacks Falco, once before its first installation and once
// over a Falco that runs. Falco would load the leftover in config.d.
func TestAftermathOfAPowerCut(t *testing.T) {
	t.Parallel()
	const leave = `mkdir -p /etc/falco/config.d /usr/share/falco/plugins
printf 'load_plugins: [container]\n' >'/etc/falco/config.d/falco.container_plugin.yaml;6b077a3a'
head -c 1000000 /dev/urandom >'/usr/bin/falco;6b077a3a'
touch '/usr/share/falco/plugins/libcontainer.so;6b077a3a' '/usr/lib/systemd/system/falco.service;6b077a3a'`
	n := Start(t, OL("9.6"))
	n.Must(leave)
	if r := n.Run(); r.Exit != 0 {
		t.Fatalf("a first run after a power cut: %v", r)
	}
	n.requireSame(t, StartConverged(t, OL("9.6")))
	n.Must(leave)
	r := n.Run("--dry-run")
	Lines(t, r.Stdout, "packages    pending", "remove /usr/bin/falco;6b077a3a")
	if r.Exit != 2 {
		t.Errorf("a dry run: %v", r)
	}
	if r := n.Run(); r.Exit != 0 {
		t.Errorf("a run: %v", r)
	}
	n.requireNoChange(t)
}

// What Falco has read decides, and not the times of files: they are set back with the
// clock, by rsync, by a restored backup.
func TestAftermathOfAClock(t *testing.T) {
	t.Parallel()
	n := StartConverged(t, OL("9.6"))
	n.Quirk("delay", "0.2")
	n.Must("sed -i 's/^watch_config_files: .*/watch_config_files: false/' " + falcoYAML + "; systemctl restart " + modernUnit)
	n.prove()
	n.requireNoChange(t)
	was := n.Unit(modernUnit).InvocationID
	n.Must("sed -i 's/^priority: .*/priority: informational/' " + falcoYAML + "; grep -q '^priority: informational' " + falcoYAML + "; touch -d 2001-01-01 " + falcoYAML)
	r := n.Run("--dry-run")
	if r.Exit != 2 || !strings.Contains(r.Stdout, modernUnit+" is older than what is on disk") {
		t.Errorf("an edit that looks old: %v", r)
	}
	if r := n.Run(); r.Exit != 0 || n.Unit(modernUnit).InvocationID == was {
		t.Errorf("a run after it: %v", r)
	}
	n.Must("sleep 1; touch " + falcoYAML)
	n.requireNoChange(t)
}

// The packages that were checked cannot be removed: here something is mounted among
// them. Falco is installed all the same, and the next run removes them, with nothing
// else to do.
func TestAftermathOfALeftStage(t *testing.T) {
	t.Parallel()
	const stage = stateDir + "/packages"
	n := Start(t, OL("9.6"))
	n.Must(strings.Replace(slowSystemctl, "sleep 2", "mountpoint -q "+stage+"/cache || mount -t tmpfs none "+stage+"/cache", 1))
	if r := n.Run(); r.Exit != 0 || !strings.Contains(r.Stderr, "are left behind") {
		t.Fatalf("a run: %v", r)
	}
	if r := n.Run(); r.Exit != 0 || !strings.Contains(r.Stderr, "are left behind") {
		t.Errorf("a run while it cannot remove them: %v", r)
	}
	n.Must("umount " + stage + "/cache")
	if r := n.Run("--dry-run"); r.Exit != 0 || !n.Exists(stage) {
		t.Errorf("a dry run: %v", r)
	}
	if r := n.Run(); r.Exit != 0 || !strings.Contains(r.Stdout, "nothing to change") || n.Exists(stage) {
		t.Errorf("the next run: %v", r)
	}
}

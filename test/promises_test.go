// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// requireSame fails the test unless the node is like one after an undisturbed run:
// content, mode and owner of every file below /etc and /usr, the packages, and the
// units. No temporary file is left behind.
func (n *Node) requireSame(t *testing.T, undisturbed *Node) {
	t.Helper()
	if diff := cmp.Diff(undisturbed.picture(), n.picture()); diff != "" {
		t.Errorf("the node is not like an undisturbed one (-undisturbed +this):\n%s", diff)
	}
}

// picture returns what requireSame compares. rpm's list of packages includes the
// keys, which are the same in every node.
func (n *Node) picture() map[string]string {
	n.t.Helper()
	seen := map[string]string{}
	for path, line := range n.Snapshot().Files {
		ours := strings.HasPrefix(path, "/etc/") || strings.HasPrefix(path, "/usr/") || path == stateDir || path == falcoLog
		if !ours || slices.ContainsFunc(unlike(), func(p string) bool { return path == p || strings.HasPrefix(path, p+"/") }) {
			continue
		}
		var e map[string]any
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			n.t.Fatal(err)
		}
		for _, field := range []string{"inode", "mtime", "ctime"} {
			delete(e, field)
		}
		if path == falcoLog {
			delete(e, "size")
			delete(e, "hash")
		}
		seen[path] = fmt.Sprint(e)
	}
	for _, p := range n.Installed("*") {
		seen["package "+p] = ""
	}
	for name, state := range n.FalcoUnits() {
		u := n.Unit(name)
		seen["unit "+name] = strings.Join([]string{state, u.ActiveState, u.SubState, u.DropInPaths}, " ")
	}
	return seen
}

// unlike lists the files that differ from node to node, or that the tests write.
func unlike() []string {
	return []string{"/etc/machine-id", "/etc/hostname", "/etc/mtab", "/etc/falco-standin", "/etc/falco-bootstrap.yaml", "/etc/.pwd.lock", agent}
}

// undo undoes what a run does by writing files: it restores the shipped falco.yaml
// and removes the logrotate file.
func (n *Node) undo() {
	n.t.Helper()
	n.Must("cp -p /srv/shipped.yaml " + falcoYAML + " && rm -f /etc/logrotate.d/falco-bootstrap")
}

// startForUndo starts a node in order on which undo works. Falco detects at once, so
// that a restart costs little.
func startForUndo(t *testing.T) *Node {
	t.Helper()
	n := StartConverged(t, OL("9.6"))
	n.Quirk("delay", "0")
	n.Must("systemctl restart " + modernUnit)
	shipped := n.shipped("0.44.1")
	n.WriteFile("/srv/shipped.yaml", shipped)
	n.WriteFile("/srv/declared.yaml", declaredConfig(t, shipped))
	if r := n.Run(); r.Exit != 0 {
		t.Fatalf("a run on a node in order: %v", r)
	}
	return n
}

// requireIntact fails the test unless falco.yaml is one of these files, byte for
// byte, and no temporary file is where Falco or logrotate would read it.
func (n *Node) requireIntact(t *testing.T, what string, files ...string) {
	t.Helper()
	line := "for f in " + strings.Join(files, " ") + "; do cmp -s $f " + falcoYAML + " && same=1; done; [ -n \"$same\" ] || ls -l " + falcoYAML +
		"; find /etc/falco/config.d /etc/logrotate.d -name '*falco-bootstrap-*'"
	if out := n.Must(line); out != "" {
		t.Errorf("%s: falco.yaml is half written, or there are stray files:\n%s", what, out)
	}
}

// The package manager is busy when a second run starts, and when the first is told
// to stop. Somebody else's package manager is busy when the next run starts. That
// run is killed in the middle of its transaction, as by a power cut.
func TestPromiseDisturbedInstalling(t *testing.T) {
	t.Parallel()
	n := Start(t, OL("9.6"))
	n.makeStateDir()
	until := func(within time.Duration, line string) {
		t.Helper()
		n.Must(fmt.Sprintf("for ((i = 0; i < %d; i++)); do %s && exit; sleep 0.02; done; exit 1", within/(20*time.Millisecond), line))
	}
	start := func(unit string) {
		t.Helper()
		n.Must("systemd-run --quiet -p SuccessExitStatus=1 --unit=" + unit + " " + strings.Join(n.agentCommand(nil), " "))
	}

	n.Faults("/falco/0.44.1/ hang")
	start("first")
	until(time.Minute, "grep -qs 'GET /falco/0.44.1/' /run/node-server.log")
	pid := n.Unit("first.service").MainPID
	requireRefused(t, n.Run(), 8, fmt.Sprintf("(PID %d)", pid))
	if got := n.Unit("first.service").MainPID; got != pid {
		t.Errorf("the run that holds the lock is process %d, was %d", got, pid)
	}
	n.Must(fmt.Sprintf("kill -TERM %d", pid))
	until(time.Minute, "! systemctl is-active --quiet first.service")
	if got := n.Must("journalctl --sync; journalctl -o cat --no-pager -u first.service"); !strings.Contains(got, "exit 1 (failed)") || !strings.Contains(got, "told to stop") {
		t.Errorf("a run that is told to stop says\n%s", got)
	}
	if out := n.Sh("pgrep -af '[d]nf -y'").Stdout; out != "" {
		t.Errorf("dnf goes on after the run was told to stop: %s", out)
	}
	last := n.lastRun(t)
	if last.Mode != "converge" || last.Result != "failed" || last.Exit.Code != 1 {
		t.Errorf("last-run.json = %+v, want a failed run of exit 1", last)
	}

	n.Faults()
	n.Must(holdRPMLock)
	start("second")
	until(time.Minute, "journalctl -o cat --no-pager -u second.service | grep -q 'waiting until a package transaction ends'")
	if n.Exists("/usr/bin/falco") {
		t.Error("Falco was installed while another program had the lock of transactions")
	}
	n.Must("systemctl stop holder")
	until(time.Minute, "[ -e /usr/bin/falco ]")
	n.Must("systemctl kill -s KILL second.service")
	t.Logf("killed in the transaction; installed: %q", n.Installed("falco"))

	if r := n.Run(); r.Exit != 0 {
		t.Fatalf("a run after a power cut: %v", r)
	}
	n.requireSame(t, StartConverged(t, OL("9.6")))
	n.requireNoChange(t)
}

// A lastRun is what the tests read of last-run.json.
type lastRun struct {
	Mode, Result string
	Exit         struct {
		Code int
		Name string
	}
}

func (n *Node) lastRun(t *testing.T) lastRun {
	t.Helper()
	var last lastRun
	if err := json.Unmarshal([]byte(n.ReadFile(stateDir+"/last-run.json")), &last); err != nil {
		t.Errorf("last-run.json: %v", err)
	}
	return last
}

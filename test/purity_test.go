// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/report"
)

// An audit changes nothing, whatever the state of the node, and its reports match the
// golden ones.
func TestAudit(t *testing.T) {
	t.Parallel()
	t.Run("bare", func(t *testing.T) {
		t.Parallel()
		n := Start(t, OL("8.10"))
		n.requireNoTrace(t, 2)
		n.golden(t, "bare", 2, node.DriftAbsent)
		n.auditAsNobody(t, 2)
		n.failingRuns(t)
	})
	t.Run("converged and drifted", func(t *testing.T) {
		t.Parallel()
		n := StartConverged(t, OL("8.10"))
		n.prove()
		n.requireNoTrace(t, 0)
		n.golden(t, "converged", 0)
		n.auditAsNobody(t, 1)
		n.outputFiles(t)
		n.readmeSample(t)
		n.Must(`sed -i 's/^gpgcheck=1/gpgcheck=0/' /etc/yum.repos.d/falcosecurity.repo
			sed -i 's|^  filename: /var/log/falco.log|  filename: https://audit:secret@log.test/falco|' /etc/falco/falco.yaml
			chmod 644 /var/log/falco.log; systemctl disable --now falco-modern-bpf 2>&1`)
		n.requireNoTrace(t, 2)
		n.golden(t, "drifted", 2, node.DriftRepository, node.DriftLogMode, node.DriftConfigEdited, node.DriftUnitDisabled, node.DriftUnitStopped)
		n.auditAsNobody(t, 2)
	})
}

// readmeSample compares the audit that the README shows, on a node where somebody has
// switched off the alert log and stopped Falco, and puts the node back.
func (n *Node) readmeSample(t *testing.T) {
	t.Helper()
	page, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, sample, _ := strings.Cut(string(page), "# falco-bootstrap --dry-run\n")
	sample, _, _ = strings.Cut(sample, "```")
	n.Must(`cp -p /etc/falco/falco.yaml /tmp/falco.yaml
		sed -i '/^file_output:/,/filename/ s/enabled: true/enabled: false/' /etc/falco/falco.yaml; systemctl stop ` + modernUnit)
	out := n.Run("--dry-run").Stdout
	for _, line := range strings.Split(strings.TrimSpace(sample), "\n") {
		if !strings.Contains(out, line+"\n") {
			t.Errorf("the README shows %q, which is not in\n%s", line, out)
		}
	}
	n.Must("cp -p /tmp/falco.yaml /etc/falco/falco.yaml; systemctl start " + modernUnit)
}

// snapshotAlerts is Falco's log, which changes because a snapshot reads /etc/shadow.
// The traced calls show that the agent does not read it.
const snapshotAlerts = "/var/log/falco.log"

// requireNoTrace proves in three ways that commands which only read change nothing:
// nothing differs afterwards, they make no call that could change anything, and they
// work where nothing can be changed.
func (n *Node) requireNoTrace(t *testing.T, exit int) {
	t.Helper()
	commands := [][]string{{"--dry-run"}, {"--dry-run", "--output=json"}, {"explain"}, {"config", "show", "--origin"}}
	before := n.FullSnapshot()
	for _, args := range commands {
		if r := n.Run(args...); args[0] == "--dry-run" && r.Exit != exit {
			t.Errorf("%q exits with %d, want %d: %v", args, r.Exit, exit, r)
		}
	}
	if diff := before.Diff(n.FullSnapshot(), snapshotAlerts); len(diff) > 0 {
		t.Errorf("%q changed %q", commands, diff)
	}
	for _, args := range commands {
		if changing := n.traced(t, args...); len(changing) > 0 {
			t.Errorf("%q makes calls that change files:\n%s", args, strings.Join(changing, "\n"))
		}
	}
	n.requireReadOnlyRun(t, exit)
}

// changingCalls are the system calls that can change a file, a directory or a mount.
// The agent talks to systemd through a socket: connecting to it changes nothing, and
// snapshots show the effect of what it asks for.
const changingCalls = "open,openat,openat2,creat,rename,renameat,renameat2,unlink,unlinkat,rmdir,mkdir,mkdirat,mknod,mknodat," +
	"link,linkat,symlink,symlinkat,chmod,fchmod,fchmodat,chown,fchown,lchown,fchownat,truncate,ftruncate,fallocate," +
	"utime,utimes,utimensat,futimesat,setxattr,lsetxattr,fsetxattr,removexattr,lremovexattr,fremovexattr,mount,umount2,bind,copy_file_range"

var (
	tracedCall = regexp.MustCompile(`^(\d+) +([a-z0-9_]+)\((.*)$`)
	resumed    = regexp.MustCompile(`^(\d+) +<\.\.\. [a-z0-9_]+ resumed>(.*)$`)
	toWrite    = regexp.MustCompile(`O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_TMPFILE`)
	elsewhere  = regexp.MustCompile(`"/(dev|proc)/[^"]*"`)
	refusedOne = regexp.MustCompile(`= -1 (EACCES|EPERM|EROFS) `)
)

// traced runs the agent under strace and returns the calls that change files outside
// /dev and /proc. The agent starts one program, rpm, as nobody. Its calls do not
// count if the kernel denies permission: rpm tries to lock its database before it
// goes on without the lock.
func (n *Node) traced(t *testing.T, args ...string) []string {
	t.Helper()
	const log = "/dev/shm/trace"
	strace := []string{"strace", "-f", "-qq", "-o", log, "-e", "trace=execve," + changingCalls, "-e", "signal=none"}
	if r := n.Exec(append(strace, n.agentCommand(args)...)...); strings.Contains(r.Stderr, "strace:") {
		t.Fatalf("tracing: %v", r)
	}
	var changing []string
	others := map[string]bool{} // processes that run a program other than the agent
	calls := 0
	for _, line := range joinHalves(n.ReadFile(log)) {
		m := tracedCall.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		calls++
		pid, call, rest := m[1], m[2], m[3]
		switch {
		case call == "execve":
			others[pid] = others[pid] || !strings.Contains(rest, `"`+agent+`"`)
		case strings.Contains(rest, `"/etc/shadow"`): // Falco would report it
			changing = append(changing, line)
		case strings.HasPrefix(call, "open") && !toWrite.MatchString(rest):
		case elsewhere.MatchString(rest), others[pid] && refusedOne.MatchString(rest):
		default:
			changing = append(changing, line)
		}
	}
	if calls < 10 {
		t.Errorf("%q: only %d calls were traced", args, calls)
	}
	return changing
}

// joinHalves joins the calls that strace shows in two halves, because another process
// made one in between.
func joinHalves(trace string) []string {
	var lines []string
	halves := map[string]int{}
	for line := range strings.Lines(trace) {
		line = strings.TrimSpace(line)
		if m := resumed.FindStringSubmatch(line); m != nil {
			if at, ok := halves[m[1]]; ok {
				lines[at] += m[2]
			}
			continue
		}
		if begun, ok := strings.CutSuffix(line, " <unfinished ...>"); ok {
			pid, _, _ := strings.Cut(line, " ")
			halves[pid], line = len(lines), begun
		}
		lines = append(lines, line)
	}
	return lines
}

// requireReadOnlyRun runs the agent where every file system except the kernel's own
// is mounted read-only.
func (n *Node) requireReadOnlyRun(t *testing.T, exit int) {
	t.Helper()
	agent := strings.Join(n.agentCommand([]string{"--dry-run"}), " ")
	r := n.Exec("unshare", "--mount", "bash", "-c", `set -e
		awk '$2 !~ "^/(proc|sys|dev)(/|$)" {print $2}' /proc/self/mounts | sort -r | while read -r mounted; do mount -o remount,bind,ro "$mounted"; done
		for dir in / /run /tmp /var/lib /etc; do ! touch $dir/written 2>/dev/null; done
		`+agent)
	if r.Exit != exit {
		t.Errorf("a dry run on a read-only root exits with %d, want %d: %v", r.Exit, exit, r)
	}
}

// auditAsNobody runs the agent dry as the user nobody: what that user cannot read is
// unknown, and is not reported as in order.
func (n *Node) auditAsNobody(t *testing.T, exit int) {
	t.Helper()
	before := n.Snapshot()
	r, v := n.auditAs(t, 65534)
	if r.Exit != exit {
		t.Errorf("a dry run as nobody exits with %d, want %d: %v", r.Exit, exit, r)
	}
	if exit == 1 && (v.Result != report.ResultUnknown || v.Exit.Name != "failed") {
		t.Errorf("result = %s, %+v; want unknown", v.Result, v.Exit)
	}
	if n.Exists("/var/lib/falco-bootstrap/proof.json") && exit != 2 {
		if s := stepOf(t, v, "proof"); s.Status != string(converge.StatusUnknown) {
			t.Errorf("the proof, which only root can read, is %s (%s), want unknown", s.Status, s.Reason)
		}
	}
	if diff := before.Diff(n.Snapshot(), snapshotAlerts); len(diff) > 0 {
		t.Errorf("a dry run as nobody changed %q", diff)
	}
	n.Must("chmod 700 /var/lib/rpm; [ ! -e /etc/falco ] || chmod 700 /etc/falco")
	_, v = n.auditAs(t, 65534)
	for _, id := range []string{"key", "packages", "config", "unit", "proof"} {
		if s := stepOf(t, v, id); s.Status != string(converge.StatusUnknown) || len(s.Unknown) == 0 {
			t.Errorf("%s is %s (%s) for a user who cannot read rpm's database, want unknown", id, s.Status, s.Reason)
		}
	}
	n.Must("chmod 755 /var/lib/rpm; [ ! -e /etc/falco ] || chmod 755 /etc/falco")
}

// auditAs runs the agent dry as another user.
func (n *Node) auditAs(t *testing.T, uid int) (Result, report.Report) {
	t.Helper()
	who := []string{"setpriv", fmt.Sprintf("--reuid=%d", uid), fmt.Sprintf("--regid=%d", uid), "--clear-groups", "--inh-caps=-all", "--no-new-privs"}
	r := n.Exec(append(who, n.agentCommand([]string{"--dry-run", "--output=json"})...)...)
	var v report.Report
	err := json.Unmarshal([]byte(r.Stdout), &v)
	if err != nil {
		t.Fatalf("reading a report: %v in %v", err, r)
	}
	return r, v
}

func stepOf(t *testing.T, r report.Report, id string) report.Step {
	t.Helper()
	i := slices.IndexFunc(r.Steps, func(s report.Step) bool { return s.ID == id })
	if i < 0 {
		t.Fatalf("no step %s in %+v", id, r.Steps)
	}
	return r.Steps[i]
}

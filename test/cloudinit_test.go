// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// joinRest is how long cloud-init may take after the node has joined. Our part
// takes about a second of it. Waiting for the agent or its server would take longer:
// two minutes of retries, five for a server that hangs, twenty for an agent.
const joinRest = time.Minute

func readDeployed(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../deploy/cloud-init", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func agentBinary(t *testing.T) []byte {
	t.Helper()
	b, err := os.ReadFile(os.Getenv(binaryEnv))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// takeSettings removes the settings file from the node and returns it with more
// settings at its end, for the user data.
func (n *Node) takeSettings(more string) string {
	n.t.Helper()
	settings := n.ReadFile("/etc/falco-bootstrap.yaml")
	n.Must("rm /etc/falco-bootstrap.yaml")
	return settings + more
}

// requireJoined fails the test unless the node joined once and cloud-init succeeded
// soon after.
func (n *Node) requireJoined() {
	n.t.Helper()
	if got := n.Joins(); got != 1 {
		n.t.Errorf("the node joined %d times, want once", got)
	}
	ended := n.Joined()
	join := time.Duration(ended-n.stamp("cloud-final.service", "ExecMainStartTimestampMonotonic")) * time.Microsecond
	rest := time.Duration(n.stamp("cloud-final.service", "ExecMainExitTimestampMonotonic")-ended) * time.Microsecond
	if rest < 0 || rest > joinRest {
		n.t.Errorf("cloud-init ended %v after the join, want within %v", rest, joinRest)
	}
	if r := n.Sh("systemctl is-failed cloud-final.service"); r.Exit == 0 {
		n.t.Errorf("cloud-init reports the node as failed: %v", n.Sh("cat /var/log/cloud-init-output.log").Stdout)
	}
	n.t.Logf("the join ended %v after the user data began, and cloud-init %v after the join", join, rest)
}

// requireNoCycle fails the test if systemd had to break an ordering cycle at this boot.
func (n *Node) requireNoCycle() {
	n.t.Helper()
	if r := n.Sh("journalctl -b --no-pager | grep -iE 'ordering cycle|breaking cycle'"); r.Exit == 0 {
		n.t.Errorf("the units form an ordering cycle:\n%s", r.Stdout)
	}
}

func TestCloudInitConverges(t *testing.T) {
	t.Parallel()
	n := StartCloud(t, OL("9.6"))
	settings := n.takeSettings("falco:\n  config:\n    json_output: true\n")
	n.FirstBoot(n.Pin(readDeployed(t, "oke-falco.sh"), www+"/falco-bootstrap", agentBinary(t), settings))
	n.requireJoined()
	if got := n.ReadFile("/var/log/oke-arguments"); got != "\n" {
		t.Errorf("the join got the arguments %q, want none", got)
	}
	n.Wait(time.Minute, "[ $(systemctl show --value -p ExecMainStartTimestampMonotonic falco-bootstrap-firstboot) != 0 ]")
	if started := n.stamp("falco-bootstrap-firstboot.service", "ExecMainStartTimestampMonotonic"); started < n.Joined() {
		t.Errorf("the first-boot unit started at %d, before the join ended at %d", started, n.Joined())
	}
	n.Wait(4*time.Minute, "test -e /var/lib/falco-bootstrap/firstboot.done")
	if u := n.Unit("falco-modern-bpf.service"); !u.Running() {
		t.Fatalf("Falco is %+v, want it running\n%s", u, n.ReadFile("/var/log/falco-bootstrap-report.json"))
	}
	if !n.Alert("/var/log/falco.log", 30*time.Second) {
		t.Error("no alert appears in the log")
	}
	if next := n.nextBootRun(); next < 5*time.Minute || next > 31*time.Minute {
		t.Errorf("the timer first fires %v after the boot, want 5 to 30 minutes", next)
	}
	Lines(t, n.Must("tail -n 1 /var/log/falco-bootstrap-report.json | tr , '\\n'"), `"result":"changed"`)
	Lines(t, n.Must("journalctl -b -u falco-bootstrap.service -o cat --no-pager"), `"result"`)
	n.requireNoCycle()
	n.requireValidUnits()

	t.Run("second boot", func(t *testing.T) {
		n.In(t)
		before := n.Must("grep -c 'GET /falco-bootstrap' /run/node-server.log")
		n.Reboot()
		if got := n.Joins(); got != 1 {
			t.Errorf("the node joined %d times, want once", got)
		}
		if state := n.Must("systemctl show --value -p ConditionResult falco-bootstrap-firstboot.service"); strings.TrimSpace(state) != "no" {
			t.Errorf("ConditionResult = %q, want the first-boot unit skipped", state)
		}
		if r := n.Sh("grep -c 'GET /falco-bootstrap' /run/node-server.log"); r.Exit == 0 {
			t.Errorf("the agent was fetched again: %s requests, %s before", r.Stdout, before)
		}
		if u := n.Unit("falco-modern-bpf.service"); !u.Running() {
			t.Errorf("Falco is %+v after a boot, want it running", u)
		}
		n.requireNoCycle()
	})
	t.Run("timer mends drift", func(t *testing.T) {
		n.In(t)
		n.Must("sed -i 's/^json_output: true/json_output: false/' /etc/falco/falco.yaml && systemctl disable --now falco-modern-bpf.service 2>&1")
		n.WriteFile("/etc/systemd/system/falco-bootstrap.timer.d/test.conf",
			"[Timer]\nOnBootSec=\nOnCalendar=\nOnCalendar=*:*:0/2\nRandomizedDelaySec=0\nAccuracySec=100ms\n")
		n.Must("systemctl daemon-reload && systemctl restart falco-bootstrap.timer")
		n.Wait(4*time.Minute, "grep -q '^json_output: true' /etc/falco/falco.yaml && systemctl is-active falco-modern-bpf.service && systemctl is-enabled falco-modern-bpf.service")
		// Two reports of a change: that of the first boot, and this one.
		n.Wait(time.Minute, `[ "$(grep -c '"result":"changed"' /var/log/falco-bootstrap-report.json)" = 2 ]`)
	})
	t.Run("removal", func(t *testing.T) {
		n.In(t)
		n.Must("set -e\n" + removalCommands(t))
		if left := n.Must("find /etc /usr /var /run -xdev -path '*falco-bootstrap*' -prune -print"); left != "/etc/logrotate.d/falco-bootstrap\n" {
			t.Errorf("left on the node, and not only what rotates Falco's log:\n%s", left)
		}
		if u := n.Unit("falco-modern-bpf.service"); !u.Running() {
			t.Errorf("Falco is %+v, want it running", u)
		}
		if left := n.Sh("systemctl list-units --all --no-legend 'falco-bootstrap*'; systemctl list-unit-files --no-legend 'falco-bootstrap*'").Stdout; left != "" {
			t.Errorf("systemd still knows %s", left)
		}
	})
}

// removalCommands returns the commands of docs/oke.md that take falco-bootstrap off a node.
func removalCommands(t *testing.T) string {
	t.Helper()
	guide, err := os.ReadFile("../docs/oke.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(guide), "\n## Removing it\n")
	_, block, _ := strings.Cut(section, "```\n")
	block, _, ok := strings.Cut(block, "```\n")
	if !ok || !strings.Contains(block, "sudo rm ") {
		t.Fatalf("docs/oke.md does not say how to remove it: %q", block)
	}
	return strings.ReplaceAll(block, "sudo ", "")
}

// nextBootRun returns how long after the boot the timer fires for the first time. A
// container has the clock of its machine, so the boot is when systemd started.
func (n *Node) nextBootRun() time.Duration {
	n.t.Helper()
	out := n.Must(`get() { busctl get-property org.freedesktop.systemd1 "/org/freedesktop/systemd1$1" "org.freedesktop.systemd1.$2" "$3"; }
		get /unit/falco_2dbootstrap_2etimer Timer NextElapseUSecMonotonic
		get "" Manager UserspaceTimestampMonotonic`)
	var next, boot int64
	if _, err := fmt.Sscanf(out, "t %d\nt %d", &next, &boot); err != nil {
		n.t.Fatalf("%q: %v", out, err)
	}
	return time.Duration(next-boot) * time.Microsecond
}

// requireValidUnits has systemd verify the units where they are installed.
func (n *Node) requireValidUnits() {
	n.t.Helper()
	r := n.Sh("cd /etc/systemd/system && systemd-analyze verify --man=no falco-bootstrap*.service falco-bootstrap.timer")
	if r.Exit != 0 || r.Stdout+r.Stderr != "" {
		n.t.Errorf("systemd-analyze verify: %v, want no output", r)
	}
}

// Multi-part user data, with the join as a separate part that passes arguments to
// kubelet. The parts are in the wrong order, as oracle-terraform-modules/oke has them.
func TestCloudInitMultiPart(t *testing.T) {
	t.Parallel()
	n := StartCloud(t, OL("8.10"))
	part := n.Pin(readDeployed(t, "60-falco-bootstrap.sh"), www+"/falco-bootstrap", agentBinary(t), n.takeSettings(""))
	const kubelet = "--node-labels=a=b --register-with-taints=dedicated=db:NoSchedule"
	join := strings.Replace(readDeployed(t, "50-oke.sh"), "fb_kubelet_extra_args=''", "fb_kubelet_extra_args="+quote(kubelet), 1)
	n.FirstBoot(multiPart(map[string]string{"60-falco-bootstrap.sh": part, "50-oke.sh": join}, "60-falco-bootstrap.sh", "50-oke.sh"))
	n.requireJoined()
	if got, want := n.ReadFile("/var/log/oke-arguments"), "--kubelet-extra-args\n"+kubelet+"\n"; got != want {
		t.Errorf("the join got the arguments %q, want %q", got, want)
	}
	n.Wait(4*time.Minute, "test -e /var/lib/falco-bootstrap/firstboot.done")
	if u := n.Unit("falco-modern-bpf.service"); !u.Running() {
		t.Errorf("Falco is %+v, want it running", u)
	}
}

func multiPart(parts map[string]string, order ...string) string {
	var b strings.Builder
	b.WriteString("Content-Type: multipart/mixed; boundary=\"=b=\"\nMIME-Version: 1.0\n\n")
	for _, name := range order {
		b.WriteString("--=b=\nContent-Type: text/x-shellscript; charset=\"utf-8\"\nContent-Disposition: attachment; filename=\"" + name + "\"\n\n" + parts[name] + "\n")
	}
	b.WriteString("--=b=--\n")
	return b.String()
}

// Whatever happens to the agent, the node joins as it does without it.
func TestCloudInitJoinIsSafe(t *testing.T) {
	t.Parallel()
	const hang, fail = "#!/bin/sh\nexec sleep 1000\n", "#!/bin/sh\nexit 7\n"
	tests := []struct {
		name string
		// served is on the web server. The pins are those of pinned, or of
		// served if pinned is empty.
		served, pinned string
		fault          string
		url            string
		// until is a line of bash that succeeds when the failure has happened.
		until string
		// reports is the name of the exit status that the node reports.
		reports string
	}{
		{name: "the agent hangs", served: hang, until: "systemctl is-active falco-bootstrap.service || systemctl show -p ActiveState falco-bootstrap.service | grep -q activating"},
		{name: "the agent fails", served: fail, until: "systemctl is-failed falco-bootstrap.service", reports: "failed"},
		{name: "the agent is no program", served: "\x7fELF", until: "systemctl is-failed falco-bootstrap.service", reports: "failed"},
		{name: "nothing is pinned", served: fail, url: "-", until: "journalctl -b -u falco-bootstrap-firstboot | grep 'are not pinned'", reports: "usage"},
		{name: "the download is cut short", served: fail[:8], pinned: fail, until: "journalctl -b -u falco-bootstrap-firstboot | grep 'download failed or incomplete'"},
		{name: "another file lies there", served: hang[:len(fail)], pinned: fail, until: "journalctl -b -u falco-bootstrap-firstboot | grep 'SHA-256 is not the pinned one'", reports: "trust"},
		{name: "the server is down", served: fail, url: "http://127.0.0.1:1/falco-bootstrap", until: "journalctl -b -u falco-bootstrap-firstboot | grep 'download failed or incomplete'"},
		{name: "the server hangs", served: fail, fault: "/falco-bootstrap hang", until: "systemctl is-active falco-bootstrap-firstboot.service"},
	}
	// One node, booted again for each case: that takes half as long as new nodes.
	n := StartCloud(t, OL("9.6"))
	t.Run("no agent", func(t *testing.T) { // what the others are measured against
		n.In(t)
		n.FirstBoot(readDeployed(t, "50-oke.sh"))
		n.requireJoined()
		if n.Exists("/etc/systemd/system/falco-bootstrap.service") {
			t.Error("the node has the agent's unit")
		}
	})
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			n.In(t)
			n.Strip()
			n.WriteFile(served, test.served)
			if test.fault != "" {
				n.Faults(test.fault)
			}
			pinned, url := test.pinned, test.url
			if pinned == "" {
				pinned = test.served
			}
			switch url {
			case "":
				url = www + "/falco-bootstrap"
			case "-":
				url = ""
			}
			n.FirstBoot(n.Pin(readDeployed(t, "oke-falco.sh"), url, []byte(pinned), ""))
			n.requireJoined()
			n.Wait(30*time.Second, test.until)
			n.requireNoCycle()
			if n.Exists("/var/lib/falco-bootstrap/firstboot.done") {
				t.Error("the first boot is recorded as done")
			}
			if test.reports != "" {
				n.Wait(30*time.Second, `tail -n 1 /var/log/falco-bootstrap-report.json | grep '"result":"failed".*"name":"`+test.reports+`"'`)
			}
			if test.pinned != "" && n.Exists(agent) {
				t.Error("a file that is not the pinned one was installed")
			}
		})
	}
}

// cloud-init must tell of a node that did not join, whichever way it got our part, and
// the root file system grows before the node joins, if it can.
func TestCloudInitKeepsTheJoinsStatus(t *testing.T) {
	t.Parallel()
	const fail = "#!/bin/sh\nexit 7\n"
	const failedJoin = "#!/bin/bash\ncp /run/grown /var/log/oke-join\nexit 3\n"
	n := StartCloud(t, OL("9.6"))
	n.WriteFile(served, fail)
	n.WriteFile("/usr/libexec/oci-growfs", "#!/bin/bash\necho grown >/run/grown\n")
	part := n.Pin(readDeployed(t, "60-falco-bootstrap.sh"), www+"/falco-bootstrap", []byte(fail), "")
	for name, userData := range map[string]string{
		"complete script": n.Pin(readDeployed(t, "oke-falco.sh"), www+"/falco-bootstrap", []byte(fail), ""),
		"multi-part":      multiPart(map[string]string{"60-falco-bootstrap.sh": part, "50-oke.sh": failedJoin}, "50-oke.sh", "60-falco-bootstrap.sh"),
	} {
		t.Run(name, func(t *testing.T) {
			n.In(t)
			n.Strip()
			n.WriteFile("/srv/oke-init.sh", failedJoin)
			n.FirstBoot(userData)
			if out := n.Sh("cloud-init status --long").Stdout; !strings.Contains(out, "status: error") {
				t.Errorf("cloud-init status: %s, want an error\n%s", out, n.ReadFile("/var/log/cloud-init-output.log"))
			}
			if name == "complete script" && n.ReadFile("/var/log/oke-join") != "grown\n" {
				t.Error("the root file system was not grown before the join")
			}
			n.Wait(30*time.Second, "systemctl is-failed falco-bootstrap.service")
		})
	}
	t.Run("growing hangs", func(t *testing.T) {
		n.In(t)
		n.Strip()
		n.WriteFile("/usr/libexec/oci-growfs", "#!/bin/bash\ntrap '' TERM\nsleep 1000\n")
		n.WriteFile("/srv/oke-init.sh", okeInit)
		n.FirstBoot(n.Pin(readDeployed(t, "oke-falco.sh"), www+"/falco-bootstrap", []byte(fail), ""))
		n.requireJoined()
	})
}

// An agent of the image that is the pinned one, but may not run or belongs to nobody, is
// set right before the first boot counts as done.
func TestCloudInitMendsTheImagesAgent(t *testing.T) {
	t.Parallel()
	n := StartCloud(t, OL("9.6"))
	const well = "#!/bin/sh\nexit 0\n"
	n.WriteFile(served, "gone")
	for _, attributes := range []string{"chmod 0644", "chmod 0777", "chown nobody"} {
		t.Run(attributes, func(t *testing.T) {
			n.In(t)
			n.Strip()
			n.WriteFile(agent, well)
			n.Must("chmod 0755 " + agent + " && " + attributes + " " + agent)
			n.FirstBoot(n.Pin(readDeployed(t, "oke-falco.sh"), www+"/falco-bootstrap", []byte(well), ""))
			n.requireJoined()
			n.Wait(time.Minute, "test -e /var/lib/falco-bootstrap/firstboot.done")
			if got := strings.TrimSpace(n.Must("stat -c '%U %a' " + agent)); got != "root 755" {
				t.Errorf("the agent is %s, want root 755", got)
			}
			if ran := strings.TrimSpace(n.Must("systemctl show --value -p ExecMainStartTimestampMonotonic falco-bootstrap.service")); ran == "0" {
				t.Error("the agent never ran")
			}
		})
	}
}

// A baked image starts the first-boot unit at boot, before cloud-init's last stage.
// The join must not wait for it even then.
func TestCloudInitBakedImage(t *testing.T) {
	t.Parallel()
	n := StartCloud(t, OL("9.6"))
	hang := []byte("#!/bin/sh\nexec sleep 1000\n")
	n.WriteFile(served, string(hang))
	n.WriteFile("/srv/part.sh", n.Pin(readDeployed(t, "60-falco-bootstrap.sh"), www+"/falco-bootstrap", hang, ""))
	n.Must("bash /srv/part.sh --no-start 2>&1 && test ! -e " + agent)
	_, oracle, _ := strings.Cut(readDeployed(t, "oke-falco.sh"), "# DO NOT MODIFY")
	oracle, _, _ = strings.Cut(oracle, "\n\n")
	n.FirstBoot("#!/bin/bash\n#" + oracle + "\n")
	n.requireJoined()
	n.Wait(30*time.Second, "test -x "+agent+" && systemctl show -p ActiveState falco-bootstrap.service | grep -q activating")
	n.requireNoCycle()
}

// The DaemonSet's init container, with the capabilities that the manifest gives it,
// in the node's PID namespace.
func TestDaemonSetSetsUpTheNode(t *testing.T) {
	t.Parallel()
	n := StartCloud(t, OL("9.6"))
	fail := []byte("#!/bin/sh\nexit 7\n")
	n.WriteFile(served, string(fail))
	part := n.Pin(readDeployed(t, "60-falco-bootstrap.sh"), www+"/falco-bootstrap", fail, "")
	r, err := run(
		[]byte(part), "docker", "run", "--rm", "-i", "--pid", "container:"+n.id, "--read-only",
		"--security-opt", "apparmor=unconfined", "--cap-drop", "ALL",
		"--cap-add", "SYS_ADMIN", "--cap-add", "SYS_CHROOT", "--cap-add", "SYS_PTRACE",
		os.Getenv(imageEnv), "nsenter", "--target=1", "--mount", "--", "bash", "-s", "--", "--strict",
	)
	if err != nil || r.Exit != 0 || !strings.Contains(r.Stderr, "set up; follow it") {
		t.Fatalf("the init container: %v, %v", err, r)
	}
	n.Wait(30*time.Second, "systemctl is-failed falco-bootstrap.service")
	if got := []byte(n.ReadFile(agent)); !bytes.Equal(got, fail) {
		t.Errorf("the agent is %q, want %q", got, fail)
	}
}

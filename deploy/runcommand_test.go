// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package deploy_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// cloud is a stand-in for the oci command: it records every call in $CLOUD/calls
// and answers from files.
const cloud = `#!/bin/bash
printf '%s\n' "$*" >>"$CLOUD/calls"
case "$1 $2 $3" in
  "os ns get") echo tenancy ;;
  "os object put") cp -- "${@: -2:1}" "$CLOUD/object" ;;
  "os object get") for last; do [ "${prev:-}" != --file ] || file=$last; prev=$last; done; echo '{"result":"ok"}' >"$file" ;;
  "compute instance list") cat "$CLOUD/nodes" ;;
  "instance-agent command create")
    [[ "$*" != *'"instanceId":"broken"'* ]] || exit 1
    echo "command-$RANDOM" ;;
  "instance-agent command-execution get") cat "$CLOUD/state" ;;
  *) echo "unexpected: $*" >&2; exit 9 ;;
esac
`

// fleet returns a function that runs fleet.sh against the stand-in, and the
// stand-in's directory.
func fleet(t *testing.T, nodes string) (run func(args ...string) (int, string), dir string) {
	t.Helper()
	dir = t.TempDir()
	write(t, filepath.Join(dir, "bin/oci"), cloud, 0o755)
	write(t, filepath.Join(dir, "nodes"), nodes, 0o644)
	write(t, filepath.Join(dir, "state"), "SUCCEEDED ACKED\n", 0o644)
	env := []string{"CLOUD=" + dir, "PATH=" + filepath.Join(dir, "bin") + ":" + os.Getenv("PATH")}
	return func(args ...string) (int, string) {
		t.Helper()
		all := append([]string{"run-command/fleet.sh", args[0], "--out", filepath.Join(dir, "out")}, args[1:]...)
		return command(t, env, "bash", all...)
	}, dir
}

func calls(t *testing.T, dir, word string) int {
	t.Helper()
	return strings.Count(read(t, filepath.Join(dir, "calls")), word)
}

func TestFleetAudit(t *testing.T) {
	run, dir := fleet(t, "a\nb\nc\n")
	send := []string{"send", "--mode", "audit", "--bucket", "logs", "--compartment", "ocid1.c", "--wave", "2"}
	for i, want := range []int{2, 3, 3} {
		if status, out := run(send...); status != 0 {
			t.Fatalf("send %d = %d, want 0\n%s", i, status, out)
		}
		if got := calls(t, dir, "instance-agent command create"); got != want {
			t.Errorf("after send %d, %d commands, want %d", i, got, want)
		}
	}
	script := read(t, filepath.Join(dir, "object"))
	if !strings.Contains(script, "\nmode='audit'\n") || strings.Contains(script, "fb_url_x86_64") || strings.Contains(script, "@PART@") {
		t.Errorf("the node would run:\n%s", script)
	}
	if status, out := run("collect"); status != 0 || !strings.Contains(out, "3 succeeded, 0 failed, 0 are") {
		t.Errorf("collect = %d, %q, want 0 and three answers", status, out)
	}
	reports, err := filepath.Glob(filepath.Join(dir, "out/reports/*.json"))
	if err != nil || len(reports) != 3 {
		t.Errorf("reports = %v, %v, want three", reports, err)
	}
}

func TestFleetInstallCarriesThePart(t *testing.T) {
	run, dir := fleet(t, "a\n")
	if status, out := run("send", "--mode", "install", "--bucket", "logs", "--compartment", "ocid1.c"); status != 0 {
		t.Fatalf("send = %d, want 0\n%s", status, out)
	}
	script := read(t, filepath.Join(dir, "object"))
	if !strings.Contains(script, read(t, "cloud-init/60-falco-bootstrap.sh")) {
		t.Error("the script does not contain the part unchanged")
	}
	if status, out := command(t, nil, "bash", "-n", filepath.Join(dir, "object")); status != 0 {
		t.Errorf("bash -n = %d, want 0\n%s", status, out)
	}
}

func TestFleetStates(t *testing.T) {
	tests := []struct {
		state string
		want  int
	}{
		{"SUCCEEDED ACKED", 0},
		{"SUCCEEDED EXPIRED", 0},
		{"FAILED ACKED", 1},
		{"TIMED_OUT ACKED", 1},
		{"CANCELED ACKED_CANCELED", 1},
		{"ACCEPTED EXPIRED", 1},
		{"ACCEPTED PENDING", 2},
		{"ACCEPTED VISIBLE", 2},
		{"IN_PROGRESS ACKED", 2},
	}
	for _, test := range tests {
		t.Run(test.state, func(t *testing.T) {
			run, dir := fleet(t, "a\n")
			if status, out := run("send", "--mode", "converge", "--bucket", "b", "--compartment", "c"); status != 0 {
				t.Fatalf("send = %d, want 0\n%s", status, out)
			}
			write(t, filepath.Join(dir, "state"), test.state+"\n", 0o644)
			if status, out := run("collect"); status != test.want {
				t.Errorf("collect = %d, want %d\n%s", status, test.want, out)
			}
		})
	}
}

func TestFleetGoesOnPastANodeThatRefuses(t *testing.T) {
	run, dir := fleet(t, "a\nbroken\nc\n")
	if status, out := run("send", "--mode", "audit", "--bucket", "b", "--compartment", "c", "--parallel", "1"); status != 1 || !strings.Contains(out, "broken: command not accepted") {
		t.Errorf("send = %d, %q, want 1 and the node's name", status, out)
	}
	if got := calls(t, dir, "instance-agent command create"); got != 3 {
		t.Errorf("%d commands, want 3: one bad node must not stop the others", got)
	}
}

// The nodes of an audit must not count as converged.
func TestFleetRefusesTheDirectoryOfAnotherRun(t *testing.T) {
	run, dir := fleet(t, "a\nb\n")
	send := func(mode, pool string) (int, string) {
		return run("send", "--mode", mode, "--bucket", "b", "--compartment", "c", "--pool", pool)
	}
	if status, out := send("audit", ""); status != 0 {
		t.Fatalf("the audit = %d, want 0\n%s", status, out)
	}
	for _, other := range [][2]string{{"converge", ""}, {"audit", "ocid1.nodepool"}} {
		if status, out := send(other[0], other[1]); status != 64 || !strings.Contains(out, "use another --out") {
			t.Errorf("send %v to the audit's directory = %d, want 64 and what to do\n%s", other, status, out)
		}
	}
	if got := calls(t, dir, "instance-agent command create"); got != 2 {
		t.Errorf("%d commands, want those of the audit alone", got)
	}
}

// An install of a part without pins fails on the node, and does not count as done.
func TestFleetInstallWithoutPinsFails(t *testing.T) {
	run, dir := fleet(t, "a\n")
	if status, out := run("send", "--mode", "install", "--bucket", "b", "--compartment", "c"); status != 0 {
		t.Fatalf("send = %d, want 0\n%s", status, out)
	}
	write(t, filepath.Join(dir, "bin/sudo"), "#!/bin/bash\nshift\nexec \"$@\"\n", 0o755)
	status, out := command(t, []string{"PATH=" + filepath.Join(dir, "bin") + ":" + os.Getenv("PATH")}, "bash", filepath.Join(dir, "object"))
	if status != 64 || !strings.Contains(out, "are not pinned") {
		t.Errorf("node.sh = %d, want 64\n%s", status, out)
	}
}

func TestFleetArguments(t *testing.T) {
	for _, args := range [][]string{
		{"send", "--mode", "destroy", "--bucket", "b", "--compartment", "c"},
		{"send", "--mode", "audit"},
		{"send", "--mode", "audit", "--bucket", "b", "--compartment", "c", "--wave", "many"},
		{"send", "--mode", "audit", "--bucket", "b", "--compartment", "c", "--wave", ""},
		{"send", "--mode", "audit", "--bucket", "b", "--compartment", "c", "--timeout", ""},
		{"send", "--mode", "audit", "--bucket", "b", "--compartment", "c", "--parallel", "0"},
		{"send", "--mode"},
		{"other"},
	} {
		run, _ := fleet(t, "a\n")
		if status, out := run(args...); status != 64 {
			t.Errorf("fleet.sh %v = %d, want 64\n%s", args, status, out)
		}
	}
}

// node.sh as OCI Run Command would run it, with stand-ins for falco-bootstrap and sudo.
func TestNodeScript(t *testing.T) {
	tests := []struct {
		name, mode string
		exit       string
		want       int
		args       string
	}{
		{name: "audit of a node as declared", mode: "audit", exit: "0", want: 0, args: "--output json --dry-run"},
		{name: "audit that finds drift", mode: "audit", exit: "2", want: 0, args: "--output json --dry-run"},
		{name: "audit that fails", mode: "audit", exit: "5", want: 5, args: "--output json --dry-run"},
		{name: "converge", mode: "converge", exit: "0", want: 0, args: "--output json"},
		{name: "converge on an unfit host", mode: "converge", exit: "3", want: 3, args: "--output json"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, filepath.Join(dir, "sudo"), "#!/bin/bash\nshift\nexec \"$@\"\n", 0o755)
			write(t, filepath.Join(dir, "agent"), "#!/bin/bash\necho \"$*\"\nexit "+test.exit+"\n", 0o755)
			script := strings.NewReplacer("@MODE@", test.mode, "command=/usr/bin/falco-bootstrap", "command="+filepath.Join(dir, "agent")).Replace(read(t, "run-command/node.sh"))
			write(t, filepath.Join(dir, "node.sh"), script, 0o755)
			status, out := command(t, []string{"PATH=" + dir + ":" + os.Getenv("PATH")}, "bash", filepath.Join(dir, "node.sh"))
			if status != test.want || strings.TrimSpace(out) != test.args {
				t.Errorf("node.sh = %d, %q, want %d, %q", status, out, test.want, test.args)
			}
		})
	}
}

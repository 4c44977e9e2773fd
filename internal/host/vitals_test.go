// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

// A process is seen as it is: what it appends to, and whether it is stopped.
func TestVitals(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, "falco.log")
	cmd := exec.Command("/bin/sh", "-c", `exec 3>>"$0" 4<"$0" 5>"$0.overwritten"; echo; exec sleep 60`, log)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	v := &View{tools: tools{proc: "/proc"}}
	look := func() node.Vitals {
		vitals, err := v.Vitals(cmd.Process.Pid, log)
		if err != nil {
			t.Fatal(err)
		}
		return vitals
	}
	for _, step := range []struct {
		name string
		do   func() error
		want node.Vitals
	}{
		{"running", func() error { return nil }, node.Vitals{Appends: []string{log}, HasLog: true}},
		{"moved", func() error { return os.Rename(log, log+".1") }, node.Vitals{Appends: []string{log + ".1"}}},
		{"another in its place", func() error { return os.WriteFile(log, nil, 0o600) }, node.Vitals{Appends: []string{log + ".1"}}},
		{"removed", func() error { return os.Remove(log + ".1") }, node.Vitals{Appends: []string{log + ".1 (deleted)"}}},
	} {
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		got := look()
		got.State = ""
		if diff := cmp.Diff(step.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
	}
	if err := cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); look().Halted(0) == ""; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("a stopped process has the state %q", look().State)
		}
	}
}

func TestProcessState(t *testing.T) {
	for text, want := range map[string]string{
		"7 (falco) S 1 2": "S", "7 (a) b) (c) T 1 2": "T", "7 (falco) Z": "Z", "": "", "7 (falco)": "",
	} {
		path := filepath.Join(t.TempDir(), "stat")
		if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := processState(path); got != want {
			t.Errorf("processState(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestRoom(t *testing.T) {
	dir := t.TempDir()
	for _, tt := range []struct{ name, root, path string }{
		{"a file to come", "/", filepath.Join(dir, "missing")},
		{"below a root", dir, "/missing"},
		{"no directory", "/", "/nonexistent/dir/file"},
		{"no root", "/nonexistent", "/file"},
	} {
		if full, readOnly := room(tt.root, tt.path); full || readOnly {
			t.Errorf("%s: room = full %v, read-only %v", tt.name, full, readOnly)
		}
	}
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

func TestBuildModule(t *testing.T) {
	const kernel = "4.18.0-553.el8_10.x86_64"
	log := filepath.Join(t.TempDir(), "log")
	ok := script(t, "config", `echo config "$PATH" >>`+log)
	m, _ := onHost(t, func(*tools) {})
	c := node.BuildModule{Kernel: kernel, Commands: [][]string{{ok, "driver"}, {ok}}, Path: "/opt/rh/gcc-toolset-11/root/usr/bin", Timeout: time.Minute}
	if err := m.Apply(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(log); strings.Count(string(got), "config /opt/rh/gcc-toolset-11/root/usr/bin:/usr/sbin") != 2 {
		t.Errorf("ran %q, want both with the toolset first in PATH", got)
	}

	bad := script(t, "install", `echo "Error! Bad return status"; exit 10`)
	c.Commands = [][]string{{bad}, {ok}}
	err := m.Apply(t.Context(), c)
	wantCode(t, err, node.CodeFailed)
	if !strings.Contains(err.Error(), "exit status 10") || !strings.Contains(err.Error(), "Bad return status") || node.HintOf(err) == "" {
		t.Errorf("BuildModule = %v, want the status, the output and a hint", err)
	}
	if got, _ := os.ReadFile(log); strings.Count(string(got), "\n") != 2 {
		t.Error("a command ran after one that failed")
	}
	c.Commands = [][]string{{"relative"}}
	if err := m.Apply(t.Context(), c); err == nil {
		t.Error("a relative path was run")
	}
}

// The reason is at the end of dkms's log, unless an earlier build wrote it.
func TestMakeLog(t *testing.T) {
	root := t.TempDir()
	m := &Machine{tree: newTree(t, root)}
	old := put(t, root, "var/lib/dkms/falco/7.0.0/build/make.log", "old\n")
	hourAgo := time.Now().Add(-time.Hour)
	if err := os.Chtimes(old, hourAgo, hourAgo); err != nil {
		t.Fatal(err)
	}
	if path, lines := m.makeLog(time.Now()); path != "" {
		t.Errorf("makeLog = %s, %q; want no log of this build", path, lines)
	}
	began := time.Now()
	put(t, root, "var/lib/dkms/falco/8.1.0+driver/build/make.log", strings.Repeat("line\n", 50)+"unrecognized option\n")
	path, lines := m.makeLog(began)
	if path != "/var/lib/dkms/falco/8.1.0+driver/build/make.log" || len(lines) != 20 || lines[19] != "unrecognized option" {
		t.Errorf("makeLog = %s, %d lines ending in %q; want the last 20 of the new one", path, len(lines), lines)
	}
}

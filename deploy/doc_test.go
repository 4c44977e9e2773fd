// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Package deploy_test holds the files under deploy to what they promise: user
// data that cannot harm a node's join, units that the oldest systemd reads,
// parsers that read what Falco writes. What needs a booted node is tested in
// package test; this package starts none and needs no network.
package deploy_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// tool skips the test, and says why, where a program is not installed.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed", name)
	}
	return path
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// command runs a program and returns its exit status and output.
func command(t *testing.T, env []string, name string, args ...string) (status int, output string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"}, env...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String()
}

// pinned returns a script with its settings replaced, as people and Terraform
// replace them.
func pinned(t *testing.T, script, settings string) string {
	t.Helper()
	head, rest, ok := strings.Cut(script, "# >>> settings\n")
	_, tail, ok2 := strings.Cut(rest, "# <<< settings\n")
	if !ok || !ok2 {
		t.Fatal("the script has no settings block")
	}
	return head + "# >>> settings\n" + settings + "# <<< settings\n" + tail
}

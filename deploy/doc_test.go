// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Package deploy_test tests what the files under deploy promise: user data that
// cannot keep a node from joining, units that the oldest systemd reads, parsers
// that read what Falco writes. It starts no node and needs no network; package test
// has the tests that need a booted node.
package deploy_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// tool returns the path of a program, and skips the test if it is not installed.
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

// pinned returns a script with its settings replaced, as Terraform does.
func pinned(t *testing.T, script, settings string) string {
	t.Helper()
	head, rest, ok := strings.Cut(script, "# >>> settings\n")
	_, tail, ok2 := strings.Cut(rest, "# <<< settings\n")
	if !ok || !ok2 {
		t.Fatal("the script has no settings block")
	}
	return head + "# >>> settings\n" + settings + "# <<< settings\n" + tail
}

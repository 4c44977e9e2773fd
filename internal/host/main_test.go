// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/files"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

// TestMain lets the test binary be the child that holds a lock.
func TestMain(m *testing.M) {
	if root := os.Getenv("HOST_TEST_ROOT"); root != "" {
		holdLock(root)
	}
	if kind, path, ok := strings.Cut(os.Getenv("HOST_TEST_LOCK"), ":"); ok {
		holdFile(kind, path)
	}
	os.Exit(m.Run())
}

// testTools returns tools that do not exist, with short pauses.
func testTools(t *testing.T) tools {
	t.Helper()
	absent := t.TempDir()
	return tools{
		rpm: []string{absent + "/rpm"}, falco: absent + "/falco",
		restorecon: absent + "/restorecon", proc: absent, sys: absent, booted: absent + "/booted",
	}
}

func newTree(t *testing.T, root string) files.Tree {
	t.Helper()
	tr, err := files.NewTree(root)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func openMachine(t *testing.T, root string) *Machine {
	t.Helper()
	tools := testTools(t)
	m, err := OpenMachine(t.Context(), Options{Root: root, tools: &tools})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	return m
}

// onHost returns a machine that acts on the host, without the lock.
func onHost(t *testing.T, change func(*tools)) (m *Machine, told *[]string) {
	t.Helper()
	tools := testTools(t)
	change(&tools)
	told = new([]string)
	opts := Options{tools: &tools, Progress: func(p node.Progress) { *told = append(*told, p.Message) }}
	return newMachine(t.Context(), opts, newTree(t, "/"), nil), told
}

func script(t *testing.T, name, body string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	err := os.WriteFile(path, []byte("#!/bin/sh\n"+body+"\n"), 0o755)
	if err = errors.Join(err, os.Chmod(path, 0o755)); err != nil { // whatever the umask
		t.Fatal(err)
	}
	return path
}

func put(t *testing.T, root, name, content string) string {
	t.Helper()
	path := filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func wantCode(t *testing.T, err error, want node.Code) {
	t.Helper()
	if got := node.CodeOf(err); got != want {
		t.Fatalf("CodeOf(%v) = %v, want %v", err, got, want)
	}
}

func holdLock(root string) {
	if _, err := OpenMachine(context.Background(), Options{Root: root}); err != nil {
		_, _ = os.Stdout.WriteString(err.Error() + "\n")
		os.Exit(1)
	}
	_, _ = os.Stdout.WriteString("held\n")
	time.Sleep(time.Minute)
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package pkgmgr

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/files"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

// newManager returns a manager of this machine with tools that do not exist and
// short pauses.
func newManager(t *testing.T) (m *Manager, told *[]string) {
	t.Helper()
	absent := t.TempDir()
	told = new([]string)
	m = &Manager{
		RPM: []string{absent + "/rpm"}, DNF: []string{absent + "/dnf"}, Tree: newTree(t, "/"),
		Tell:       func(p node.Progress) { *told = append(*told, p.Message) },
		FirstPause: time.Millisecond, LongestPause: 4 * time.Millisecond,
	}
	m.Write = func(_ context.Context, c node.WriteFile) error {
		_, err := m.Tree.Write(c, nil)
		return err
	}
	return m, told
}

func newTree(t *testing.T, root string) files.Tree {
	t.Helper()
	tr, err := files.NewTree(root)
	if err != nil {
		t.Fatal(err)
	}
	return tr
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

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// openUp lets the user nobody reach a directory.
func openUp(t *testing.T, dir string) {
	t.Helper()
	for ; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

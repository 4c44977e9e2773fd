// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package files

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

// TestMain lets the test binary be the child that TestWriteFileKilled kills.
func TestMain(m *testing.M) {
	if root := os.Getenv("FILES_TEST_ROOT"); root != "" {
		writeForEver(root)
	}
	os.Exit(m.Run())
}

func newTree(t *testing.T, root string) Tree {
	t.Helper()
	tr, err := NewTree(root)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func write(tr Tree, c node.WriteFile) error {
	_, err := tr.Write(c, nil)
	return err
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

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func wantCode(t *testing.T, err error, want node.Code) {
	t.Helper()
	if got := node.CodeOf(err); got != want {
		t.Fatalf("CodeOf(%v) = %v, want %v", err, got, want)
	}
}

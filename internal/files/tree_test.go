// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package files

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

func TestTree(t *testing.T) {
	root := t.TempDir()
	put(t, root, "etc/real/a", "inside")
	put(t, root, "etc/passwd", "the tree's")
	for link, target := range map[string]string{"etc/absolute": "/etc/real", "etc/out": "../../../../etc/passwd", "etc/self": "self"} {
		if err := os.Symlink(target, filepath.Join(root, link)); err != nil {
			t.Fatal(err)
		}
	}
	tr := newTree(t, root)
	for name, want := range map[string]string{"etc/absolute/a": "inside", "etc/out": "the tree's"} {
		if got, err := fs.ReadFile(tr, name); string(got) != want {
			t.Errorf("ReadFile(%q) = %q, %v; want %q", name, got, err, want)
		}
	}
	if got, err := tr.Lstat("/etc/absolute"); err != nil || got.Target != "/etc/real" || got.Mode&fs.ModeSymlink == 0 {
		t.Errorf("Lstat of a link = %+v, %v; want the link", got, err)
	}
	if got, err := tr.Lstat("/etc/absolute/a"); err != nil || got.Size != 6 {
		t.Errorf("Lstat below a link = %+v, %v; want the file", got, err)
	}
	_, err := fs.ReadFile(tr, "etc/none")
	if !errors.Is(err, fs.ErrNotExist) || strings.Contains(err.Error(), root) {
		t.Errorf("ReadFile of a missing file = %v, want %v with the path inside the root", err, fs.ErrNotExist)
	}
	if _, err := fs.ReadFile(tr, "etc/self"); err == nil {
		t.Error("ReadFile of a link to itself succeeds")
	}
	if err := os.Remove(filepath.Join(root, "etc/self")); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(filepath.Join(root, "etc/fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := fs.ReadFile(tr, "etc/fifo"); !errors.Is(err, ErrNotRegular) {
		t.Errorf("ReadFile of a FIFO = %v, want %v", err, ErrNotRegular)
	}
	if _, err := tr.Open("etc/fifo"); !errors.Is(err, ErrNotRegular) || strings.Contains(err.Error(), root) {
		t.Errorf("Open of a FIFO = %v, want %v with the path inside the root", err, ErrNotRegular)
	}
	if d := cmp.Diff([]string{"/etc/passwd"}, tr.Glob("/etc/pass*")); d != "" {
		t.Errorf("Glob (-want +got):\n%s", d)
	}
}

// A Tree keeps the contract of io/fs.
func TestTreeFS(t *testing.T) {
	root := t.TempDir()
	put(t, root, "etc/falco/falco.yaml", "a: 1\n")
	put(t, root, "usr/bin/falco", "")
	tr := newTree(t, root)
	if err := fstest.TestFS(tr, "etc/falco/falco.yaml", "usr/bin/falco"); err != nil {
		t.Error(err)
	}
}

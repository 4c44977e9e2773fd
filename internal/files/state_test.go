// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package files

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

func TestState(t *testing.T) {
	tr := newTree(t, t.TempDir())
	if _, err := ReadState(tr, "last-run.json"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("ReadState of nothing = %v, want %v", err, fs.ErrNotExist)
	}
	for _, content := range []string{"{}\n", "{\"a\": 1}\n"} {
		if err := WriteState(tr, "last-run.json", []byte(content)); err != nil {
			t.Fatal(err)
		}
		if got, err := ReadState(tr, "last-run.json"); string(got) != content {
			t.Errorf("ReadState = %q, %v; want %q", got, err, content)
		}
	}
	info, err := os.Stat(filepath.Join(tr.root, StateDir))
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the state directory: %v, %v; want 0700", info.Mode(), err)
	}
}

// Runs without the lock can write their reports at the same time.
func TestWriteStateTogether(t *testing.T) {
	tr := newTree(t, t.TempDir())
	var writers sync.WaitGroup
	for w := range byte(4) {
		writers.Go(func() {
			for range 50 {
				if err := WriteState(tr, "last-run.json", page(w)); err != nil {
					t.Errorf("writer %d: %v", w, err)
					return
				}
			}
		})
	}
	writers.Wait()
	got, err := ReadState(tr, "last-run.json")
	if err != nil || len(got) == 0 || !bytes.Equal(got, page(got[0])) {
		t.Errorf("at the end the file holds %d bytes, %v; want one page whole", len(got), err)
	}
}

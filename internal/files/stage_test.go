// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package files

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// A stage is for root alone whatever the umask, holds copies that nobody else can
// change, and is gone afterwards.
func TestStage(t *testing.T) {
	tr := newTree(t, t.TempDir())
	old := syscall.Umask(0o777)
	s, err := NewStage(tr)
	syscall.Umask(old)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(s.Dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the stage: %v, %v; want 0700", info.Mode(), err)
	}
	from := filepath.Join(t.TempDir(), "a.rpm")
	if err := os.WriteFile(from, []byte("one"), 0o666); err != nil {
		t.Fatal(err)
	}
	copied, err := s.Copy(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(from, []byte("two"), 0o666); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(copied); err != nil || string(got) != "one" {
		t.Errorf("the copy holds %q, %v", got, err)
	}
	fifo := filepath.Join(t.TempDir(), "fifo.rpm")
	if err := syscall.Mkfifo(fifo, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Copy(fifo); !errors.Is(err, ErrNotRegular) {
		t.Errorf("Copy of a FIFO = %v, want %v", err, ErrNotRegular)
	}
	if err := s.requireRoom(1 << 60); !errors.Is(err, ErrNoRoom) {
		t.Errorf("requireRoom of an exbibyte = %v, want %v", err, ErrNoRoom)
	}
	if err := s.Put("dnf.conf", []byte("x")); err != nil {
		t.Error(err)
	}
	// A run that was killed leaves all that.
	if again, err := NewStage(tr); err != nil || exists(copied) || again.Dir != s.Dir {
		t.Errorf("a second stage has what the first left: %v", err)
	}
	if !HasStage(tr) {
		t.Error("HasStage = false, and the stage is there")
	}
	if err := SweepStage(tr); err != nil || exists(s.Dir) || HasStage(tr) {
		t.Errorf("SweepStage = %v, and it is there: %v", err, exists(s.Dir))
	}
	if err := SweepStage(newTree(t, t.TempDir())); err != nil {
		t.Errorf("SweepStage of nothing = %v", err)
	}
}

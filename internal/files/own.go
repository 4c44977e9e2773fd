// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"syscall"
)

// StateDir holds what the agent remembers. Only root can read it.
const StateDir = "/var/lib/falco-bootstrap"

// ReadState reads a file of the state directory, such as "last-run.json". A
// missing one is [fs.ErrNotExist].
func ReadState(t Tree, name string) ([]byte, error) {
	return t.ReadFile(path.Join(StateDir, name)[1:])
}

// WriteState replaces a file of the state directory, which is created if it is
// missing. It does not take the run's lock, so that a run which could not get
// the lock can leave its report too: writers take turns, and the last one wins.
func WriteState(t Tree, name string, content []byte) error {
	dir, err := MakeStateDir(t)
	if err != nil {
		return err
	}
	turn, err := os.Open(dir)
	if err == nil {
		defer func() { _ = turn.Close() }()
		err = Flock(turn, syscall.LOCK_EX) // released if the process is killed
	}
	if err == nil {
		err = Overwrite(path.Join(dir, name), content, 0o600)
	}
	return Changing(path.Join(StateDir, name), err)
}

// MakeStateDir creates the state directory and returns its path outside the
// tree.
func MakeStateDir(t Tree) (string, error) {
	dir, err := t.Locate(StateDir)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(dir), 0o755)
	}
	if err == nil {
		err = os.Mkdir(dir, 0o700)
	}
	if err == nil || errors.Is(err, fs.ErrExist) {
		var info fs.FileInfo
		if info, err = os.Lstat(dir); err == nil && !info.IsDir() {
			err = errNotDirectory
		}
	}
	return dir, Changing(StateDir, err)
}

// Flock is flock(2), retried when a signal interrupts it.
func Flock(f *os.File, how int) error {
	for {
		if err := syscall.Flock(int(f.Fd()), how); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// An OutputMode says what happens to the present content of a file.
type OutputMode int

// The output modes.
const (
	// Replace swaps the file, so that a reader sees the old content or the new.
	Replace OutputMode = iota
	// Append adds to its end in one write.
	Append
)

// WriteOutput writes a file that the operator named for a run's results. It is
// not part of the node's state: a dry run writes it too. A pipe or a terminal
// is written to, never replaced.
func WriteOutput(name string, content []byte, how OutputMode) error {
	info, err := os.Stat(name)
	if err == nil && !info.Mode().IsRegular() {
		how = Append
	}
	if how == Append {
		return Changing(name, appendTo(name, content))
	}
	path, err := filepath.Abs(name)
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	return Changing(name, Overwrite(path, content, 0o644))
}

func appendTo(name string, content []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Close())
}

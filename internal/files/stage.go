// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package files

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// stageName is the stage of a run, in [StateDir].
const stageName = "packages"

// stageSpare is how much room a copy must leave on the file system, in bytes.
const stageSpare = 16 << 20

// ErrNoRoom means that a file system has too little room for a file.
var ErrNoRoom = errors.New("there is too little room")

// A Stage is a directory that only root can enter, for packages from the time
// they are checked until they are installed.
type Stage struct{ Dir string }

// NewStage makes the stage of a run, in the state directory. What a killed run
// left there is removed, so the caller holds the run's lock.
func NewStage(t Tree) (Stage, error) {
	dir, err := MakeStateDir(t)
	if err != nil {
		return Stage{}, err
	}
	return MakeStage(filepath.Join(dir, stageName))
}

// MakeStage makes a stage at a path, in the place of what is there.
func MakeStage(dir string) (Stage, error) {
	err := os.RemoveAll(dir)
	if err == nil {
		err = os.Mkdir(dir, 0o700)
	}
	if err == nil {
		err = os.Chmod(dir, 0o700) // whatever the umask
	}
	return Stage{dir}, Changing(dir, err)
}

// SweepStage removes the stage that a killed run left, if there is one.
func SweepStage(t Tree) error {
	dir, err := t.Locate(StateDir)
	if err != nil {
		return Changing(StateDir+"/"+stageName, err)
	}
	// RemoveAll opens the directory above, and waits for ever if that is a FIFO.
	if info, errDir := os.Lstat(dir); errDir == nil && info.IsDir() {
		err = os.RemoveAll(filepath.Join(dir, stageName))
	}
	return Changing(StateDir+"/"+stageName, err)
}

// HasStage reports whether a run has left its stage behind, or is using it.
func HasStage(t Tree) bool {
	_, err := t.Lstat(StateDir + "/" + stageName)
	return err == nil
}

// Close removes the stage.
func (s Stage) Close() error { return os.RemoveAll(s.Dir) }

// Path returns the path of a name in the stage.
func (s Stage) Path(name string) string { return filepath.Join(s.Dir, name) }

// Put writes a new file of the stage.
func (s Stage) Put(name string, content []byte) error {
	return Changing(s.Path(name), s.fill(name, strings.NewReader(string(content))))
}

// Copy copies a regular file into the stage and returns the path of the copy. The
// error is [ErrNoRoom] if it does not fit.
func (s Stage) Copy(from string) (string, error) {
	f, err := OpenRegular(from)
	if err != nil {
		return "", Changing(from, err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return "", Changing(from, err)
	}
	if err := s.requireRoom(info.Size()); err != nil {
		return "", fmt.Errorf("copying %s into %s: %w", from, s.Dir, err)
	}
	name := filepath.Base(from)
	if err := s.fill(name, f); err != nil {
		return "", fmt.Errorf("copying %s: %w", from, err)
	}
	return s.Path(name), nil
}

func (s Stage) fill(name string, from io.Reader) error {
	f, err := os.OpenFile(s.Path(name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, from)
	return errors.Join(err, f.Close())
}

// requireRoom fails if the file system has no room for so many bytes.
func (s Stage) requireRoom(size int64) error {
	var fs unix.Statfs_t
	if err := unix.Statfs(s.Dir, &fs); err != nil {
		return err
	}
	if free := int64(fs.Bavail) * int64(fs.Bsize); free < size+stageSpare {
		return fmt.Errorf("%w: %d MiB are free, and it needs %d MiB", ErrNoRoom, free>>20, (size+stageSpare)>>20)
	}
	return nil
}

// IsFull reports whether the file system of a directory has no room, as far as can be
// seen.
func IsFull(dir string) bool {
	var fs unix.Statfs_t
	return unix.Statfs(dir, &fs) == nil && fs.Blocks > 0 && fs.Bavail*uint64(fs.Bsize) < minRoom
}

// IsReadOnly reports whether a directory is on a read-only file system.
func IsReadOnly(dir string) bool { return errors.Is(unix.Access(dir, unix.W_OK), unix.EROFS) }

// minRoom is what a program needs to write a small file, in bytes.
const minRoom = 64 << 10

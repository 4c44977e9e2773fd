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
	"time"

	"golang.org/x/sys/unix"
)

// StateDir holds what the agent remembers. Only root can read it.
const StateDir = "/var/lib/falco-bootstrap"

// ReadState reads a file of the state directory, such as "last-run.json". A
// missing one is [fs.ErrNotExist].
func ReadState(t Tree, name string) ([]byte, error) {
	return t.ReadFile(path.Join(StateDir, name)[1:])
}

// turnPatience is how long a writer of the state directory waits for its turn. A
// turn takes as long as a few fsyncs.
const turnPatience = 5 * time.Second

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
		if err = Lock(turn, turnPatience, nil); errors.Is(err, syscall.EWOULDBLOCK) {
			err = errLocked
		}
	}
	if err == nil {
		err = Overwrite(path.Join(dir, name), content, 0o600)
	}
	return Changing(path.Join(StateDir, name), err)
}

// errLocked means that another program holds the state directory.
var errLocked = fmt.Errorf("another process has locked %s for %v", StateDir, turnPatience)

// MakeStateDir creates the state directory and returns its path outside the
// tree. A directory that a umask made useless for its owner is mended.
func MakeStateDir(t Tree) (string, error) {
	dir, err := t.Locate(StateDir)
	if err == nil {
		_, err = t.MakeDir(filepath.Dir(StateDir))
	}
	if err == nil {
		if err = os.Mkdir(dir, 0o700); errors.Is(err, fs.ErrExist) {
			err = nil
		}
	}
	if err == nil {
		var info fs.FileInfo
		switch info, err = os.Lstat(dir); {
		case err != nil:
		case !info.IsDir():
			err = errNotDirectory
		case info.Mode()&0o700 != 0o700:
			err = os.Chmod(dir, 0o700)
		}
	}
	return dir, Changing(StateDir, err)
}

// Lock locks an open file for this process alone, as flock(2) does; the kernel
// releases the lock when the file is closed or the process ends. While another
// process has the lock it waits until patience or stop ends, and then returns
// [syscall.EWOULDBLOCK]. After an error the caller closes the file.
func Lock(f *os.File, patience time.Duration, stop <-chan struct{}) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if !errors.Is(err, syscall.EWOULDBLOCK) {
		return err
	}
	// The kernel gives it to those who wait, in turn. A wait cannot be ended, so it
	// is for a descriptor of its own.
	fd, errDup := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if errDup != nil {
		return errDup
	}
	locked := make(chan error, 1)
	go func() {
		err := error(syscall.EINTR)
		for errors.Is(err, syscall.EINTR) {
			err = syscall.Flock(fd, syscall.LOCK_EX)
		}
		_ = syscall.Close(fd)
		locked <- err
	}()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	select {
	case err = <-locked:
	case <-limit.C:
	case <-stop:
	}
	return err
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

// readerPatience is how long the reader of a pipe may keep a run waiting.
const readerPatience = 5 * time.Second

// WriteOutput writes a file that the operator named for a run's results. It is
// not part of the node's state: a dry run writes it too. A FIFO, a terminal and
// another character device, such as /dev/stdout leads to, is written to and never
// replaced. A FIFO needs a reader, which is not waited for.
func WriteOutput(name string, content []byte, how OutputMode) error {
	info, err := os.Stat(name)
	switch {
	case err == nil && info.Mode()&(fs.ModeNamedPipe|fs.ModeCharDevice) != 0:
		return Changing(name, appendTo(name, content, 0))
	case err == nil && !info.Mode().IsRegular():
		return Changing(name, ErrNotRegular)
	case how == Append:
		return Changing(name, appendTo(name, content, os.O_CREATE))
	}
	path, err := filepath.Abs(name)
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	return Changing(name, Overwrite(path, content, 0o644))
}

func appendTo(name string, content []byte, flag int) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND|syscall.O_NONBLOCK|syscall.O_NOCTTY|flag, 0o644)
	if errors.Is(err, syscall.ENXIO) {
		return errors.New("no process reads from it")
	} else if err != nil {
		return err
	}
	_ = f.SetWriteDeadline(time.Now().Add(readerPatience)) // what has no deadline does not block
	_, err = f.Write(content)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = fmt.Errorf("the process that reads from it has not read for %v", readerPatience)
	}
	return errors.Join(err, f.Close())
}

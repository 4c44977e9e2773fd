// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package files

import (
	"bytes"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
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

// A umask that takes everything away does not outlast its run.
func TestStateWhateverTheUmask(t *testing.T) {
	tr := newTree(t, t.TempDir())
	dir := filepath.Join(tr.root, StateDir)
	if err := errors.Join(os.MkdirAll(filepath.Dir(dir), 0o755), os.Mkdir(dir, 0)); err != nil {
		t.Fatal(err)
	}
	defer syscall.Umask(syscall.Umask(0o777))
	for _, tr := range []Tree{tr, newTree(t, t.TempDir())} {
		if err := WriteState(tr, "x", []byte("x")); err != nil {
			t.Fatal(err)
		}
		for path, want := range map[string]fs.FileMode{filepath.Dir(StateDir): 0o755, StateDir: 0o700} {
			if info, err := os.Stat(filepath.Join(tr.root, path)); err != nil || info.Mode().Perm() != want {
				t.Errorf("%s: %v, %v; want %v", path, info.Mode(), err, want)
			}
		}
	}
}

// Somebody else's lock on the directory is not waited for for ever.
func TestWriteStateLocked(t *testing.T) {
	tr := newTree(t, t.TempDir())
	dir, err := MakeStateDir(tr)
	if err != nil {
		t.Fatal(err)
	}
	holder, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = holder.Close() }()
	if err := syscall.Flock(int(holder.Fd()), syscall.LOCK_SH); err != nil {
		t.Fatal(err)
	}
	var hint *node.Error
	err = WriteState(tr, "x", []byte("x"))
	if !errors.Is(err, errLocked) || !errors.As(err, &hint) || !strings.Contains(hint.Hint, "lslocks") {
		t.Errorf("WriteState while another process has the directory = %v, want %v", err, errLocked)
	}
}

// What the operator names is a file, or something that is read meanwhile.
func TestWriteOutputToSpecialFiles(t *testing.T) {
	dir := t.TempDir()
	fifo, socket := filepath.Join(dir, "fifo"), filepath.Join(dir, "socket")
	listener, err := net.Listen("unix", socket)
	if err = errors.Join(err, unix.Mkfifo(fifo, 0o600)); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	for name, want := range map[string]string{
		fifo: "no process reads from it", socket: ErrNotRegular.Error(), dir: ErrNotRegular.Error(), "/dev/full": "no space left",
	} {
		for _, how := range []OutputMode{Replace, Append} {
			if err := WriteOutput(name, []byte("x"), how); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("WriteOutput(%s) = %v, want %q", name, err, want)
			}
		}
	}
	if err := WriteOutput("/dev/null", []byte("x"), Replace); err != nil {
		t.Errorf("WriteOutput to /dev/null = %v", err)
	}
	reader, err := os.OpenFile(fifo, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = reader.Close() }()
	if err := WriteOutput(fifo, []byte("report\n"), Append); err != nil {
		t.Errorf("WriteOutput to a FIFO with a reader = %v", err)
	}
	got := make([]byte, 10)
	if n, err := reader.Read(got); string(got[:n]) != "report\n" {
		t.Errorf("the reader has %q, %v", got[:n], err)
	}
	if err := WriteOutput(fifo, make([]byte, 1<<20), Append); err == nil || !strings.Contains(err.Error(), "has not read for") {
		t.Errorf("WriteOutput to a reader that does not read = %v", err)
	}
}

func TestReadFile(t *testing.T) {
	dir := t.TempDir()
	fifo, file, link := filepath.Join(dir, "fifo"), filepath.Join(dir, "file"), filepath.Join(dir, "link")
	if err := errors.Join(unix.Mkfifo(fifo, 0o600), os.WriteFile(file, make([]byte, 2<<20), 0o600), os.Symlink("file", link)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{fifo, dir, "/dev/zero"} {
		if _, err := ReadFile(name, 1<<20); !errors.Is(err, ErrNotRegular) {
			t.Errorf("ReadFile(%s) = %v, want %v", name, err, ErrNotRegular)
		}
	}
	if got, err := ReadFile(link, 2<<20); err != nil || len(got) != 2<<20 {
		t.Errorf("ReadFile of a link to 2 MiB = %d bytes, %v", len(got), err)
	}
	if _, err := ReadFile(file, 1<<20); err == nil || !strings.Contains(err.Error(), "larger than 1 MiB") {
		t.Errorf("ReadFile of 2 MiB where 1 MiB is the limit = %v", err)
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

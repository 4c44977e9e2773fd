// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package files

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

func TestWriteFile(t *testing.T) {
	tests := []struct {
		name     string
		now      string // "" is no file
		old, new string
		want     string
		fails    string
	}{
		{name: "a new file", new: "b\n", want: "b\n"},
		{name: "an edit", now: "a\n", old: "a\n", new: "b\r\n", want: "b\r\n"},
		{name: "to nothing", now: "a\n", old: "a\n", new: "", want: ""},
		{name: "unchanged", now: "b\n", old: "a\n", new: "b\n", want: "b\n"},
		{name: "edited meanwhile", now: "c\n", old: "a\n", new: "b\n", want: "c\n", fails: "somebody else"},
		{name: "created meanwhile", now: "c\n", new: "b\n", want: "c\n", fails: "somebody else"},
		{name: "removed meanwhile", old: "a\n", new: "b\n", fails: "somebody else"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root := t.TempDir()
			tr := newTree(t, root)
			path := filepath.Join(root, "etc/falco/falco.yaml")
			c := node.WriteFile{Path: "/etc/falco/falco.yaml", New: []byte(tt.new), Mode: 0o640}
			if tt.now != "" {
				put(t, root, "etc/falco/falco.yaml", tt.now)
			}
			if tt.old != "" {
				c.Old = []byte(tt.old)
			}
			err := write(tr, c)
			if tt.fails == "" && err != nil || tt.fails != "" && (err == nil || !strings.Contains(err.Error(), tt.fails)) {
				t.Fatalf("WriteFile = %v, want %q", err, tt.fails)
			}
			if got, _ := os.ReadFile(path); string(got) != tt.want {
				t.Errorf("the file holds %q, want %q", got, tt.want)
			}
			noLeftovers(t, root)
		})
	}
}

// An unchanged file is not touched: same inode, same times.
func TestWriteFileUnchanged(t *testing.T) {
	root := t.TempDir()
	tr := newTree(t, root)
	path := put(t, root, "etc/a", "a\n")
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := write(tr, node.WriteFile{Path: "/etc/a", Old: []byte("a\n"), New: []byte("a\n")}); err != nil {
		t.Fatal(err)
	}
	after, err := os.Stat(path)
	if err != nil || !os.SameFile(before, after) || !before.ModTime().Equal(after.ModTime()) {
		t.Errorf("the file has another inode or time: %v", err)
	}
}

// Mode, owner and extended attributes stay as they are.
func TestWriteFileKeeps(t *testing.T) {
	root := t.TempDir()
	tr := newTree(t, root)
	path := put(t, root, "etc/a", "a\n")
	attributes := unix.Setxattr(path, "user.note", []byte("mine"), 0) == nil
	if os.Geteuid() == 0 {
		if err := os.Chown(path, 123, 456); err != nil {
			t.Fatal(err)
		}
	}
	if err := unix.Chmod(path, 0o4751); err != nil {
		t.Fatal(err)
	}
	before, _ := tr.Lstat("/etc/a")
	if err := write(tr, node.WriteFile{Path: "/etc/a", Old: []byte("a\n"), New: []byte("b\n"), Mode: 0o600}); err != nil {
		t.Fatal(err)
	}
	after, err := tr.Lstat("/etc/a")
	if err != nil || after.Mode != before.Mode || after.UID != before.UID || after.GID != before.GID {
		t.Errorf("%v, owner %d:%d, %v; want %v, %d:%d", after.Mode, after.UID, after.GID, err, before.Mode, before.UID, before.GID)
	}
	value := make([]byte, 10)
	if n, err := unix.Getxattr(path, "user.note", value); attributes && (err != nil || string(value[:n]) != "mine") {
		t.Errorf("user.note = %q, %v; want mine", value[:max(n, 0)], err)
	}
}

func TestWriteFileNewMode(t *testing.T) {
	root := t.TempDir()
	tr := newTree(t, root)
	defer syscall.Umask(syscall.Umask(0o077))
	if err := write(tr, node.WriteFile{Path: "/etc/new/a", New: []byte("a"), Mode: 0o644}); err != nil {
		t.Fatal(err)
	}
	if got, err := tr.Lstat("/etc/new/a"); err != nil || got.Mode != 0o644 {
		t.Errorf("mode %v, %v; want 0644 whatever the umask", got.Mode, err)
	}
	if got, err := tr.Lstat("/etc/new"); err != nil || got.Mode.Perm() != 0o755 {
		t.Errorf("mode of its dir %v, %v; want 0755 whatever the umask", got.Mode, err)
	}
}

func TestWriteFileRefuses(t *testing.T) {
	tests := []struct {
		name string
		make func(path string) error
	}{
		{"a link", func(path string) error { return os.Symlink("target", path) }},
		{"a link to nothing", func(path string) error { return os.Symlink("/nowhere", path) }},
		{"a FIFO", func(path string) error { return unix.Mkfifo(path, 0o600) }},
		{"a dir", func(path string) error { return os.Mkdir(path, 0o755) }},
		{"a socket", func(path string) error { return unix.Mknod(path, unix.S_IFSOCK|0o600, 0) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root := t.TempDir()
			tr := newTree(t, root)
			put(t, root, "etc/target", "a\n")
			if err := tt.make(filepath.Join(root, "etc/a")); err != nil {
				t.Fatal(err)
			}
			for what, err := range map[string]error{
				"WriteFile":  write(tr, node.WriteFile{Path: "/etc/a", Old: []byte("a\n"), New: []byte("b\n")}),
				"RemoveFile": tr.Remove(node.RemoveFile{Path: "/etc/a"}),
			} {
				if !errors.Is(err, ErrNotRegular) || node.HintOf(err) == "" {
					t.Errorf("%s = %v (hint %q), want %v and a hint", what, err, node.HintOf(err), ErrNotRegular)
				}
			}
			if got, _ := os.ReadFile(filepath.Join(root, "etc/target")); string(got) != "a\n" {
				t.Errorf("the link's target holds %q", got)
			}
			noLeftovers(t, root)
		})
	}
}

// Falco loads every file in config.d, and logrotate every one in logrotate.d, so
// no temporary file may ever be there.
func TestWriteFileWhereAllIsRead(t *testing.T) {
	for _, name := range []string{"/etc/falco/config.d/a.yaml", "/etc/logrotate.d/a"} {
		root := t.TempDir()
		tr := newTree(t, root)
		dir := filepath.Dir(put(t, root, name[1:], "a\n"))
		fd, err := unix.InotifyInit1(unix.IN_NONBLOCK)
		if err != nil {
			t.Skip(err)
		}
		defer func() { _ = unix.Close(fd) }()
		if _, err := unix.InotifyAddWatch(fd, dir, unix.IN_CREATE); err != nil {
			t.Fatal(err)
		}
		if err := write(tr, node.WriteFile{Path: name, Old: []byte("a\n"), New: []byte("b\n")}); err != nil {
			t.Fatal(err)
		}
		if n, err := unix.Read(fd, make([]byte, 4096)); n > 0 || !errors.Is(err, unix.EAGAIN) {
			t.Errorf("WriteFile(%s) created a file in %s (%d bytes of events, %v)", name, dir, n, err)
		}
		noLeftovers(t, root)
	}
}

// The next write of a file removes what a killed run left behind for it; other
// files stay.
func TestWriteFileSweeps(t *testing.T) {
	root := t.TempDir()
	tr := newTree(t, root)
	put(t, root, "etc/a", "a\n")
	put(t, root, "etc/.a.falco-bootstrap-0123", "half")
	other := put(t, root, "etc/.b.falco-bootstrap-0123", "half")
	mine := put(t, root, "etc/.a.swp", "editor")
	if err := write(tr, node.WriteFile{Path: "/etc/a", Old: []byte("a\n"), New: []byte("b\n")}); err != nil {
		t.Fatal(err)
	}
	if exists(filepath.Join(root, "etc/.a.falco-bootstrap-0123")) || !exists(other) || !exists(mine) {
		t.Error("want the leftover of this file gone, and no other file")
	}
}

// On a full file system the old file stays and no temporary file is left.
func TestWriteFileNoSpace(t *testing.T) {
	root := t.TempDir()
	tr := newTree(t, root)
	mount(t, filepath.Join(root, "etc"), "size=64k")
	path := put(t, root, "etc/a", "a\n")
	err := write(tr, node.WriteFile{Path: "/etc/a", Old: []byte("a\n"), New: bytes.Repeat([]byte("b\n"), 64<<10)})
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(node.HintOf(err), "df -h") {
		t.Errorf("WriteFile = %v (hint %q), want %v", err, node.HintOf(err), syscall.ENOSPC)
	}
	if got, _ := os.ReadFile(path); string(got) != "a\n" {
		t.Errorf("the file holds %d bytes, want the old two", len(got))
	}
	noLeftovers(t, root)
}

func TestWriteFileReadOnly(t *testing.T) {
	root := t.TempDir()
	tr := newTree(t, root)
	mount(t, filepath.Join(root, "etc"), "size=1m")
	put(t, root, "etc/a", "a\n")
	if err := unix.Mount("", filepath.Join(root, "etc"), "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	err := write(tr, node.WriteFile{Path: "/etc/a", Old: []byte("a\n"), New: []byte("b\n")})
	if !errors.Is(err, syscall.EROFS) || !strings.Contains(node.HintOf(err), "read-only") {
		t.Errorf("WriteFile = %v (hint %q), want %v", err, node.HintOf(err), syscall.EROFS)
	}
}

// mount mounts a small file system on a directory.
func mount(t *testing.T, dir, options string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		t.Skipf("mounting a tmpfs: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
}

// Whenever the writer is killed, the file is the old one or the new one, whole.
func TestWriteFileKilled(t *testing.T) {
	root := t.TempDir()
	path := put(t, root, "etc/a", string(page(0)))
	wrote := 0 // kills after which the file had changed
	began := time.Now()
	for i, last := 0, byte(0); i < 40 || wrote < 5 && time.Since(began) < 3*time.Minute; i++ {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "FILES_TEST_ROOT="+root)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		_, _ = io.ReadFull(out, make([]byte, 1)) // it has begun
		time.Sleep(time.Duration(i*500) * time.Microsecond)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		got, err := os.ReadFile(path)
		if err != nil || len(got) == 0 || !bytes.Equal(got, page(got[0])) {
			t.Fatalf("after kill %d the file holds %d bytes, %v; want one page whole", i, len(got), err)
		}
		if got[0] != last {
			wrote, last = wrote+1, got[0]
		}
	}
	first, _ := os.ReadFile(path)
	tr := newTree(t, root)
	if err := write(tr, node.WriteFile{Path: "/etc/a", Old: first, New: []byte("done\n")}); err != nil {
		t.Fatal(err)
	}
	noLeftovers(t, root)
	if wrote < 5 {
		t.Errorf("only %d children wrote: the test shows nothing", wrote)
	}
}

// page returns content that shows whether it is whole.
func page(b byte) []byte { return bytes.Repeat([]byte{b}, 200_000) }

// writeForEver is the child of TestWriteFileKilled.
func writeForEver(root string) {
	tr, err := NewTree(root)
	if err != nil {
		os.Exit(1)
	}
	_, _ = os.Stdout.WriteString(".")
	for b := byte(1); ; b++ {
		old, err := os.ReadFile(filepath.Join(root, "etc/a"))
		if err != nil {
			os.Exit(2)
		}
		if err := write(tr, node.WriteFile{Path: "/etc/a", Old: old, New: page(b)}); err != nil {
			os.Exit(3)
		}
	}
}

func noLeftovers(t *testing.T, root string) {
	t.Helper()
	_ = filepath.WalkDir(root, func(path string, _ fs.DirEntry, _ error) error {
		if strings.Contains(path, infix) {
			t.Errorf("%s was left behind", path)
		}
		return nil
	})
}

func TestRemoveFile(t *testing.T) {
	root := t.TempDir()
	tr := newTree(t, root)
	path := put(t, root, "etc/a", "a\n")
	wantCode(t, tr.Remove(node.RemoveFile{Path: "/etc/a", Old: []byte("other")}), node.CodeFailed)
	if !exists(path) {
		t.Fatal("a file that somebody edited was removed")
	}
	for range 2 { // a missing file is no error
		if err := tr.Remove(node.RemoveFile{Path: "/etc/a", Old: []byte("a\n")}); err != nil || exists(path) {
			t.Fatalf("RemoveFile = %v; still there: %v", err, exists(path))
		}
	}
}

func TestChgrp(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root gives a file to another group")
	}
	root := t.TempDir()
	tr := newTree(t, root)
	put(t, root, "var/log/falco.log", "a\n")
	before, err := tr.Lstat("/var/log/falco.log")
	if err != nil {
		t.Fatal(err)
	}
	if err := tr.Chgrp(node.Chgrp{Path: "/var/log/falco.log", New: "x", GID: 4242}); err != nil {
		t.Fatal(err)
	}
	got, err := tr.Lstat("/var/log/falco.log")
	if err != nil || got.GID != 4242 || got.UID != before.UID || got.Mode != before.Mode {
		t.Errorf("Chgrp leaves owner %d, group %d, mode %v (%v), want %d, 4242, %v", got.UID, got.GID, got.Mode, err, before.UID, before.Mode)
	}
}

func TestChmod(t *testing.T) {
	root := t.TempDir()
	tr := newTree(t, root)
	put(t, root, "var/log/falco.log", "a\n")
	if err := tr.Chmod(node.Chmod{Path: "/var/log/falco.log", New: 0o600}); err != nil {
		t.Fatal(err)
	}
	if got, err := tr.Lstat("/var/log/falco.log"); err != nil || got.Mode != 0o600 {
		t.Errorf("mode %v, %v; want 0600", got.Mode, err)
	}
	if err := os.Symlink("falco.log", filepath.Join(root, "var/log/link")); err != nil {
		t.Fatal(err)
	}
	if err := tr.Chmod(node.Chmod{Path: "/var/log/link", New: 0o777}); !errors.Is(err, ErrNotRegular) {
		t.Errorf("Chmod of a link = %v, want %v", err, ErrNotRegular)
	}
}

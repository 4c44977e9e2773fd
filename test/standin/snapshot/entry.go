// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// An entry is one file of the tree. MTime and CTime are in nanoseconds.
type entry struct {
	Path   string            `json:"path"`
	Mode   string            `json:"mode"` // as fs.FileMode prints it
	UID    uint32            `json:"uid"`
	GID    uint32            `json:"gid"`
	Size   int64             `json:"size"`
	Inode  uint64            `json:"inode"`
	MTime  int64             `json:"mtime"`
	CTime  int64             `json:"ctime"`
	Hash   string            `json:"hash,omitempty"`
	Target string            `json:"target,omitempty"`
	Xattr  map[string]string `json:"xattr,omitempty"`
}

// newEntry describes a file. It hashes the content if the file changed after since,
// in nanoseconds. For an older file the change time shows a change as surely as a
// hash does, because no system call can set it.
func newEntry(path string, since int64) (entry, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return entry{}, err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return entry{}, fmt.Errorf("%s: no stat", path)
	}
	e := entry{
		Path: path, Mode: info.Mode().String(), UID: st.Uid, GID: st.Gid, Size: info.Size(), Inode: st.Ino,
		MTime: st.Mtim.Nano(), CTime: st.Ctim.Nano(), Xattr: xattrs(path),
	}
	switch {
	case info.Mode().IsRegular() && e.CTime > since:
		e.Hash, err = hash(path)
	case info.Mode()&fs.ModeSymlink != 0:
		e.Target, err = os.Readlink(path)
	case info.IsDir():
		e.Size = 0 // the size of a directory depends on the file system
	}
	return e, err
}

// hash returns the SHA-256 of a file's content. It does not change the file's access
// time.
func hash(path string) (string, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOATIME, 0)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// xattrs returns a file's extended attributes, or nil if there are none or the file
// system does not support them.
func xattrs(path string) map[string]string {
	names := make([]byte, 4096)
	n, err := unix.Llistxattr(path, names)
	if err != nil || n == 0 {
		return nil
	}
	attrs := map[string]string{}
	for name := range strings.SplitSeq(strings.TrimRight(string(names[:n]), "\x00"), "\x00") {
		value := make([]byte, 4096)
		if n, err := unix.Lgetxattr(path, name, value); err == nil {
			attrs[name] = string(value[:n])
		}
	}
	return attrs
}

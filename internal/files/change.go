// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package files

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

// Write applies a [node.WriteFile]. A file that already holds the new content
// is not touched; a file that holds neither the old nor the new one is refused,
// and so is anything but a regular file. check, if not nil, is called before
// the file changes, and its error is returned as it is.
//
// created lists the new directories and the new file, by their paths outside the
// tree, even after a failure: they still have the SELinux label of their parent
// directory.
func (t Tree) Write(c node.WriteFile, check func() error) (created []string, err error) {
	path, err := t.Locate(c.Path)
	if err != nil {
		return nil, Changing(c.Path, err)
	}
	now, err := readRegular(path)
	missing := errors.Is(err, fs.ErrNotExist)
	switch {
	case err != nil && !missing:
		return nil, Changing(c.Path, err)
	case !missing && bytes.Equal(now, c.New):
		return nil, nil
	case !bytes.Equal(now, c.Old): // an empty file counts as a missing one
		return nil, Changing(c.Path, errConcurrentEdit)
	}
	if check != nil {
		if err := check(); err != nil {
			return nil, err
		}
	}
	if missing {
		if created, err = t.MakeDir(filepath.Dir(c.Path)); err != nil {
			return created, err
		}
	}
	scratch := filepath.Dir(path)
	if readsEveryFile(filepath.Dir(filepath.Clean(c.Path))) {
		scratch = filepath.Dir(scratch)
	}
	err = replacement{path: path, scratch: scratch, old: now, new: c.New, mode: c.Mode}.replace()
	if missing && err == nil {
		created = append(created, path)
	}
	return created, Changing(c.Path, err)
}

// readsEveryFile reports whether a program reads every regular file of a
// directory, so that no temporary file may ever be there: Falco in
// [falco.ConfigDir], and logrotate, except for a list of suffixes (logrotate
// 3.21, config.c).
func readsEveryFile(dir string) bool {
	return dir == falco.ConfigDir || dir == falco.RulesDir || dir == "/etc/logrotate.d"
}

// MakeDir creates a directory and its missing parents, each of mode 0755
// whatever the umask. created lists the new ones, by their paths outside the tree.
func (t Tree) MakeDir(name string) (created []string, err error) {
	path, err := t.follow(name)
	if err != nil {
		return nil, Changing(name, err)
	}
	info, err := os.Stat(path)
	parent := filepath.Dir(filepath.Clean(name))
	switch {
	case err == nil && info.IsDir():
		return nil, nil
	case parent == name: // a root that was removed is not created again
		return nil, Changing(name, err)
	}
	if created, err = t.MakeDir(parent); err != nil {
		return created, err
	}
	err = os.Mkdir(path, 0o755)
	if info, no := os.Stat(path); errors.Is(err, fs.ErrExist) && no == nil && info.IsDir() {
		return created, nil // another run was faster
	}
	if err == nil {
		err = os.Chmod(path, 0o755)
	}
	if err != nil {
		return created, Changing(name, err)
	}
	return append(created, path), Changing(name, syncDir(filepath.Dir(path)))
}

// Remove applies a [node.RemoveFile]. A file whose content has changed is not
// removed.
func (t Tree) Remove(c node.RemoveFile) error {
	path, err := t.Locate(c.Path)
	if err != nil {
		return Changing(c.Path, err)
	}
	switch err := removable(path, c.Old); {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return Changing(c.Path, err)
	}
	err = os.Remove(path)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		err = syncDir(filepath.Dir(path))
	}
	return Changing(c.Path, err)
}

// RemoveDir applies a [node.RemoveDir].
func (t Tree) RemoveDir(c node.RemoveDir) error {
	path, err := t.Locate(c.Path)
	if err == nil {
		err = syscall.Rmdir(path)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTEMPTY), errors.Is(err, syscall.EEXIST):
		return nil
	case err == nil:
		err = syncDir(filepath.Dir(path))
	}
	return Changing(c.Path, err)
}

// removable fails unless a file may be removed whose content was old, if that is
// known.
func removable(path string, old []byte) error {
	if old == nil {
		info, err := os.Lstat(path)
		if err == nil && !info.Mode().IsRegular() {
			err = ErrNotRegular
		}
		return err
	}
	now, err := readRegular(path)
	if err == nil && !bytes.Equal(now, old) {
		err = errConcurrentEdit
	}
	return err
}

// Chmod applies a [node.Chmod]. A link is not followed.
func (t Tree) Chmod(c node.Chmod) error {
	return t.withFile(c.Path, func(f *os.File) error { return f.Chmod(c.New) })
}

// Chgrp applies a [node.Chgrp]. A link is not followed.
func (t Tree) Chgrp(c node.Chgrp) error {
	return t.withFile(c.Path, func(f *os.File) error { return f.Chown(-1, c.GID) })
}

func (t Tree) withFile(name string, change func(*os.File) error) error {
	path, err := t.Locate(name)
	var f *os.File
	if err == nil {
		f, err = openItself(path)
	}
	if err == nil {
		err = errors.Join(change(f), f.Close())
	}
	return Changing(name, err)
}

// Changing returns the error of a change to a file, with a hint if there is one;
// nil for nil. A [*node.Error] is returned as it is.
func Changing(path string, err error) error {
	if err == nil || errors.As(err, new(*node.Error)) {
		return err
	}
	err = fmt.Errorf("changing %s: %w", path, Bare(err))
	hint := ""
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		hint = "make room on the file system that holds it (df -h, df -i) and run again; the old file is as it was"
	case errors.Is(err, syscall.EROFS):
		hint = "its file system is mounted read-only: remount it, or look for the reason in the kernel log (dmesg)"
	case errors.Is(err, syscall.EBUSY):
		hint = "is it a mount point (findmnt)? a file that is mounted there by itself cannot be replaced: unmount it, or change what is mounted"
	case errors.Is(err, fs.ErrPermission):
		hint = "if this is root, look for an immutable flag (lsattr), a read-only mount, or SELinux (ausearch -m avc -ts recent)"
	case errors.Is(err, ErrNotRegular):
		hint = node.HintNotRegular
	case errors.Is(err, errLocked):
		hint = "`lslocks` names the process that locks " + StateDir + "; end it and run again"
	case errors.Is(err, errConcurrentEdit):
		hint = "run again; if it happens again, find out which other program manages the file"
	case errors.Is(err, syscall.EIO):
		hint = "the disk or the way to it fails: see the kernel log (dmesg); the old file is as it was"
	default:
		hint = "run again; if it happens again, see what is in the way (namei -l " + path + ")"
	}
	return &node.Error{Code: node.CodeFailed, Err: err, Hint: hint}
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package files

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// infix marks temporary files: .NAME.falco-bootstrap-RANDOM.
const infix = ".falco-bootstrap-"

var (
	// errConcurrentEdit means that a file no longer holds the content that the
	// change was planned for.
	errConcurrentEdit = errors.New("somebody else changed it meanwhile; nothing was written")
	errScratch        = errors.New("its temporary file would be on another file system")
)

// A replacement replaces a file atomically.
type replacement struct {
	path string // outside the tree
	// scratch is the directory of the temporary file, on the same file system.
	scratch string
	old     []byte // what the file must hold now; nil if it must be missing
	new     []byte
	mode    fs.FileMode // of a file that is missing
}

// Overwrite replaces a regular file, whatever its content, or creates it. The
// path does not belong to a tree.
func Overwrite(path string, content []byte, mode fs.FileMode) error {
	old, err := readRegular(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return replacement{path: path, scratch: filepath.Dir(path), old: old, new: content, mode: mode}.replace()
}

// replace swaps the file. At any moment, and after any failure, the path holds
// all of the old content or all of the new; the new content is on disk before the
// old one is removed.
func (r replacement) replace() error {
	if err := r.sweep(); err != nil {
		return err
	}
	old, err := openItself(r.path)
	if err == nil {
		defer func() { _ = old.Close() }()
		err = requireRegular(old)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	temp, err := r.write(old)
	if err != nil {
		return err
	}
	if err := r.swap(temp); err != nil {
		_ = os.Remove(temp)
		return err
	}
	// The rename is durable once the directory is on disk.
	err = syncDir(filepath.Dir(r.path))
	if r.scratch != filepath.Dir(r.path) {
		err = errors.Join(err, syncDir(r.scratch))
	}
	return err
}

// sweep removes the temporary files that killed runs left for this file. A lock
// ensures that nobody else is writing it now.
func (r replacement) sweep() error {
	left, err := Glob(r.scratch, "."+escape(filepath.Base(r.path))+infix+"*")
	if err != nil {
		return err
	}
	for _, path := range left {
		if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() {
			if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

// write creates the temporary file, with the owner, mode and extended attributes
// of old, and syncs it to disk. After a failure none is left.
func (r replacement) write(old *os.File) (path string, err error) {
	path = filepath.Join(r.scratch, "."+filepath.Base(r.path)+infix+rand.Text()[:12])
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return "", err
	}
	_, err = f.Write(r.new)
	if err == nil {
		err = copyMetadata(f, old, r.mode)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		_ = os.Remove(path)
		return "", err
	}
	return path, nil
}

// swap puts the temporary file in place if the file still holds r.old.
func (r replacement) swap(temp string) error {
	now, err := readRegular(r.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if r.old != nil {
			return errConcurrentEdit
		}
		err = unix.Renameat2(unix.AT_FDCWD, temp, unix.AT_FDCWD, r.path, unix.RENAME_NOREPLACE)
		switch {
		case errors.Is(err, unix.EEXIST):
			return errConcurrentEdit
		case errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EINVAL): // Linux before 3.15, some file systems
			return os.Rename(temp, r.path)
		}
		return err
	case err != nil:
		return err
	case r.old == nil || !bytes.Equal(now, r.old):
		return errConcurrentEdit
	}
	err = os.Rename(temp, r.path)
	if errors.Is(err, syscall.EXDEV) {
		return errScratch
	}
	return err
}

// copyMetadata gives a new file the owner, mode and extended attributes of the
// old one, or the given mode if there is no old one.
func copyMetadata(f, old *os.File, mode fs.FileMode) error {
	if old == nil {
		return f.Chmod(mode)
	}
	var st unix.Stat_t
	if err := unix.Fstat(int(old.Fd()), &st); err != nil {
		return fmt.Errorf("reading its owner: %w", err)
	}
	if err := f.Chown(int(st.Uid), int(st.Gid)); err != nil {
		return fmt.Errorf("keeping its owner: %w", Bare(err))
	}
	if err := copyAttributes(f, old); err != nil {
		return fmt.Errorf("keeping its extended attributes: %w", err)
	}
	// Last, because a change of owner clears the set-user-ID bits, and an access
	// control list sets the group's bits.
	return unix.Fchmod(int(f.Fd()), st.Mode&0o7777)
}

// copyAttributes copies the extended attributes, such as SELinux's label and
// access control lists, but not the hashes of the content that IMA and EVM keep.
func copyAttributes(f, old *os.File) error {
	list := make([]byte, 64<<10)
	n, err := unix.Flistxattr(int(old.Fd()), list)
	if errors.Is(err, unix.ENOTSUP) {
		return nil
	} else if err != nil {
		return err
	}
	value := make([]byte, 64<<10)
	for name := range strings.SplitSeq(strings.TrimRight(string(list[:n]), "\x00"), "\x00") {
		if name == "" || name == "security.ima" || name == "security.evm" {
			continue
		}
		n, err := unix.Fgetxattr(int(old.Fd()), name, value)
		if errors.Is(err, unix.ENODATA) {
			continue
		} else if err != nil {
			return fmt.Errorf("reading %s: %w", name, err)
		}
		if hasAttribute(f, name, value[:n]) {
			continue
		}
		if err := unix.Fsetxattr(int(f.Fd()), name, value[:n], 0); err != nil {
			return fmt.Errorf("setting %s: %w", name, err)
		}
	}
	return nil
}

// hasAttribute reports whether a file already has an attribute with this value,
// such as its directory's label. Setting it may need a privilege.
func hasAttribute(f *os.File, name string, value []byte) bool {
	have := make([]byte, len(value)+1)
	n, err := unix.Fgetxattr(int(f.Fd()), name, have)
	return err == nil && bytes.Equal(have[:n], value)
}

func syncDir(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	err = f.Sync()
	if errors.Is(err, syscall.EINVAL) { // the file system cannot sync directories
		err = nil
	}
	return errors.Join(err, f.Close())
}

// Glob lists the files of a directory whose names match a pattern.
func Glob(dir, pattern string) ([]string, error) {
	return filepath.Glob(filepath.Join(escape(dir), pattern))
}

// escape returns the pattern that matches only s.
func escape(s string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(s)
}

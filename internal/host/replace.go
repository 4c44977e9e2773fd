// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// infix marks temporary files: .NAME.falco-bootstrap-RANDOM.
const infix = ".falco-bootstrap-"

// A replacement is a file that is to be replaced whole.
type replacement struct {
	path string // seen from outside the tree
	// scratch is the folder of the temporary file, on the same file system.
	scratch string
	old     []byte // what the file must hold now; nil if it must not be there
	new     []byte
	mode    fs.FileMode // of a file that is not there yet
}

var (
	// errChanged means that a file does not hold what the change was made for.
	errChanged = errors.New("changed meanwhile")
	errScratch = errors.New("its temporary file would lie on another file system")
)

// replace swaps the file. After any failure, and at any moment in between, the
// path holds the old content or the new, whole; the new one is on disk before
// the old one goes.
func (r replacement) replace() error {
	if err := r.sweep(); err != nil {
		return err
	}
	old, err := openRegular(r.path)
	switch {
	case err == nil:
		defer func() { _ = old.Close() }()
	case !errors.Is(err, fs.ErrNotExist):
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
	// The rename is lasting once the folder is on disk.
	err = syncFolder(filepath.Dir(r.path))
	if r.scratch != filepath.Dir(r.path) {
		err = errors.Join(err, syncFolder(r.scratch))
	}
	return err
}

// sweep removes what runs that were killed left behind for this file. A lock
// sees to it that nobody else is writing it now.
func (r replacement) sweep() error {
	left, err := filepath.Glob(filepath.Join(escape(r.scratch), "."+escape(filepath.Base(r.path))+infix+"*"))
	if err != nil {
		return err
	}
	for _, path := range left {
		if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() {
			continue
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// write makes the temporary file: content, owner, mode, extended attributes,
// all of it on disk. A failure leaves none.
func (r replacement) write(old *os.File) (path string, err error) {
	suffix := make([]byte, 6)
	_, _ = rand.Read(suffix) // never fails since Go 1.24
	path = filepath.Join(r.scratch, "."+filepath.Base(r.path)+infix+hex.EncodeToString(suffix))
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return "", err
	}
	_, err = f.Write(r.new)
	if err == nil {
		err = dress(f, old, r.mode)
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

// swap puts the temporary file in place if the file still holds what it is
// known to hold.
func (r replacement) swap(temp string) error {
	now, err := readRegular(r.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if r.old != nil {
			return errChanged
		}
		err = unix.Renameat2(unix.AT_FDCWD, temp, unix.AT_FDCWD, r.path, unix.RENAME_NOREPLACE)
		switch {
		case errors.Is(err, unix.EEXIST):
			return errChanged
		case errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EINVAL): // Linux before 3.15, some file systems
			return os.Rename(temp, r.path)
		}
		return err
	case err != nil:
		return err
	case r.old == nil || !bytes.Equal(now, r.old):
		return errChanged
	}
	err = os.Rename(temp, r.path)
	if errors.Is(err, syscall.EXDEV) {
		return errScratch
	}
	return err
}

// dress gives a new file the owner, mode and extended attributes of the old
// one, or a mode of its own.
func dress(f, old *os.File, mode fs.FileMode) error {
	if old == nil {
		return f.Chmod(mode)
	}
	var st unix.Stat_t
	if err := unix.Fstat(int(old.Fd()), &st); err != nil {
		return fmt.Errorf("reading its owner: %w", err)
	}
	var now unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &now); err != nil {
		return err
	}
	if st.Uid != now.Uid || st.Gid != now.Gid {
		if err := f.Chown(int(st.Uid), int(st.Gid)); err != nil {
			return fmt.Errorf("keeping its owner: %w", bare(err))
		}
	}
	if err := copyAttributes(f, old); err != nil {
		return fmt.Errorf("keeping its extended attributes: %w", err)
	}
	// Last: a change of owner clears the set-uid bits, and an access list
	// sets the group's bits.
	return unix.Fchmod(int(f.Fd()), st.Mode&0o7777)
}

// copyAttributes copies extended attributes, SELinux's label and access lists
// among them, but for the hashes that IMA and EVM keep of the content.
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

// hasAttribute reports whether a file has an attribute of this value already,
// as a new file has its folder's label: setting it may need a privilege that
// is not needed then.
func hasAttribute(f *os.File, name string, value []byte) bool {
	have := make([]byte, len(value)+1)
	n, err := unix.Fgetxattr(int(f.Fd()), name, have)
	return err == nil && bytes.Equal(have[:n], value)
}

// openRegular opens a file that must be a regular one; a link is not followed.
func openRegular(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, syscall.ELOOP) || errors.Is(err, syscall.ENXIO) {
		return nil, ErrNotRegular // a link; a socket
	} else if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = ErrNotRegular
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// readRegular reads a regular file whole. The content of an empty one is not nil.
func readRegular(path string) ([]byte, error) {
	f, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	content, err := io.ReadAll(io.LimitReader(f, readLimit+1))
	if err == nil && len(content) > readLimit {
		err = errTooLarge
	}
	return content, err
}

// syncFolder brings a folder's entries to disk.
func syncFolder(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	err = f.Sync()
	if errors.Is(err, syscall.EINVAL) { // a file system that knows no such thing
		err = nil
	}
	return errors.Join(err, f.Close())
}

// escape takes the meaning from a pattern's characters.
func escape(s string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(s)
}

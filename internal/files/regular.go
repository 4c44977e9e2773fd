// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package files

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// readLimit bounds a file that is read whole. Configuration files are a
// thousand times smaller.
const readLimit = 64 << 20

var (
	// ErrNotRegular means that a path is a link, a directory, a FIFO or a
	// device where only a regular file is read or replaced.
	ErrNotRegular   = errors.New("not a regular file")
	errNotDirectory = errors.New("not a directory")
	errTooLarge     = errors.New("larger than any file that is read whole (64 MiB)")
)

// requireRegular refuses an open file that is not a regular one.
func requireRegular(f fs.File) error {
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = ErrNotRegular
	}
	return err
}

// readAll reads an open file whole if it is a regular one. The content of an
// empty file is not nil.
func readAll(f fs.File) ([]byte, error) {
	if err := requireRegular(f); err != nil {
		return nil, err
	}
	content, err := io.ReadAll(io.LimitReader(f, readLimit+1))
	if err == nil && len(content) > readLimit {
		err = errTooLarge
	}
	return content, err
}

// openItself opens a file for reading; a link is not followed.
func openItself(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, syscall.ELOOP) || errors.Is(err, syscall.ENXIO) {
		return nil, ErrNotRegular // a link; a socket
	}
	return f, err
}

// readRegular reads a regular file whole; a link is not followed.
func readRegular(path string) ([]byte, error) {
	f, err := openItself(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return readAll(f)
}

// syncDir brings a directory's entries to disk.
func syncDir(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	err = f.Sync()
	if errors.Is(err, syscall.EINVAL) { // a file system that cannot
		err = nil
	}
	return errors.Join(err, f.Close())
}

// Glob lists the files of a directory whose names match a pattern.
func Glob(dir, pattern string) ([]string, error) {
	return filepath.Glob(filepath.Join(escape(dir), pattern))
}

// escape returns the pattern that matches s only.
func escape(s string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(s)
}

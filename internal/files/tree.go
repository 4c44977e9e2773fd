// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Package files reads and changes the files of a node: rooted, so that a link
// inside a tree never leads out of it, and atomically, so that a file always
// holds all of its old content or all of its new content.
//
// A [Tree] reads files and applies changes to them. [WriteState] and
// [WriteOutput] write the agent's own.
//
// The package runs no program: SELinux labels are left to the caller.
package files

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	securejoin "github.com/cyphar/filepath-securejoin"
	"golang.org/x/sys/unix"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

// A Tree is a file tree seen from its root. As a file system it follows links
// inside the root and reads regular files only; names have no leading slash.
// The paths that other methods take have one.
type Tree struct {
	// root is clean and absolute; "/" is the machine's own.
	root string
}

var (
	_ fs.ReadFileFS = Tree{}
	_ fs.ReadDirFS  = Tree{}
	_ fs.StatFS     = Tree{}
)

// NewTree returns the tree below a directory; "" means "/".
func NewTree(root string) (Tree, error) {
	if root == "" {
		root = "/"
	}
	abs, err := filepath.Abs(root)
	if err == nil {
		abs, err = filepath.EvalSymlinks(abs)
	}
	if err != nil {
		return Tree{}, fmt.Errorf("finding the root: %w", err)
	}
	if info, err := os.Stat(abs); err != nil || !info.IsDir() {
		return Tree{}, fmt.Errorf("finding the root %s: %w", root, errNotDirectory)
	}
	return Tree{root: abs}, nil
}

// IsMachine reports whether the tree is this machine's own, "/".
func (t Tree) IsMachine() bool { return t.root == "/" }

// Locate returns the path of a file outside the tree. Links in the directories
// above it are followed inside the root; a link in its place is not.
func (t Tree) Locate(path string) (string, error) {
	path = filepath.Join("/", path)
	if t.IsMachine() || path == "/" {
		return t.follow(path)
	}
	dir, err := t.follow(filepath.Dir(path))
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, filepath.Base(path)), nil
}

// follow returns the path outside the tree, with all links followed inside the
// root.
func (t Tree) follow(path string) (string, error) {
	if t.IsMachine() {
		return filepath.Join("/", path), nil
	}
	return securejoin.SecureJoin(t.root, path)
}

// Open opens a regular file or a directory. Anything else is [ErrNotRegular].
func (t Tree) Open(name string) (fs.File, error) {
	return at(t, "open", name, func(path string) (fs.File, error) { return open(path, os.Stat, 0) })
}

// ReadFile reads a regular file whole.
func (t Tree) ReadFile(name string) ([]byte, error) {
	f, err := t.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	content, err := readAll(f, readLimit)
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: "/" + name, Err: Bare(err)}
	}
	return content, nil
}

// ReadDir lists a directory, sorted by name.
func (t Tree) ReadDir(name string) ([]fs.DirEntry, error) {
	return at(t, "readdir", name, os.ReadDir)
}

// Stat describes what a name leads to.
func (t Tree) Stat(name string) (fs.FileInfo, error) { return at(t, "stat", name, os.Stat) }

// at calls f with the path that a name leads to.
func at[T any](t Tree, op, name string, f func(path string) (T, error)) (v T, err error) {
	if !fs.ValidPath(name) {
		return v, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	path, err := t.follow(name)
	if err == nil {
		v, err = f(path)
	}
	return v, inside(err, name)
}

// Lstat describes a file; a link is not followed.
func (t Tree) Lstat(path string) (file node.File, err error) {
	defer func() { err = inside(err, strings.TrimPrefix(path, "/")) }()
	located, err := t.Locate(path)
	if err != nil {
		return file, err
	}
	info, err := os.Lstat(located)
	if err != nil {
		return file, err
	}
	file = node.File{Mode: info.Mode(), Size: info.Size(), ModTime: info.ModTime()}
	if sys, ok := info.Sys().(*syscall.Stat_t); ok {
		file.UID, file.GID, file.Inode = int(sys.Uid), int(sys.Gid), sys.Ino
	}
	var more unix.Statx_t
	if unix.Statx(unix.AT_FDCWD, located, unix.AT_SYMLINK_NOFOLLOW, unix.STATX_BTIME, &more) == nil && more.Mask&unix.STATX_BTIME != 0 {
		file.Created = time.Unix(more.Btime.Sec, int64(more.Btime.Nsec))
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		file.Target, err = os.Readlink(located)
	}
	return file, err
}

// Glob lists the paths that match a pattern, sorted. A malformed pattern
// matches nothing.
func (t Tree) Glob(pattern string) []string {
	found, _ := fs.Glob(t, strings.TrimPrefix(pattern, "/"))
	for i := range found {
		found[i] = "/" + found[i]
	}
	slices.Sort(found)
	return found
}

// inside gives an error the path inside the root, so that messages are about the
// node.
func inside(err error, name string) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return &fs.PathError{Op: p.Op, Path: "/" + name, Err: p.Err}
	}
	return err
}

// Bare returns err without the path, or the two of a rename, that it names.
func Bare(err error) error {
	var p *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &p):
		return p.Err
	case errors.As(err, &link):
		return link.Err
	}
	return err
}

// readLimit bounds a file that is read whole. Configuration files are a
// thousand times smaller.
const readLimit = 64 << 20

var (
	// ErrNotRegular means that a path is a link, a directory, a FIFO or a
	// device where only a regular file is read or replaced.
	ErrNotRegular   = errors.New("not a regular file")
	errNotDirectory = errors.New("not a directory")
)

// requireRegular refuses an open file that is not regular.
func requireRegular(f fs.File) error {
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = ErrNotRegular
	}
	return err
}

// readAll reads all of an open regular file of at most limit bytes. The content of
// an empty file is not nil.
func readAll(f fs.File, limit int64) ([]byte, error) {
	if err := requireRegular(f); err != nil {
		return nil, err
	}
	content, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(content)) > limit {
		err = fmt.Errorf("larger than %d MiB, the most that is read", limit>>20)
	}
	return content, err
}

// ReadFile reads a regular file of this machine, of at most limit bytes. A link is
// followed; anything but a regular file is [ErrNotRegular].
func ReadFile(path string, limit int64) ([]byte, error) {
	f, err := open(path, os.Stat, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	content, err := readAll(f, limit)
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: path, Err: Bare(err)}
	}
	return content, nil
}

// OpenRegular opens a regular file of this machine for reading. A link is followed;
// anything else is [ErrNotRegular], and is not opened.
func OpenRegular(path string) (*os.File, error) {
	f, err := open(path, os.Stat, 0)
	if err != nil {
		return nil, err
	}
	if err := requireRegular(f); err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// open opens a regular file or a directory for reading. Anything else is not even
// opened: the open of a FIFO waits for its other end, or lets that go on, and the
// open of a device may act. Nor does it wait if the file is replaced meanwhile.
func open(path string, stat func(string) (fs.FileInfo, error), flag int) (*os.File, error) {
	info, err := stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() && !info.IsDir() {
		return nil, &fs.PathError{Op: "open", Path: path, Err: ErrNotRegular}
	}
	return os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|flag, 0)
}

// openItself opens a file for reading; a link is not followed.
func openItself(path string) (*os.File, error) {
	f, err := open(path, os.Lstat, syscall.O_NOFOLLOW)
	if errors.Is(err, ErrNotRegular) || errors.Is(err, syscall.ELOOP) { // since the look at it
		return nil, ErrNotRegular
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
	return readAll(f, readLimit)
}

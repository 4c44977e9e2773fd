// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

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

	securejoin "github.com/cyphar/filepath-securejoin"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

// readLimit bounds a file that is read whole. Configuration files are a
// thousand times smaller.
const readLimit = 64 << 20

var (
	// ErrNotRegular means that a path is a link, a folder, a FIFO or a device
	// where only a regular file is read or replaced.
	ErrNotRegular = errors.New("not a regular file")
	errTooLarge   = errors.New("larger than any file that is read whole (64 MiB)")
)

// A tree is a file tree seen from its root. It implements [fs.FS] and the
// three extensions that [node.View] promises.
type tree struct {
	// root is clean and absolute; "/" is the machine's own.
	root string
}

var (
	_ fs.ReadFileFS = tree{}
	_ fs.ReadDirFS  = tree{}
	_ fs.StatFS     = tree{}
)

// newTree checks and cleans a root.
func newTree(root string) (tree, error) {
	if root == "" {
		root = "/"
	}
	abs, err := filepath.Abs(root)
	if err != nil {
		return tree{}, fmt.Errorf("finding the root %s: %w", root, err)
	}
	if abs, err = filepath.EvalSymlinks(abs); err != nil {
		return tree{}, fmt.Errorf("finding the root: %w", err)
	}
	if info, err := os.Stat(abs); err != nil || !info.IsDir() {
		return tree{}, fmt.Errorf("finding the root %s: not a folder", root)
	}
	return tree{root: abs}, nil
}

// own reports whether the tree is the machine's own.
func (t tree) own() bool { return t.root == "/" }

// follow is the path, seen from outside, of name with all links followed
// inside the root. The name may begin with a slash.
func (t tree) follow(name string) (string, error) {
	if t.own() {
		return filepath.Join("/", name), nil
	}
	return securejoin.SecureJoin(t.root, name)
}

// locate is the path, seen from outside, of name itself: the folders above it
// are followed, a link in its place is not.
func (t tree) locate(name string) (string, error) {
	name = filepath.Join("/", name)
	if t.own() || name == "/" {
		return t.follow(name)
	}
	folder, err := t.follow(filepath.Dir(name))
	if err != nil {
		return "", err
	}
	return filepath.Join(folder, filepath.Base(name)), nil
}

// Open implements [fs.FS]. A FIFO without a writer does not hold it up.
func (t tree) Open(name string) (fs.File, error) {
	path, err := t.resolve("open", name)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	return f, inside(err, name)
}

// ReadFile implements [fs.ReadFileFS] for regular files.
func (t tree) ReadFile(name string) ([]byte, error) {
	f, err := t.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, inside(err, name)
	}
	if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "read", Path: "/" + name, Err: ErrNotRegular}
	}
	content, err := io.ReadAll(io.LimitReader(f, readLimit+1))
	if err == nil && len(content) > readLimit {
		err = errTooLarge
	}
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: "/" + name, Err: bare(err)}
	}
	return content, nil
}

// ReadDir implements [fs.ReadDirFS]: sorted by name.
func (t tree) ReadDir(name string) ([]fs.DirEntry, error) {
	path, err := t.resolve("readdir", name)
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(path)
	return entries, inside(err, name)
}

// Stat implements [fs.StatFS]: links are followed.
func (t tree) Stat(name string) (fs.FileInfo, error) {
	path, err := t.resolve("stat", name)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(path)
	return info, inside(err, name)
}

func (t tree) resolve(op, name string) (string, error) {
	if !fs.ValidPath(name) {
		return "", &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	path, err := t.follow(name)
	return path, inside(err, name)
}

// stat tells of a file itself; name begins with a slash.
func (t tree) stat(name string) (node.File, error) {
	path, err := t.locate(name)
	if err != nil {
		return node.File{}, inside(err, strings.TrimPrefix(name, "/"))
	}
	info, err := os.Lstat(path)
	if err != nil {
		return node.File{}, inside(err, strings.TrimPrefix(name, "/"))
	}
	file := node.File{Mode: info.Mode(), Size: info.Size(), ModTime: info.ModTime()}
	if sys, ok := info.Sys().(*syscall.Stat_t); ok {
		file.UID, file.GID = int(sys.Uid), int(sys.Gid)
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		if file.Target, err = os.Readlink(path); err != nil {
			return node.File{}, inside(err, strings.TrimPrefix(name, "/"))
		}
	}
	return file, nil
}

// glob lists the paths, with leading slash and sorted, that match a pattern.
func (t tree) glob(pattern string) []string {
	found, _ := fs.Glob(t, strings.TrimPrefix(pattern, "/")) // a bad pattern matches nothing
	for i := range found {
		found[i] = "/" + found[i]
	}
	slices.Sort(found)
	return found
}

// inside names a file by its path inside the root, whatever the path it has
// outside, so that messages speak of the node.
func inside(err error, name string) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return &fs.PathError{Op: p.Op, Path: "/" + name, Err: p.Err}
	}
	return err
}

// bare is err without the path that it names.
func bare(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

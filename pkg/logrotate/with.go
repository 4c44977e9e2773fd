// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package logrotate

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

// With returns fsys with another content of the file at path, or without it if
// content is nil, to see what logrotate would make of that. The file is root's
// and has mode 0644; its directory exists.
func With(fsys fs.FS, path string, content []byte) fs.FS {
	return withFile{FS: fsys, name: rooted(path), content: content}
}

type withFile struct {
	fs.FS
	name    string // io/fs, without a leading slash
	content []byte
}

func (t withFile) missing(op string) error {
	return &fs.PathError{Op: op, Path: t.name, Err: fs.ErrNotExist}
}

func (t withFile) ReadFile(name string) ([]byte, error) {
	switch {
	case name != t.name:
		return fs.ReadFile(t.FS, name)
	case t.content == nil:
		return nil, t.missing("open")
	}
	return slices.Clone(t.content), nil
}

func (t withFile) Stat(name string) (fs.FileInfo, error) {
	switch {
	case name == path.Dir(t.name):
		return plainFile{path.Base(name), 0, fs.ModeDir | 0o755}, nil
	case name != t.name:
		return fs.Stat(t.FS, name)
	case t.content == nil:
		return nil, t.missing("stat")
	}
	return plainFile{path.Base(t.name), int64(len(t.content)), 0o644}, nil
}

func (t withFile) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(t.FS, name)
	if name != path.Dir(t.name) || err != nil && !errors.Is(err, fs.ErrNotExist) {
		return entries, err
	}
	entries = slices.DeleteFunc(slices.Clone(entries), func(e fs.DirEntry) bool { return e.Name() == path.Base(t.name) })
	if t.content != nil {
		info, _ := t.Stat(t.name)
		entries = append(entries, fs.FileInfoToDirEntry(info))
		slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	}
	return entries, nil
}

// plainFile is what Stat says of a file that is not written yet.
type plainFile struct {
	name string
	size int64
	mode fs.FileMode
}

func (f plainFile) Name() string       { return f.name }
func (f plainFile) Size() int64        { return f.size }
func (f plainFile) Mode() fs.FileMode  { return f.mode }
func (f plainFile) ModTime() time.Time { return time.Time{} }
func (f plainFile) IsDir() bool        { return f.mode.IsDir() }
func (f plainFile) Sys() any           { return nil }

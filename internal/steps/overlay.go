// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package steps

import (
	"bytes"
	"io/fs"
	"path"
	"time"
)

// An overlay is a tree in which one file has other content: how the node would
// look after an edit, without making it.
type overlay struct {
	fs.FS
	name    string
	content []byte
}

// Open implements [fs.FS].
func (o overlay) Open(name string) (fs.File, error) {
	if name != o.name {
		return o.FS.Open(name)
	}
	return &memoryFile{Reader: bytes.NewReader(o.content), info: memoryInfo{path.Base(name), int64(len(o.content))}}, nil
}

// A memoryFile is a regular file made of bytes.
type memoryFile struct {
	*bytes.Reader
	info memoryInfo
}

// A memoryInfo is its fs.FileInfo.
type memoryInfo struct {
	name string
	size int64
}

func (f *memoryFile) Close() error               { return nil }
func (f *memoryFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f memoryInfo) Name() string                { return f.name }
func (f memoryInfo) Size() int64                 { return f.size }
func (f memoryInfo) Mode() fs.FileMode           { return 0o644 }
func (f memoryInfo) ModTime() time.Time          { return time.Time{} }
func (f memoryInfo) IsDir() bool                 { return false }
func (f memoryInfo) Sys() any                    { return nil }

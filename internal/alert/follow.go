// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package alert

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/falco-bootstrap/falco-bootstrap/internal/files"
)

// A follower reads what is appended to a file from now on, line by line. The
// file may be created, truncated, and replaced. What is still written to a
// replaced file is read as well, since a Falco that keeps its log open writes
// there.
type follower struct {
	path    string
	file    *os.File
	offset  int64
	partial []byte
	// old are files that were replaced since.
	old []*follower
	// existed says that the file was there at the start, rotated that it was
	// truncated or replaced since.
	existed, rotated bool
}

// maxLine bounds a line without an end; an alert has a few kilobytes.
const maxLine = 1 << 20

// follow begins at the present end of a file. A file that is missing is read
// from its start once it appears. Anything but a regular file is
// [files.ErrNotRegular]: reading a FIFO would take from its reader.
func follow(path string) (*follower, error) {
	f := &follower{path: path}
	if err := f.open(); err != nil {
		return nil, err
	}
	if f.file != nil {
		end, err := f.file.Seek(0, io.SeekEnd)
		if err != nil {
			f.close()
			return nil, err
		}
		f.offset, f.existed = end, true
	}
	return f, nil
}

// open opens the file if it is there. A link is followed, as Falco does.
func (f *follower) open() error {
	info, err := os.Stat(f.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return &fs.PathError{Op: "follow", Path: f.path, Err: files.ErrNotRegular}
	}
	file, err := os.OpenFile(f.path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	f.file, f.offset, f.partial = file, 0, nil
	return err
}

// lines calls each with every line that was completed since the last call.
func (f *follower) lines(each func([]byte)) error {
	for _, old := range f.old {
		if err := old.drain(each); err != nil {
			return err
		}
	}
	if f.file == nil {
		if err := f.open(); err != nil || f.file == nil {
			return err
		}
	}
	if err := f.drain(each); err != nil {
		return err
	}
	if f.current() {
		return nil
	}
	f.rotated = true
	f.old = append(f.old, &follower{path: f.path, file: f.file, offset: f.offset, partial: f.partial})
	f.file = nil
	if err := f.open(); err != nil || f.file == nil {
		return err
	}
	return f.drain(each)
}

// current reports whether no other file has taken the place of the open one.
func (f *follower) current() bool {
	now, err := os.Stat(f.path)
	if err != nil {
		return true
	}
	have, err := f.file.Stat()
	return err == nil && os.SameFile(now, have)
}

// drain reads to the end of the open file.
func (f *follower) drain(each func([]byte)) error {
	info, err := f.file.Stat()
	if err != nil {
		return err
	}
	if info.Size() < f.offset { // truncated, as by logrotate's copytruncate
		f.offset, f.partial, f.rotated = 0, nil, true
	}
	buf := make([]byte, 64<<10)
	for {
		n, err := f.file.ReadAt(buf, f.offset)
		f.offset += int64(n)
		f.partial = append(f.partial, buf[:n]...)
		for {
			line, rest, found := bytes.Cut(f.partial, []byte("\n"))
			if !found {
				break
			}
			each(line)
			f.partial = rest
		}
		if len(f.partial) > maxLine {
			f.partial = nil
		}
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func (f *follower) close() {
	for _, old := range f.old {
		old.close()
	}
	if f.file != nil {
		_ = f.file.Close()
	}
}

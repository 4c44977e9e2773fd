// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// A follower reads what is appended to a file from now on, line by line. The
// file may come into being, be cut to nothing, and be replaced by another of
// its name; what is still written to the one before is read as well, since a
// Falco that keeps its log open goes on there.
type follower struct {
	path    string
	file    *os.File
	offset  int64
	partial []byte
	// old are files that were replaced since.
	old []*follower
	// met says what happened to the file.
	met struct{ existed, rotated bool }
}

// maxLine bounds a line that has no end yet; an alert has some kilobytes.
const maxLine = 1 << 20

// follow begins at the end of the file as it is now. A file that is not there
// yet is read from its beginning. Anything but a regular file is
// [ErrNotRegular]: reading a FIFO would take from its reader.
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
		f.offset, f.met.existed = end, true
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
		return &fs.PathError{Op: "follow", Path: f.path, Err: ErrNotRegular}
	}
	file, err := os.OpenFile(f.path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	f.file, f.offset, f.partial = file, 0, nil
	return err
}

// lines gives each line that was completed since the last call.
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
	f.met.rotated = true
	f.old = append(f.old, &follower{path: f.path, file: f.file, offset: f.offset, partial: f.partial})
	f.file = nil
	if err := f.open(); err != nil || f.file == nil {
		return err
	}
	return f.drain(each)
}

// current reports whether the open file still is the one of that name, or at
// least none has taken its place.
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
	if info.Size() < f.offset { // cut to nothing, as by logrotate's copytruncate
		f.offset, f.partial, f.met.rotated = 0, nil, true
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

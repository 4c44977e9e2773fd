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

// A follower reads the lines that are appended to a file from now on. The file
// may be created, truncated, and replaced. A replaced file is still read, since
// a Falco that keeps its log open writes there.
type follower struct {
	path  string
	parts []*part // the files that have had the name, the present one last
}

type part struct {
	file    *os.File
	offset  int64
	partial []byte // the start of a line
}

// maxLine bounds a line, in bytes; an alert has a few kilobytes.
const maxLine = 1 << 20

// follow begins at the present end of a file. A missing file is read from its
// start once it appears. Anything but a regular file is [files.ErrNotRegular]:
// reading a FIFO would take data from its reader.
func follow(path string) (*follower, error) {
	f := &follower{path: path}
	opened, err := f.open()
	if opened {
		f.parts[0].offset, err = f.parts[0].file.Seek(0, io.SeekEnd)
	}
	if err != nil {
		f.close()
		return nil, err
	}
	return f, nil
}

// open opens the file that has the name now, unless it is open already. A link
// is followed, as Falco does.
func (f *follower) open() (opened bool, err error) {
	now, err := os.Stat(f.path)
	switch {
	case errors.Is(err, fs.ErrNotExist), err != nil && len(f.parts) > 0:
		return false, nil
	case err != nil:
		return false, err
	case len(f.parts) > 0:
		if last, err := f.parts[len(f.parts)-1].file.Stat(); err == nil && os.SameFile(now, last) {
			return false, nil
		}
	}
	if !now.Mode().IsRegular() {
		return false, &fs.PathError{Op: "follow", Path: f.path, Err: files.ErrNotRegular}
	}
	file, err := os.OpenFile(f.path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		return false, err
	}
	f.parts = append(f.parts, &part{file: file})
	return true, nil
}

// lines calls each for every line that was completed since the last call.
func (f *follower) lines(each func([]byte)) error {
	for _, p := range f.parts {
		if err := p.drain(each); err != nil {
			return err
		}
	}
	opened, err := f.open()
	if opened {
		err = f.parts[len(f.parts)-1].drain(each)
	}
	return err
}

func (p *part) drain(each func([]byte)) error {
	info, err := p.file.Stat()
	if err != nil {
		return err
	}
	if info.Size() < p.offset { // truncated, as by logrotate's copytruncate
		p.offset, p.partial = 0, nil
	}
	buf := make([]byte, 64<<10)
	for {
		n, err := p.file.ReadAt(buf, p.offset)
		p.offset += int64(n)
		p.partial = append(p.partial, buf[:n]...)
		for {
			line, rest, found := bytes.Cut(p.partial, []byte("\n"))
			if !found {
				break
			}
			each(line)
			p.partial = rest
		}
		if len(p.partial) > maxLine {
			p.partial = nil
		}
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func (f *follower) close() {
	for _, p := range f.parts {
		_ = p.file.Close()
	}
}

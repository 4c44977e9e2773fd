// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// maxRecord bounds one report in a stream, in bytes. A real one has some ten
// thousand.
const maxRecord = 16 << 20

var (
	errNoObject = errors.New("not a JSON object")
	errCutShort = errors.New("cut short")
	errTooLarge = fmt.Errorf("larger than %d MiB", maxRecord>>20)
)

// records finds the JSON objects in a stream: one a line, indented, or one
// after the other. What is broken costs itself only: a line break inside a
// string, or a line that begins with a brace while an object is open, begins
// anew, which neither NDJSON nor indented JSON has.
type records struct {
	// found is given each object, valid until it returns.
	found func(object []byte, line int)
	// bad is given what is no object.
	bad func(line int, err error)

	open    []byte // the object so far
	start   int    // its first line
	line    int
	depth   int
	quoted  bool
	escaped bool
	huge    bool
}

// read goes through a stream. Its error is one of reading.
func (s *records) read(r io.Reader) error {
	lines := bufio.NewReaderSize(r, 64<<10)
	for fresh := true; ; {
		chunk, err := lines.ReadSlice('\n')
		if fresh && len(chunk) > 0 {
			s.line++
			s.newLine(chunk)
		}
		s.chunk(chunk)
		fresh = !errors.Is(err, bufio.ErrBufferFull)
		if err != nil && fresh {
			s.reset(errCutShort)
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
	}
}

func (s *records) newLine(line []byte) {
	if s.line == 1 {
		// A byte order mark is no part of JSON; an editor may have left one.
		copy(line, bytes.Replace(line, []byte("\xef\xbb\xbf"), []byte("   "), 1))
	}
	if s.quoted || (s.depth > 0 && line[0] == '{') {
		s.reset(errCutShort)
	}
}

// reset gives up the object that is open, if there is one.
func (s *records) reset(err error) {
	if s.depth > 0 {
		if s.huge {
			err = errTooLarge
		}
		s.bad(s.start, err)
	}
	s.open, s.depth, s.quoted, s.escaped, s.huge = s.open[:0], 0, false, false, false
}

// chunk takes a line or a part of one.
func (s *records) chunk(b []byte) {
	for len(b) > 0 {
		if s.depth > 0 {
			b = b[s.inside(b):]
			continue
		}
		b = bytes.TrimLeft(b, " \t\r\n")
		switch {
		case len(b) == 0:
		case b[0] == '{':
			s.start = s.line
			b = b[s.inside(b):]
		default:
			s.bad(s.line, errNoObject)
			return
		}
	}
}

// inside takes bytes up to the end of the object and returns how many.
func (s *records) inside(b []byte) int {
	n := s.scan(b)
	if len(s.open)+n > maxRecord {
		s.huge = true
		s.open = s.open[:0]
	}
	if !s.huge {
		s.open = append(s.open, b[:n]...)
	}
	if s.depth == 0 {
		s.close()
	}
	return n
}

func (s *records) close() {
	if s.huge {
		s.bad(s.start, errTooLarge)
	} else {
		s.found(s.open, s.start)
	}
	s.open, s.huge = s.open[:0], false
}

// scan counts braces outside of strings until none is open, and returns how
// many bytes it took.
func (s *records) scan(b []byte) int {
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case s.escaped:
			s.escaped = false
		case s.quoted:
			switch c {
			case '\\':
				s.escaped = true
			case '"':
				s.quoted = false
			}
		case c == '"':
			s.quoted = true
		case c == '{':
			s.depth++
		case c == '}':
			s.depth--
			if s.depth == 0 {
				return i + 1
			}
		}
	}
	return len(b)
}

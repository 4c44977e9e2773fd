// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// maxRecord bounds one report in a stream, in bytes. A real report has about ten
// thousand.
const maxRecord = 16 << 20

var (
	errNoObject = errors.New("not a JSON object")
	errCutShort = errors.New("cut short")
	errTooLarge = fmt.Errorf("larger than %d MiB", maxRecord>>20)
)

// records finds the JSON objects in a stream: one on each line, indented, or in
// sequence. A broken object does not spoil the next: a new one begins after a
// line break inside a string, and at a line that begins with a brace while an
// object is open. Neither occurs in NDJSON or indented JSON.
type records struct {
	// found is called with an object, valid until it returns, and the number of
	// its first line.
	found func(object []byte, line int)
	// bad is called with the line number of something that is not an object.
	bad func(line int, err error)

	open    []byte // the object so far; more than maxRecord bytes are dropped
	start   int    // its first line
	line    int
	depth   int
	quoted  bool
	escaped bool
}

// read reads a stream. It returns only errors of the reader.
func (s *records) read(r io.Reader) error {
	lines := bufio.NewReaderSize(r, 64<<10)
	if mark, _ := lines.Peek(3); string(mark) == "\xef\xbb\xbf" {
		_, _ = lines.Discard(3) // JSON has no byte order mark, but an editor may leave one
	}
	for fresh := true; ; {
		chunk, err := lines.ReadSlice('\n')
		if fresh && len(chunk) > 0 {
			s.line++
			if s.quoted || (s.depth > 0 && chunk[0] == '{') {
				s.end(errCutShort)
			}
		}
		s.chunk(chunk)
		fresh = !errors.Is(err, bufio.ErrBufferFull)
		if err != nil && fresh {
			s.end(errCutShort)
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
	}
}

// end ends the open object, if there is one. The object is complete if err is
// nil.
func (s *records) end(err error) {
	switch {
	case len(s.open) == 0:
	case len(s.open) > maxRecord:
		s.bad(s.start, errTooLarge)
	case err != nil:
		s.bad(s.start, err)
	default:
		s.found(s.open, s.start)
	}
	s.open, s.depth, s.quoted, s.escaped = s.open[:0], 0, false, false
}

// chunk takes a line, or part of one.
func (s *records) chunk(b []byte) {
	for {
		if s.depth == 0 {
			b = bytes.TrimLeft(b, " \t\r\n")
			s.start = s.line
		}
		switch {
		case len(b) == 0:
			return
		case s.depth == 0 && b[0] != '{':
			s.bad(s.line, errNoObject)
			return
		}
		n := s.scan(b)
		s.open = append(s.open, b[:min(n, maxRecord+1-len(s.open))]...)
		if s.depth == 0 {
			s.end(nil)
		}
		b = b[n:]
	}
}

// scan counts braces outside strings until none is open, and returns how many
// bytes it took.
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

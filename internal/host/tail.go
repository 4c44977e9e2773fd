// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

import "strings"

// A tail is an [io.Writer] that keeps the last bytes written to it.
type tail struct {
	keep  int
	watch func([]byte)
	buf   []byte
	lost  bool
}

func newTail(keep int, watch func([]byte)) *tail {
	if keep == 0 {
		keep = 8 << 20
	}
	return &tail{keep: keep, watch: watch}
}

// Write implements [io.Writer]; it never fails.
func (t *tail) Write(p []byte) (int, error) {
	if t.watch != nil {
		t.watch(p)
	}
	t.buf = append(t.buf, p...)
	if len(t.buf) > 2*t.keep {
		t.buf = append(t.buf[:0], t.buf[len(t.buf)-t.keep:]...)
		t.lost = true
	}
	return len(p), nil
}

func (t *tail) bytes() []byte {
	if len(t.buf) > t.keep {
		t.lost = true
		return t.buf[len(t.buf)-t.keep:]
	}
	return t.buf
}

// lastLines returns the last n lines of text that are not blank.
func lastLines(text []byte, n int) []string {
	var lines []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimRight(line, " \t\r\n"); line != "" {
			lines = append(lines, line)
		}
	}
	return lines[max(0, len(lines)-n):]
}

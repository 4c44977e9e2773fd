// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package program

import (
	"strings"
	"sync"
)

// A tail is an [io.Writer] that keeps the last bytes written to it.
type tail struct {
	keep      int
	mu        sync.Mutex // guards what follows
	buf       []byte
	truncated bool
}

func newTail(keep int) *tail {
	if keep == 0 {
		keep = 8 << 20
	}
	return &tail{keep: keep}
}

// Write never fails.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	if len(t.buf) > 2*t.keep {
		t.buf = append(t.buf[:0], t.buf[len(t.buf)-t.keep:]...)
		t.truncated = true
	}
	return len(p), nil
}

// bytes returns a copy of what is kept.
func (t *tail) bytes() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.buf) > t.keep {
		t.truncated = true
	}
	return append([]byte(nil), t.buf[max(0, len(t.buf)-t.keep):]...)
}

// LastLines returns the last n lines of a program's output that are not blank.
func LastLines(output []byte, n int) []string {
	var lines []string
	for line := range strings.Lines(string(output)) {
		if line = strings.TrimRight(line, " \t\r\n"); line != "" {
			lines = append(lines, line)
		}
	}
	return lines[max(0, len(lines)-n):]
}

// LastLine returns the last line of a program's output that is not blank,
// trimmed and clipped, or "".
func LastLine(output []byte) string {
	if lines := LastLines(output, 1); len(lines) > 0 {
		return Clip(strings.TrimSpace(lines[0]))
	}
	return ""
}

// Because returns ": " and the last line of a program's output, for the end of
// an error, or "" if there is none.
func Because(output []byte) string {
	if line := LastLine(output); line != "" {
		return ": " + line
	}
	return ""
}

// Clip shortens foreign text for a message, to 300 bytes.
func Clip(s string) string {
	if len(s) > 300 {
		return strings.ToValidUTF8(s[:300], "") + "..."
	}
	return s
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"syscall"
	"time"
	"unicode"
	"unicode/utf16"
)

const (
	// logPatience is how long the log waits for its reader.
	logPatience = time.Second
	// reportPatience is how long a report waits for its reader, even if no time is left.
	reportPatience = 5 * time.Second
	// maxUnread bounds what is kept for a reader that does not read, in bytes.
	maxUnread = 1 << 20
)

var errUnread = errors.New("the process at the other end does not read")

// An outlet is standard output or standard error. The reader at its other end can
// hold up no run: one that has gone away is not missed, and one that does not read
// is waited for until patience or stop ends.
type outlet struct {
	name     string
	w        io.Writer
	stop     <-chan struct{}
	patience func() time.Duration

	mu      sync.Mutex // guards the fields below
	queue   []byte
	written chan struct{} // closed once the queue has been written; nil if it has been
	unread  bool          // nothing has been read for longer than patience
	lost    int           // bytes
	err     error
}

// Write returns once everything has been written or patience has ended.
func (o *outlet) Write(p []byte) (int, error) {
	o.mu.Lock()
	if o.unread && len(o.queue)+len(p) > maxUnread {
		o.lost += len(p)
	} else {
		o.queue = append(o.queue, p...)
	}
	if o.written == nil {
		o.written = make(chan struct{})
		go o.drain(o.written)
	}
	unread := o.unread
	o.mu.Unlock()
	if unread {
		return len(p), errUnread
	}
	return len(p), o.wait(o.patience())
}

// drain writes the queue.
func (o *outlet) drain(written chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.queue) > 0 {
		p := o.queue
		o.queue = nil
		o.mu.Unlock()
		_, err := o.w.Write(p)
		o.mu.Lock()
		if !errors.Is(err, syscall.EPIPE) { // without its reader the run goes on as with it
			o.err = cmp.Or(o.err, err)
		}
		if o.unread = false; o.lost > 0 {
			o.queue = fmt.Appendf(o.queue, "falco-bootstrap: warning: %d bytes are missing here: nothing has read them\n", o.lost)
			o.lost = 0
		}
	}
	o.written = nil
	close(written)
}

// wait waits until the queue has been written, and returns the error of a write.
func (o *outlet) wait(patience time.Duration) error {
	o.mu.Lock()
	written := o.written
	o.mu.Unlock()
	if written != nil {
		limit := time.NewTimer(patience)
		defer limit.Stop()
		select {
		case <-written:
		case <-limit.C:
			return o.giveUp()
		case <-o.stop:
			// Of a run that was told to stop the last words still go out.
			select {
			case <-written:
			case <-time.After(min(patience, logPatience)):
				return o.giveUp()
			}
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	err := o.err
	o.err = nil
	return err
}

func (o *outlet) giveUp() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.unread = true
	return fmt.Errorf("writing to %s: %w", o.name, errUnread)
}

// A plain is a writer on which nothing moves a terminal's cursor, changes its
// colours or reverses the direction of text: names of files, values and the words of
// other programs are shown with escapes as in JSON, where they stay what they are.
type plain struct{ w io.Writer }

func (p plain) Write(b []byte) (int, error) {
	text := string(b)
	if strings.IndexFunc(text, unseen) >= 0 {
		var out strings.Builder
		for _, c := range text {
			switch {
			case !unseen(c):
				out.WriteRune(c)
			case c > 0xffff:
				high, low := utf16.EncodeRune(c)
				fmt.Fprintf(&out, `\u%04x\u%04x`, high, low)
			default:
				fmt.Fprintf(&out, `\u%04x`, c)
			}
		}
		text = out.String()
	}
	if _, err := io.WriteString(p.w, text); err != nil {
		return 0, err
	}
	return len(b), nil
}

func unseen(c rune) bool { return c != '\n' && c != '\t' && !unicode.IsPrint(c) }

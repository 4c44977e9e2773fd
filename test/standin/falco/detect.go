// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/binary"
	"errors"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// shadow is the file whose opens are detected.
const shadow = "/etc/shadow"

// detect starts to report opens of /etc/shadow. The kernel holds the opener until
// it has been read from /proc; otherwise a short-lived one would be gone.
func (d *daemon) detect() error {
	fd, err := unix.FanotifyInit(unix.FAN_CLASS_CONTENT|unix.FAN_CLOEXEC|unix.FAN_NONBLOCK, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_LARGEFILE)
	if err != nil {
		return err
	}
	if err := mark(fd); err != nil {
		return err
	}
	go followFile(fd)
	go d.readEvents(os.NewFile(uintptr(fd), "fanotify"))
	go d.report()
	return nil
}

func mark(fd int) error {
	return unix.FanotifyMark(fd, unix.FAN_MARK_ADD, unix.FAN_OPEN_PERM, unix.AT_FDCWD, shadow)
}

// followFile marks the file again after another one has taken its name.
func followFile(fd int) {
	var last unix.Stat_t
	_ = unix.Stat(shadow, &last)
	for range time.Tick(200 * time.Millisecond) {
		var now unix.Stat_t
		if unix.Stat(shadow, &now) == nil && now.Ino != last.Ino && mark(fd) == nil {
			last = now
		}
	}
}

// readEvents answers events until the descriptor is closed. It never opens a file
// below /etc.
func (d *daemon) readEvents(notify *os.File) {
	buf := make([]byte, 64<<10)
	size := int(unsafe.Sizeof(unix.FanotifyEventMetadata{}))
	for {
		n, err := notify.Read(buf)
		if errors.Is(err, os.ErrClosed) {
			return
		}
		for at := 0; at+size <= n; {
			e := (*unix.FanotifyEventMetadata)(unsafe.Pointer(&buf[at]))
			d.event(notify, e)
			at += int(e.Event_len)
		}
	}
}

// event lets the opener continue, and reports it if the rule does.
func (d *daemon) event(notify *os.File, e *unix.FanotifyEventMetadata) {
	now := time.Now()
	var p *process
	if int(e.Pid) != os.Getpid() && !d.blind.Load() && d.state.Load().shadow {
		p = newProcess(int(e.Pid))
	}
	answer := make([]byte, 8)
	binary.NativeEndian.PutUint32(answer, uint32(e.Fd))
	binary.NativeEndian.PutUint32(answer[4:], unix.FAN_ALLOW)
	_, _ = notify.Write(answer)
	_ = unix.Close(int(e.Fd))
	if p != nil && !p.trusted() {
		select {
		case d.opens <- shadowOpen{now, p}:
		default: // a full queue loses alerts, but holds up no opener
		}
	}
}

// A shadowOpen is an open that waits for the outputs, which may be stuck.
type shadowOpen struct {
	time    time.Time
	process *process
}

func (d *daemon) report() {
	for o := range d.opens {
		d.outputs.alert(o.time, o.process)
	}
}

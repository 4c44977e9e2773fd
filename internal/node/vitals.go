// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"fmt"
	"time"
)

// Vitals are what can be seen of a running Falco and its log without waiting for
// an alert. What this user may not see is left out.
type Vitals struct {
	// State is the letter of the process's state in /proc/PID/stat, such as "S";
	// "" if it could not be read.
	State string
	// Appends are the regular files that the process has open for appending, as
	// the kernel names them: a file that was removed ends in " (deleted)".
	Appends []string
	// HasLog says that the log is one of them.
	HasLog bool
	// Full and ReadOnly are of the file system of the log.
	Full, ReadOnly bool
}

// Halted says how a process does not run though its unit is active, or returns
// "": proc_pid_stat(5). age is how long the process has run: one that exits is
// dead for a moment before systemd knows.
func (v Vitals) Halted(age time.Duration) string {
	switch v.State {
	case "T":
		return "stopped by a signal"
	case "Z", "X", "x":
		if age > time.Minute {
			return "dead"
		}
	}
	return ""
}

// Astray returns a file that the process appends to though none of its files is
// the log, or "". keepAlive says that it keeps the log open, and other is a file
// that it may append to as well.
func (v Vitals) Astray(keepAlive bool, other string) string {
	for _, name := range v.Appends {
		if keepAlive && !v.HasLog && name != other {
			return name
		}
	}
	return ""
}

// NoRoom is the error of a log that nothing can be written to; nil if there is
// room. unit is Falco's.
func (v Vitals) NoRoom(unit, log string) error {
	e := &Error{Code: CodeNotRunning, Drift: DriftLogNoRoom}
	switch {
	case v.ReadOnly:
		e.Err = fmt.Errorf("no alert can reach the log: the file system of %s is read-only, and Falco does not report that", log)
		e.Hint = "find out in `dmesg` why it is, and mount it for writing again"
	case v.Full:
		e.Err = fmt.Errorf("no alert can reach the log: the file system of %s is full, and Falco does not report that", log)
		e.Hint = "make room there; with file_output.keep_alive Falco writes again only after `systemctl restart " + unit + "`"
	default:
		return nil
	}
	return e
}

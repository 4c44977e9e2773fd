// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"time"
)

// Levels of Falco's own log, as ranks of priorities.
const (
	levelError   = 3
	levelWarning = 4
	levelInfo    = 6
)

// A logger writes Falco's own messages, which are not alerts.
type logger struct {
	stderr             io.Writer
	level              int
	toStderr, toSyslog bool
	iso                bool // times as of ISO 8601
}

// configure applies the log settings of a configuration.
func (l *logger) configure(t tree) {
	l.toStderr = t.flag("log_stderr", true)
	l.toSyslog = t.flag("log_syslog", true)
	l.iso = t.flag("time_format_iso_8601", false)
	if n := priority(t.text("log_level", "info")); n >= 0 {
		l.level = n
	}
}

func (l *logger) info(message string) { l.log(levelInfo, message) }

// log writes a message of the given level where the configuration says.
func (l *logger) log(level int, message string) {
	if level > l.level {
		return
	}
	if l.toStderr {
		now := time.Now().Format("Mon Jan _2 15:04:05 2006")
		if l.iso {
			now = time.Now().UTC().Format("2006-01-02T15:04:05-0700")
		}
		fmt.Fprintf(l.stderr, "%s: %s\n", now, message)
	}
	if l.toSyslog {
		syslog(level, message)
	}
}

// syslog sends a line to /dev/log, or nowhere.
func syslog(level int, message string) {
	conn, err := net.Dial("unixgram", "/dev/log")
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	const user = 1 << 3
	fmt.Fprintf(conn, "<%d>falco[%d]: %s", user|level, os.Getpid(), message)
}

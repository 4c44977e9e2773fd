// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// outputs writes alerts to where the configuration says: standard output, the
// system log and a file. The file is made by the first alert, not before.
type outputs struct {
	stdout io.Writer
	log    *logger

	mu   sync.Mutex
	sys  system
	tree tree
	kept *os.File // the open file of keep_alive
}

// configure takes a configuration and lets go of the file of the last one.
func (o *outputs) configure(st *state, sys system) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.tree, o.sys = st.tree, sys
	o.release()
}

func (o *outputs) release() {
	if o.kept != nil {
		_ = o.kept.Close()
		o.kept = nil
	}
}

// alert reports that a process opened /etc/shadow.
func (o *outputs) alert(now time.Time, p *process) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.send(shadowMessage(now, p, o.sys.minor))
}

// internal reports something about Falco itself, as an alert.
func (o *outputs) internal(what string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.send(message{
		time: time.Now(), priority: "Critical", rule: "Falco internal: hot restart failure", source: "internal",
		text: "Falco internal: " + what, fields: map[string]any{},
	})
}

func (o *outputs) send(m message) {
	line := m.line(o.tree.flag("time_format_iso_8601", false))
	if o.tree.flag("json_output", false) {
		line = m.json(o.tree, o.sys.minor)
	}
	if o.tree.flag("stdout_output.enabled", false) {
		fmt.Fprintln(o.stdout, line)
	}
	if o.tree.flag("syslog_output.enabled", false) {
		syslog(priority(m.priority), line)
	}
	if o.tree.flag("file_output.enabled", false) {
		o.file(line)
	}
}

// file appends a line. A file that cannot be opened is logged and the alert is
// lost; a full disk is not even logged.
func (o *outputs) file(line string) {
	f := o.kept
	if f == nil {
		var err error
		if f, err = o.open(); err != nil {
			o.log.log(levelError, "file: failed to open output file "+o.tree.text("file_output.filename", ""))
			return
		}
	}
	fmt.Fprintln(f, line)
	if o.tree.flag("file_output.keep_alive", false) {
		o.kept = f
		return
	}
	_ = f.Close()
}

// open opens the file at its end; its mode is what the umask leaves of 0666.
func (o *outputs) open() (*os.File, error) {
	return os.OpenFile(o.tree.text("file_output.filename", ""), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
}

// reopen is SIGUSR1: the file is opened anew, and made if it is not there.
func (o *outputs) reopen() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.release()
	if !o.tree.flag("file_output.enabled", false) {
		return
	}
	f, err := o.open()
	if err != nil {
		o.log.log(levelError, "file: failed to open output file "+o.tree.text("file_output.filename", ""))
		return
	}
	if o.tree.flag("file_output.keep_alive", false) {
		o.kept = f
		return
	}
	_ = f.Close()
}

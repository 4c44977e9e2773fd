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

// outputs writes alerts where the configuration says: to standard output, the
// system log and a file.
type outputs struct {
	stdout io.Writer
	log    *logger
	minor  int

	mu     sync.Mutex
	tree   tree
	output string   // what somebody has put in the place of the rule's output
	kept   *os.File // the open file of keep_alive
	lost   bool     // writing to kept has failed: it is not tried again
}

// configure applies a configuration and closes the file of the previous one.
func (o *outputs) configure(st *state) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.tree, o.output = st.tree, st.output
	o.closeFile()
}

func (o *outputs) closeFile() {
	if o.kept != nil {
		_ = o.kept.Close()
		o.kept, o.lost = nil, false
	}
}

// alert reports that a process opened /etc/shadow.
func (o *outputs) alert(now time.Time, p *process) { o.send(shadowMessage(now, p, o.minor, o.output)) }

// internal reports something about Falco itself, as an alert.
func (o *outputs) internal(what string) {
	o.send(message{
		time: time.Now(), priority: "Critical", rule: "Falco internal: hot restart failure", source: "internal",
		text: "Falco internal: " + what, fields: map[string]any{},
	})
}

func (o *outputs) send(m message) {
	o.mu.Lock()
	defer o.mu.Unlock()
	line := m.line()
	if o.tree.flag("json_output", false) {
		line = m.json(o.tree)
	}
	if o.tree.flag("stdout_output.enabled", false) {
		fmt.Fprintln(o.stdout, line)
	}
	if o.tree.flag("syslog_output.enabled", false) {
		syslog(priority(m.priority), line)
	}
	o.writeFile(line + "\n")
}

// writeFile appends text to the file, which it creates with the mode that the
// umask leaves of 0666. If the file cannot be opened, the text is lost and that
// is logged; a full disk is not even logged, and after one a file that is kept open
// gets nothing more, room or not.
func (o *outputs) writeFile(text string) {
	if !o.tree.flag("file_output.enabled", false) {
		return
	}
	if o.kept == nil {
		name := o.tree.text("file_output.filename", "")
		f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
		if err != nil {
			o.log.log(levelError, "file: failed to open output file "+name)
			return
		}
		o.kept = f
	}
	if !o.lost {
		_, err := o.kept.WriteString(text)
		o.lost = err != nil
	}
	if !o.tree.flag("file_output.keep_alive", false) {
		o.closeFile()
	}
}

// reopen handles SIGUSR1: it opens the file again, and creates it if it is missing.
func (o *outputs) reopen() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closeFile()
	o.writeFile("")
}

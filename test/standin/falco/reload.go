// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"time"
)

// hangup is SIGHUP: a reload, or nothing at all where files are not watched,
// since the thread that would see the signal was never started.
func (d *daemon) hangup() {
	if d.state.Load().flag("watch_config_files", true) {
		d.reload()
	}
}

// settle waits for a burst of changes to end.
func (d *daemon) settle() {
	time.Sleep(100 * time.Millisecond)
	for {
		select {
		case <-d.watch.changed():
		default:
			return
		}
	}
}

// reload reads everything anew. An error leaves the old configuration in force
// and is reported as an alert; before 0.35 it ends the program. A good one makes
// Falco blind for 1.8 seconds, in which /healthz soon answers again.
func (d *daemon) reload() {
	st, err := d.again()
	if err != nil {
		d.outputs.internal("hot restart failure: " + err.Error())
		d.rewatch()
		return
	}
	d.blind.Store(true)
	time.Sleep(300 * time.Millisecond)
	if d.web != nil {
		d.web.close()
		d.web = nil
	}
	time.Sleep(150 * time.Millisecond)
	d.log.configure(st.tree)
	d.use(st)
	if err := d.serve(); err != nil {
		d.log.log(levelError, err.Error())
	}
	d.rewatch()
	q := d.app.sys.quirks
	go func() {
		time.Sleep(1350 * time.Millisecond)
		if !q.has("hang") && !q.has("no-alert") && st.text("engine.kind", "") != "nodriver" {
			d.blind.Store(false)
		}
	}()
}

// again prepares the configuration as a start would, and keeps quiet about it.
func (d *daemon) again() (*state, error) {
	quiet := &logger{stderr: io.Discard}
	st, err := d.app.prepare(d.opts, quiet)
	if err != nil {
		return nil, err
	}
	if err := d.app.check(d.opts, st, quiet); err != nil {
		return nil, err
	}
	return st, st.checkOutputs(d.app.sys.minor)
}

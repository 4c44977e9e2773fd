// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// reload reads everything again. An error leaves the old configuration in force and
// is reported as an alert. After a good configuration Falco is blind for 1.8 seconds,
// although /healthz soon answers again.
func (d *daemon) reload() {
	quiet := *d.app
	quiet.log = &logger{stderr: io.Discard}
	st, err := quiet.load()
	if err != nil {
		d.outputs.internal("hot restart failure: " + err.Error())
		d.rewatch()
		return
	}
	d.blind.Store(true)
	time.Sleep(300 * time.Millisecond)
	d.stopServing()
	time.Sleep(150 * time.Millisecond)
	d.app.log.configure(st.tree)
	d.use(st)
	if err := d.serve(); err != nil {
		d.app.log.log(levelError, err.Error())
	}
	d.rewatch()
	go func() {
		time.Sleep(1350 * time.Millisecond)
		d.blind.Store(d.app.quirks.blind())
	}()
}

// A watcher reports the changes of configuration files that Falco notices: a listed
// file is written, moved or deleted, or a name appears in a directory or vanishes
// from it. Falco does not notice a fragment that is written in place.
type watcher struct {
	file   *os.File
	events chan struct{}
}

// changed returns the channel of changes; a nil watcher never reports one.
func (w *watcher) changed() <-chan struct{} {
	if w == nil {
		return nil
	}
	return w.events
}

// awaitQuiet waits for a burst of changes to end.
func (w *watcher) awaitQuiet() {
	time.Sleep(100 * time.Millisecond)
	for len(w.events) > 0 {
		<-w.events
	}
}

// rewatch starts to watch the files that the present configuration names.
func (d *daemon) rewatch() {
	if d.watcher != nil {
		_ = d.watcher.file.Close()
		d.watcher = nil
	}
	st := d.state.Load()
	if !st.flag("watch_config_files", true) {
		return
	}
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return
	}
	mask := uint32(unix.IN_CLOSE_WRITE)
	if d.app.minor >= 37 {
		mask |= unix.IN_MOVE_SELF | unix.IN_DELETE_SELF
	}
	for _, path := range slices.Concat([]string{st.file}, st.list("rules_file"), st.list("rules_files"), st.list("config_files")) {
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			_, _ = unix.InotifyAddWatch(fd, path, unix.IN_CREATE|unix.IN_DELETE|unix.IN_MOVE)
			continue
		}
		_, _ = unix.InotifyAddWatch(fd, path, mask)
	}
	d.watcher = &watcher{file: os.NewFile(uintptr(fd), "inotify"), events: make(chan struct{}, 1)}
	go d.watcher.run()
}

// run turns events into reports until the watcher is closed.
func (w *watcher) run() {
	buf := make([]byte, 64<<10)
	for {
		if _, err := w.file.Read(buf); err != nil {
			return
		}
		select {
		case w.events <- struct{}{}:
		default:
		}
	}
}

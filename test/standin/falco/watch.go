// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// A watch reports that a configuration file changed, as far as Falco notices: a
// listed file that was written, moved or deleted, and names that came to or went
// from a folder. A fragment that is written in place goes unnoticed.
type watch struct {
	file   *os.File
	events chan struct{}
}

// changed returns the channel of changes; a nil watch never reports one.
func (w *watch) changed() <-chan struct{} {
	if w == nil {
		return nil
	}
	return w.events
}

// rewatch starts to watch what the configuration in force names.
func (d *daemon) rewatch() {
	if d.watch != nil {
		_ = d.watch.file.Close()
		d.watch = nil
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
	if d.app.sys.minor >= 37 {
		mask |= unix.IN_MOVE_SELF | unix.IN_DELETE_SELF
	}
	paths := append([]string{st.file}, st.list("rules_file")...)
	paths = append(append(paths, st.list("rules_files")...), st.list("config_files")...)
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			_, _ = unix.InotifyAddWatch(fd, path, unix.IN_CREATE|unix.IN_DELETE|unix.IN_MOVE)
			continue
		}
		_, _ = unix.InotifyAddWatch(fd, path, mask)
	}
	d.watch = &watch{file: os.NewFile(uintptr(fd), "inotify"), events: make(chan struct{}, 1)}
	go d.watch.run()
}

// run turns events into reports until the watch is closed.
func (w *watch) run() {
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

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"
)

// A daemon is a running Falco: its configuration and its outputs.
type daemon struct {
	app     *app
	state   atomic.Pointer[state]
	blind   atomic.Bool // nothing is detected, as while the driver opens
	outputs *outputs
	server  *http.Server // of the health page
	watcher *watcher
	opens   chan shadowOpen
}

// live runs until a signal stops it and returns the exit status. It starts in Falco's
// order: the web server answers well before the driver is open.
func (a *app) live(st *state) int {
	d := &daemon{app: a, outputs: &outputs{stdout: a.stdout, log: a.log, minor: a.minor}, opens: make(chan shadowOpen, 1024)}
	d.use(st)
	d.blind.Store(true)
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGUSR1)
	if err := d.serve(); err != nil {
		return a.fail(err)
	}
	a.log.info("Enabled event sources: syscall")
	opened := make(chan error, 1)
	go func() { opened <- d.openDriver() }()
	return d.loop(signals, opened)
}

// use puts a configuration in force.
func (d *daemon) use(st *state) {
	d.state.Store(st)
	d.outputs.configure(st)
}

// openDriver takes as long as Falco takes until it detects anything.
func (d *daemon) openDriver() error {
	q := d.app.quirks
	time.Sleep(100 * time.Millisecond)
	if q.has("crash") {
		panic("send on closed channel") // as the container plugin does
	}
	if err := d.app.checkModule(d.state.Load()); err != nil {
		return err
	}
	time.Sleep(time.Until(d.app.started.Add(q.delay())))
	if q.blind() {
		return nil
	}
	if err := d.detect(); err != nil {
		return fmt.Errorf("opening the stand-in's probe: %w", err)
	}
	d.blind.Store(false)
	return nil
}

// checkModule returns Falco's error if its engine is the kernel module and the module
// is not loaded. The engine is a key from 0.37 on, and an option before.
func (a *app) checkModule(st *state) error {
	engine := st.text("engine.kind", "modern_ebpf")
	if a.minor < 37 && !a.opts.modern {
		engine = "kmod"
	}
	if _, err := os.Stat("/run/falco-standin/module-loaded"); engine == "kmod" && err != nil {
		return says("error opening device /dev/falco0. Make sure you have root credentials and that the falco module is loaded: No such file or directory")
	}
	return nil
}

func (d *daemon) loop(signals <-chan os.Signal, opened <-chan error) int {
	d.rewatch()
	for {
		select {
		case err := <-opened:
			if err != nil {
				return d.app.fail(err)
			}
		case <-d.watcher.changed():
			d.watcher.awaitQuiet()
			d.reload()
		case s := <-signals:
			switch {
			case s == syscall.SIGHUP:
				d.reload()
			case s == syscall.SIGUSR1:
				d.app.log.info("SIGUSR1 received, reopening outputs...")
				d.outputs.reopen()
			case !d.app.quirks.has("ignore-sigterm"):
				d.app.log.info("SIGINT received, exiting...")
				time.Sleep(150 * time.Millisecond)
				return 0
			}
		}
	}
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
)

// A daemon is Falco running: what it has in force, and its outputs.
type daemon struct {
	app     *app
	opts    options
	log     *logger
	state   atomic.Pointer[state]
	blind   atomic.Bool // nothing is detected, as while the driver opens
	outputs *outputs
	web     *web
	watch   *watch
	seen    chan sighting
}

// live runs until a signal ends it and returns the exit status. The order is
// Falco's: the web server answers well before the driver is open.
func (a *app) live(o options, st *state, log *logger) int {
	d := &daemon{app: a, opts: o, log: log, outputs: &outputs{stdout: a.stdout, log: log}, seen: make(chan sighting, 1024)}
	d.use(st)
	d.blind.Store(true)
	if o.pidfile != "" {
		if err := os.WriteFile(o.pidfile, []byte(strconv.Itoa(os.Getpid())+"\n"), 0o644); err != nil {
			log.log(levelError, err.Error())
		}
	}
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGUSR1)
	if err := d.serve(); err != nil {
		return a.fail(err, log)
	}
	log.info("Enabled event sources: syscall")
	ready := make(chan error, 1)
	go func() { ready <- d.open() }()
	return d.loop(signals, ready)
}

// use puts a configuration in force.
func (d *daemon) use(st *state) {
	d.state.Store(st)
	d.outputs.configure(st, d.app.sys)
}

func (d *daemon) serve() error {
	st := d.state.Load()
	if !st.flag("webserver.enabled", true) {
		return nil
	}
	var err error
	if d.web, err = listen(st, d.app.sys); err != nil {
		return runtimeError("an error occurred while starting webserver")
	}
	return nil
}

// open is the driver being opened, which takes about two seconds.
func (d *daemon) open() error {
	q := d.app.sys.quirks
	time.Sleep(100 * time.Millisecond)
	if q.has("crash") {
		abort()
	}
	if err := d.app.driver(d.opts, d.state.Load()); err != nil {
		return err
	}
	time.Sleep(time.Until(d.app.started.Add(q.seconds("delay", 2*time.Second))))
	if d.state.Load().text("engine.kind", "") == "nodriver" || q.has("hang") || q.has("no-alert") {
		return nil
	}
	if err := d.detect(); err != nil {
		return fmt.Errorf("opening the stand-in's probe: %w", err)
	}
	d.blind.Store(false)
	return nil
}

// abort ends the process as a panic in a plugin does: by SIGABRT, status -6.
func abort() {
	signal.Reset(syscall.SIGABRT)
	_ = syscall.Kill(os.Getpid(), syscall.SIGABRT)
	time.Sleep(time.Second)
	os.Exit(134)
}

// driver returns the error of an engine that cannot be opened here.
func (a *app) driver(o options, st *state) error {
	switch engine := a.engine(o, st); engine {
	case "modern_ebpf":
		if a.sys.quirks.has("no-modern-ebpf") || a.sys.quirks.oldKernel() {
			fmt.Fprintln(a.stderr, "libpman: tracing program type is not supported (errno: 22 | message: Invalid argument)")
			return says("unable to configure the libpman state.")
		}
	case "kmod":
		if _, err := os.Stat("/run/falco-standin/module-loaded"); err != nil {
			return says("error opening device /dev/falco0. Make sure you have root credentials and that the falco module is loaded: No such file or directory")
		}
	case "ebpf":
		return says("can't open BPF probe '%s'", filepath.Join(os.Getenv("HOME"), ".falco/falco-bpf.o"))
	}
	return nil
}

// engine returns the engine in force: a key from 0.37 on, options before.
func (a *app) engine(o options, st *state) string {
	switch {
	case a.sys.minor >= 37:
		return st.text("engine.kind", "modern_ebpf")
	case o.modern:
		return "modern_ebpf"
	case a.sys.bpf:
		return "ebpf"
	}
	return "kmod"
}

func (d *daemon) loop(signals <-chan os.Signal, ready <-chan error) int {
	q := d.app.sys.quirks
	var crash <-chan time.Time
	if q.has("crash-after") {
		crash = time.After(time.Until(d.app.started.Add(q.seconds("crash-after", time.Second))))
	}
	d.rewatch()
	for {
		select {
		case err := <-ready:
			if err != nil {
				fmt.Fprintf(d.app.stderr, "Error: %v\n", err)
				return 1
			}
		case <-crash:
			abort()
		case <-d.watch.changed():
			d.settle()
			d.reload()
		case s := <-signals:
			switch s {
			case syscall.SIGHUP:
				d.hangup()
			case syscall.SIGUSR1:
				d.log.info("SIGUSR1 received, reopening outputs...")
				d.outputs.reopen()
			default:
				if q.has("ignore-sigterm") {
					continue
				}
				d.log.info("SIGINT received, exiting...")
				time.Sleep(150 * time.Millisecond)
				return 0
			}
		}
	}
}

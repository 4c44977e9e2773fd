// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Command falco-bootstrap sets up Falco on an Oracle Linux worker node and keeps
// it as declared. See README.md for how to use it.
//
// This package handles flags, exit statuses, and reports. internal/steps and
// internal/falco decide what a node should be; internal/host changes it.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"golang.org/x/term"

	"github.com/falco-bootstrap/falco-bootstrap/internal/alert"
	"github.com/falco-bootstrap/falco-bootstrap/internal/files"
	"github.com/falco-bootstrap/falco-bootstrap/internal/host"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

func main() {
	if len(os.Args) == 3 && os.Args[1] == alert.ProbeCommand {
		os.Exit(alert.RunProbe(os.Stdin, os.Stdout, os.Args[2]))
	}
	abortOnCrash()
	width, _, _ := term.GetSize(int(os.Stdout.Fd()))
	os.Exit(int(run(untilSignal(context.Background()), os.Args[1:], env{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		environ: os.Environ(), terminal: term.IsTerminal(int(os.Stdout.Fd())), width: width,
		errTerminal: term.IsTerminal(int(os.Stderr.Fd())),
		journal:     isJournal(os.Stdout), errJournal: isJournal(os.Stderr),
		now: time.Now, listReports: listReports, openReport: openReport,
		readFile: func(name string) ([]byte, error) { return files.ReadFile(name, maxSettings) },
		stat:     os.Stat,
		view:     func(ctx context.Context, o host.Options) (view, error) { return host.OpenView(ctx, o) },
		settle:   host.Settle,
		machine:  func(ctx context.Context, o host.Options) (machine, error) { return host.OpenMachine(ctx, o) },
		remember: remember, probe: host.Watch, await: host.Await, output: files.WriteOutput, bundle: host.Collect,
	})))
}

// isJournal reports whether a stream is the one that systemd has connected to the
// journal: systemd.exec(5), JOURNAL_STREAM.
func isJournal(f *os.File) bool {
	var st syscall.Stat_t
	return syscall.Fstat(int(f.Fd()), &st) == nil && os.Getenv("JOURNAL_STREAM") == fmt.Sprintf("%d:%d", st.Dev, st.Ino)
}

// maxSettings bounds the settings file, in bytes.
const maxSettings = 1 << 20

// A view is a [node.View] that must be closed after use. Whether a run has left its
// stage behind is no matter of any step.
type view interface {
	node.View
	HasStage() bool
	Close()
}

// A machine is a [node.Machine] that holds the run's lock until it is closed.
type machine interface {
	node.Machine
	Close() error
}

// oneStop is how long several signals are one wish to stop: timeout(1) sends two, and
// a terminal that closes does too.
const oneStop = time.Second

// untilSignal returns a context that ends with the first SIGINT, SIGTERM or SIGHUP.
// A SIGINT or SIGTERM after oneStop ends the process at once. A SIGPIPE does nothing:
// the write fails, and a child has the signal as ever.
func untilSignal(ctx context.Context) context.Context {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		<-signals
		first := time.Now()
		cancel()
		for s := range signals {
			if n, ok := s.(syscall.Signal); ok && n != syscall.SIGHUP && time.Since(first) > oneStop {
				signal.Reset(n)
				_ = syscall.Kill(os.Getpid(), n)
			}
		}
	}()
	return ctx
}

// noRoom is what entry says, before Go's runtime starts and finds no room: that crash
// too has exit status 2, and nothing in Go can change it.
var noRoom = "falco-bootstrap: error: less than 1 GiB of address space is allowed, and Go needs it\n" +
	"falco-bootstrap: hint: raise the limit (ulimit -v, LimitAS= of a unit)\n"

// abortOnCrash makes a crash of Go's runtime end the process by SIGABRT: its exit
// status would be 2, which has a meaning. No core file is left.
func abortOnCrash() {
	debug.SetTraceback("crash")
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_CORE, &limit) == nil {
		limit.Cur = 0
		_ = syscall.Setrlimit(syscall.RLIMIT_CORE, &limit)
	}
}

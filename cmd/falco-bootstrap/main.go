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
	"os"
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
	os.Exit(int(run(untilSignal(context.Background()), os.Args[1:], env{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		environ: os.Environ(), terminal: term.IsTerminal(int(os.Stdout.Fd())),
		now: time.Now, readReport: os.ReadFile,
		readFile: func(name string) ([]byte, error) { return files.ReadFile(name, maxSettings) },
		view:     func(ctx context.Context, o host.Options) (view, error) { return host.OpenView(ctx, o) },
		settle:   host.Settle,
		machine:  func(ctx context.Context, o host.Options) (machine, error) { return host.OpenMachine(ctx, o) },
		remember: remember, probe: host.Watch, await: host.Await, output: files.WriteOutput, bundle: host.Collect,
	})))
}

// maxSettings bounds the settings file, in bytes.
const maxSettings = 1 << 20

// A view is a [node.View] that must be closed after use.
type view interface {
	node.View
	Close()
}

// A machine is a [node.Machine] that holds the run's lock until it is closed.
type machine interface {
	node.Machine
	Close() error
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Command falco stands in for Falco in the test node. It reads falco.yaml, the
// fragments laid over it, rules files and its command line as Falco does, fails
// with Falco's messages, answers /healthz before it can detect anything, and
// writes Falco's alert lines when /etc/shadow is opened. It was written from the
// behaviour seen on Falco 0.44.1 and the sources of the releases before it.
// Files in /etc/falco-standin make it misbehave; see quirks. It detects nothing
// but that one open, and loads no plugin and no driver.
package main

import (
	"os"
	"time"
)

func main() {
	a := app{started: time.Now(), args: os.Args[1:], stdout: os.Stdout, stderr: os.Stderr, sys: host()}
	os.Exit(a.run())
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Command falco stands in for Falco in the test node. It reads falco.yaml, the
// files of config.d, rules files and its command line as Falco does, fails with
// Falco's messages, answers /healthz before it can detect anything, and writes
// Falco's alerts when /etc/shadow is opened. As far as the node cases need it, it
// behaves as Falco 0.44.1 was observed to, and as the sources of other releases say.
// Files in /etc/falco-standin make it misbehave; see quirks. It detects only that one
// open, and loads no plugin and no driver.
package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
)

func main() {
	os.Exit(newApp().run(os.Args[1:]))
}

// An app is one run of the program, with what it knows about its machine.
type app struct {
	started        time.Time
	stdout, stderr io.Writer

	version   string // such as 0.44.1
	minor     int    // 44
	pluginDir string
	oldLibc   bool   // the C library is older than 2.34: libresolv is separate
	preload   string // LD_PRELOAD
	quirks    quirks

	opts options
	log  *logger
}

func newApp() *app {
	version := "0.44.1"
	if text, err := os.ReadFile("/usr/share/falco/version"); err == nil {
		version = strings.TrimSpace(string(text))
	}
	release, _ := os.ReadFile("/etc/oracle-release")
	return &app{
		started: time.Now(), stdout: os.Stdout, stderr: os.Stderr,
		version: version, minor: minorOf(version), pluginDir: "/usr/share/falco/plugins",
		oldLibc: strings.Contains(string(release), "release 8") || strings.Contains(string(release), "release 7"),
		preload: os.Getenv("LD_PRELOAD"), quirks: "/etc/falco-standin",
	}
}

func minorOf(version string) int {
	_, rest, _ := strings.Cut(version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	n, _ := strconv.Atoi(minor)
	return n
}

// run does what the command line says and returns the exit status.
func (a *app) run(args []string) int {
	a.log = &logger{stderr: a.stderr, level: levelInfo, toStderr: true, toSyslog: true}
	var err error
	if a.opts, err = parseOptions(args, a.minor); err != nil {
		return a.fail(err)
	}
	if a.opts.schema {
		_, _ = fmt.Fprint(a.stdout, printedSchema(a.minor))
		return 0
	}
	st, err := a.load()
	switch {
	case err != nil:
		return a.fail(err)
	case a.opts.dryRun:
		a.log.info("The chosen syscall buffer dimension is: 8388608 bytes (8 MBs)")
		return 0
	case a.opts.list:
		return 0
	}
	return a.live(st)
}

// load reads the configuration, the plugins and the rules.
func (a *app) load() (*state, error) {
	st, err := a.readConfig()
	if err != nil {
		return nil, err
	}
	plugins, err := a.loadPlugins(st)
	if err != nil {
		return nil, err
	}
	return st, a.loadRules(st, plugins)
}

// fail prints err as Falco does and returns the exit status.
func (a *app) fail(err error) int {
	var e falcoError
	if !errors.As(err, &e) {
		e.printed = err.Error()
	}
	if e.logged != "" {
		a.log.log(levelError, e.logged)
	}
	if e.printed != "" {
		fmt.Fprintf(a.stderr, "Error: %s\n", e.printed)
	}
	return 1
}

// A falcoError is an error in Falco's own words, some of which go to its log.
type falcoError struct{ logged, printed string }

func (e falcoError) Error() string { return cmp.Or(e.logged, e.printed) }

func says(format string, args ...any) error { return falcoError{printed: fmt.Sprintf(format, args...)} }

func runtimeError(format string, args ...any) error {
	return falcoError{logged: "Runtime error: " + fmt.Sprintf(format, args...) + ". Exiting."}
}

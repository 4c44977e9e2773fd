// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
)

// A system is what the program asks of the machine beyond its files.
type system struct {
	minor   int    // 44 for Falco 0.44.1
	version string // 0.44.1
	plugins string // folder of the plugins
	el8     bool   // a C library before 2.34: libresolv is apart
	preload string // LD_PRELOAD
	bpf     bool   // FALCO_BPF_PROBE is set, be it empty
	quirks  quirks
}

// host describes the machine the program runs on.
func host() system {
	version := "0.44.1"
	if text, err := os.ReadFile("/usr/share/falco/version"); err == nil {
		version = strings.TrimSpace(string(text))
	}
	release, _ := os.ReadFile("/etc/oracle-release")
	_, bpf := os.LookupEnv("FALCO_BPF_PROBE")
	return system{
		version: version,
		minor:   minorOf(version),
		plugins: "/usr/share/falco/plugins",
		el8:     strings.Contains(string(release), "release 8") || strings.Contains(string(release), "release 7"),
		preload: os.Getenv("LD_PRELOAD"),
		bpf:     bpf,
		quirks:  quirks("/etc/falco-standin"),
	}
}

func minorOf(version string) int {
	parts := strings.Split(version, ".")
	if len(parts) < 2 {
		return 0
	}
	n, err := strconv.Atoi(parts[1])
	if err != nil {
		return 0
	}
	return n
}

// An app is one run of the program.
type app struct {
	started        time.Time
	args           []string
	stdout, stderr io.Writer
	sys            system
}

// run does what the command line says and returns the exit status.
func (a *app) run() int {
	opts, err := parseOptions(a.args, a.sys.minor)
	if err != nil {
		fmt.Fprintf(a.stderr, "Error: %v\n", err)
		return 1
	}
	log := &logger{stderr: a.stderr, level: levelInfo, toStderr: true, toSyslog: true}
	st, err := a.prepare(opts, log)
	if err != nil {
		return a.fail(err, log)
	}
	if done, ok := a.inform(opts, st); ok {
		return done
	}
	if err := a.check(opts, st, log); err != nil {
		return a.fail(err, log)
	}
	if opts.validate != "" {
		fmt.Fprintf(a.stdout, "%s: Ok\n", opts.validate)
		return 0
	}
	if opts.list {
		return 0
	}
	if err := st.checkOutputs(a.sys.minor); err != nil {
		return a.fail(err, log)
	}
	if opts.dryRun {
		log.info("The chosen syscall buffer dimension is: 8388608 bytes (8 MBs)")
		return 0
	}
	return a.live(opts, st, log)
}

// inform answers the options that only ask something.
func (a *app) inform(opts options, st *state) (int, bool) {
	switch {
	case opts.version:
		a.printVersion(st)
	case opts.support:
		text, _ := json.Marshal(st.tree)
		out, _ := json.MarshalIndent(map[string]any{"config": string(text), "version": a.sys.version}, "", "  ")
		fmt.Fprintf(a.stdout, "%s\n", out)
	case opts.schema:
		fmt.Fprintln(a.stdout, `{"$schema":"http://json-schema.org/draft-06/schema#","type":"object"}`)
	case opts.help:
		fmt.Fprintln(a.stdout, "Falco - Cloud Native Runtime Security\nUsage:\n  falco [OPTION...]")
	default:
		return 0, false
	}
	return 0, true
}

// printVersion prints text, or one line of JSON where json_output says so.
func (a *app) printVersion(st *state) {
	if st.flag("json_output", false) {
		fmt.Fprintf(a.stdout, `{"default_driver_version":"10.2.0+driver","driver_api_version":"10.0.0",`+
			`"driver_schema_version":"4.3.0","engine_version":"62","engine_version_semver":"0.62.0",`+
			`"falco_version":"%s","libs_version":"0.25.4","plugin_api_version":"3.12.0"}`+"\n", a.sys.version)
		return
	}
	fmt.Fprintf(a.stdout, "Falco version: %s\nLibs version:  0.25.4\nPlugin API:    3.12.0\nEngine:        0.62.0\n"+
		"Driver:\n  API version:    10.0.0\n  Schema version: 4.3.0\n  Default driver: 10.2.0+driver\n", a.sys.version)
}

// fail prints err as Falco would and returns the exit status.
func (a *app) fail(err error, log *logger) int {
	var runtime runtimeError
	var syntax syntaxError
	switch {
	case errors.As(err, &runtime):
		log.log(levelError, "Runtime error: "+runtime.Error()+". Exiting.")
	case errors.As(err, &syntax):
		log.log(levelError, syntax.Error())
		fmt.Fprintln(a.stderr, "Error: std::exception")
	default:
		fmt.Fprintf(a.stderr, "Error: %v\n", err)
	}
	return 1
}

// A runtimeError is one that Falco reports through its log.
type runtimeError string

func (e runtimeError) Error() string { return string(e) }

// A syntaxError is a main configuration file that is no YAML.
type syntaxError string

func (e syntaxError) Error() string { return string(e) }

// A saying is an error in Falco's own words, capitals and full stops included.
type saying string

func (e saying) Error() string { return string(e) }

func says(format string, args ...any) error { return saying(fmt.Sprintf(format, args...)) }

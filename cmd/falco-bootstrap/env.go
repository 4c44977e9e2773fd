// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/falco-bootstrap/falco-bootstrap/internal/alert"
	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/files"
	"github.com/falco-bootstrap/falco-bootstrap/internal/host"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/pkgmgr"
	"github.com/falco-bootstrap/falco-bootstrap/internal/redact"
	"github.com/falco-bootstrap/falco-bootstrap/internal/report"
	"github.com/falco-bootstrap/falco-bootstrap/internal/settings"
)

// env is everything that the command uses of its environment.
type env struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	environ        []string
	terminal       bool // standard output is a terminal
	width          int  // of the terminal, in columns; 0 if there is none
	errTerminal    bool // standard error is a terminal
	// journal and errJournal mean that standard output, or standard error, is the
	// journal: systemd.exec(5), JOURNAL_STREAM.
	journal, errJournal bool
	now                 func() time.Time
	// readFile reads a regular file.
	readFile func(string) ([]byte, error)
	stat     func(string) (fs.FileInfo, error)
	// listReports returns the files of a directory, and openReport opens one, which
	// may be a pipe.
	listReports func(string) ([]string, error)
	openReport  func(string) (io.ReadCloser, error)
	view        func(context.Context, host.Options) (view, error)
	// settle waits until no package transaction runs.
	settle func(context.Context, host.Options) error
	// machine opens the node for writing; nothing else does.
	machine func(context.Context, host.Options) (machine, error)
	// remember stores the report of a converging run on the node.
	remember func(host.Options, report.Report) error
	// output writes or appends to a file that the command line names.
	output func(name string, content []byte, how files.OutputMode) error
	probe  func(context.Context, host.Options, alert.Probe) (node.Seen, error)
	// await waits for a line of the alert log.
	await  func(ctx context.Context, opts host.Options, log string, within time.Duration, matches func([]byte) bool) ([]byte, error)
	bundle func(context.Context, host.Options, pkgmgr.BundleOrder) (node.Bundle, error)
}

// color reports whether to color the report: on a terminal that can show colors,
// unless NO_COLOR (no-color.org) is set.
func (e env) color() bool {
	return e.terminal && e.getenv("NO_COLOR") == "" && e.getenv("TERM") != "dumb"
}

func (e env) getenv(name string) string {
	for _, entry := range slices.Backward(e.environ) {
		if value, ok := strings.CutPrefix(entry, name+"="); ok {
			return value
		}
	}
	return ""
}

// run runs the command line and returns the exit status. It is the only place
// that prints errors.
func run(ctx context.Context, args []string, e env) node.Code {
	a := &app{env: e, deadline: time.Now().Add(time.Minute)}
	a.paper = &outlet{name: "standard output", w: e.stdout, stop: ctx.Done(), patience: func() time.Duration { return max(time.Until(a.deadline), reportPatience) }}
	log := &outlet{name: "standard error", w: e.stderr, stop: ctx.Done(), patience: func() time.Duration { return logPatience }}
	defer func() { _ = log.wait(logPatience) }()
	a.stdout, a.stderr = plain{a.paper}, plain{log}
	if e.errTerminal && e.getenv("TERM") != "dumb" {
		a.live = &live{w: log, width: e.width}
	}
	root := a.command()
	root.SetArgs(args)
	root.SetIn(e.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	cmd, err := root.ExecuteContextC(ctx)
	if err != nil {
		a.complain(err)
		if !a.concluded && a.meantToConverge(cmd, args) {
			a.leave(err)
		}
		return node.CodeOf(err)
	}
	return a.code
}

// meantToConverge reports whether a refused command line was certainly meant to
// change this node. Flags after a wrong one were not parsed, so it looks for
// anything that could have made it a dry run or named a tree.
func (a *app) meantToConverge(cmd *cobra.Command, args []string) bool {
	if cmd.HasParent() || cmd.Flags().NArg() > 0 {
		return false
	}
	for _, arg := range args {
		if strings.HasPrefix(arg, "--dry-run") || strings.HasPrefix(arg, "--root") {
			return false
		}
	}
	return a.getenv(settings.EnvPrefix+"DRY_RUN") == "" && a.getenv(settings.EnvPrefix+"ROOT") == ""
}

// leave stores the report of a run that never began. Otherwise the report of an
// older success would look like the latest.
func (a *app) leave(err error) {
	meta := a.meta(report.ModeConverge)
	meta.Err = err
	if err := a.remember(a.hostOptions(), report.New(meta, converge.Result{})); err != nil {
		fmt.Fprintf(a.stderr, "falco-bootstrap: warning: storing the report: %s\n", redact.Text(err.Error()))
	}
}

// complain prints an error and its hint, without secrets.
func (e env) complain(err error) {
	priority := ""
	if e.errJournal {
		priority = "<3>"
	}
	fmt.Fprintf(e.stderr, "%sfalco-bootstrap: error: %s\n", priority, redact.Text(err.Error()))
	if hint := node.HintOf(err); hint != "" {
		fmt.Fprintf(e.stderr, "%sfalco-bootstrap: hint: %s\n", priority, redact.Text(hint))
	}
}

// json prints an object as indented JSON, with its schema_version first.
func (e env) json(object any) error {
	text, err := json.Marshal(object)
	var has struct {
		SchemaVersion int `json:"schema_version"`
	}
	if err == nil {
		err = json.Unmarshal(text, &has)
	}
	if err != nil {
		return err
	}
	if has.SchemaVersion == 0 {
		text = append([]byte(`{"schema_version":1,`), text[1:]...)
	}
	var out bytes.Buffer
	if err := json.Indent(&out, append(text, '\n'), "", "  "); err != nil {
		return err
	}
	_, err = e.stdout.Write(out.Bytes())
	return err
}

// usage returns err as an error of the command line.
func usage(err error, hint string) error {
	return &node.Error{Code: node.CodeUsage, Err: err, Hint: hint}
}

// noArguments refuses arguments with [node.CodeUsage]; cobra's own check does not.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return usage(fmt.Errorf("unknown command or argument %q", args[0]), unknownWord(cmd, args[0]))
}

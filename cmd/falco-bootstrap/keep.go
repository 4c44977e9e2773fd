// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/falco-bootstrap/falco-bootstrap/internal/alert"
	"github.com/falco-bootstrap/falco-bootstrap/internal/files"
	"github.com/falco-bootstrap/falco-bootstrap/internal/host"
	"github.com/falco-bootstrap/falco-bootstrap/internal/report"
)

// lastRun is the report of the last converging run, in the state directory.
const lastRun = "last-run.json"

// keep writes the report of a converging run on the node, and any report to the
// files that the command line names.
func (a *app) keep(r report.Report) error {
	var errs []error
	if r.Mode == report.ModeConverge {
		errs = append(errs, a.remember(a.hostOptions(), r))
	}
	if name := a.options.metrics; name != "" {
		errs = append(errs, a.write(name, files.Replace, r.Metrics))
	}
	if name := a.options.reportFile; name != "" {
		errs = append(errs, a.write(name, files.Append, r.Line))
	}
	return errors.Join(errs...)
}

// write writes one form of the report to a file.
func (a *app) write(name string, how files.OutputMode, render func(io.Writer) error) error {
	var b bytes.Buffer
	if err := render(&b); err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	return a.output(name, b.Bytes(), how)
}

// remember replaces last-run.json, and includes the previous report in it. It also
// clears the state directory of what killed runs left there.
func remember(o host.Options, r report.Report) error {
	t, err := files.NewTree(o.Root)
	if err != nil {
		return err
	}
	dir, err := files.MakeStateDir(t)
	if err != nil {
		return err
	}
	alert.Sweep(dir)
	old, err := files.ReadState(t, lastRun)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var b bytes.Buffer
	if err := report.WithPrevious(r, old).JSON(&b); err != nil {
		return err
	}
	return files.WriteState(t, lastRun, b.Bytes())
}

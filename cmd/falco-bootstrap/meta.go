// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/falco-bootstrap/falco-bootstrap/internal/alert"
	"github.com/falco-bootstrap/falco-bootstrap/internal/files"
	"github.com/falco-bootstrap/falco-bootstrap/internal/host"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/report"
	"github.com/falco-bootstrap/falco-bootstrap/internal/settings"
	"github.com/falco-bootstrap/falco-bootstrap/internal/steps"
)

// packaging/release.sh sets these when it links a release: the tag, its commit, and
// the time of that commit. Another build has what Go recorded, if anything.
var (
	version = "devel"
	commit  = ""
	date    = ""
)

func tool() report.Tool {
	return report.Tool{Name: "falco-bootstrap", Version: version, Commit: cmp.Or(commit, recorded("vcs.revision"))}
}

// recorded returns what Go recorded about the build, such as vcs.time.
func recorded(key string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, s := range info.Settings {
		if s.Key == key {
			return s.Value
		}
	}
	return ""
}

// versionText returns what the version command prints.
func versionText() string {
	t := tool()
	return fmt.Sprintf("%s %s\ncommit: %s\ndate: %s\ngo: %s %s/%s\n", t.Name, t.Version,
		cmp.Or(t.Commit, "unknown"), cmp.Or(date, recorded("vcs.time"), "unknown"), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// meta returns what a report says besides its steps, as far as is known when the
// run starts.
func (a *app) meta(mode string) report.Meta {
	name, err := os.Hostname()
	if err != nil || a.options.root != "/" {
		name = "" // the machine that builds an image is not the node
	}
	return report.Meta{Tool: tool(), Mode: mode, Root: a.options.root, Started: a.now(), Host: report.Host{Hostname: name}}
}

// describe adds facts about the node and its Falco. Unknown ones, as on a node that
// was refused, stay empty.
func describe(ctx context.Context, meta *report.Meta, v node.View, declared settings.Settings) {
	f := steps.Describe(ctx, v, declared)
	name := meta.Host.Hostname
	if f.Tree {
		name = "" // the machine that builds an image is not the node
	}
	meta.Host = report.Host{
		Hostname: name, OS: f.OS, OSVersion: f.OSVersion, OSMajor: f.OSMajor,
		Kernel: f.Kernel, Flavour: f.Flavour, Arch: f.Arch, Glibc: f.Glibc, BootID: f.BootID,
	}
	if f.Falco != "" {
		meta.Falco = &report.Falco{Version: f.Falco, Driver: f.Driver, Unit: f.Unit}
	}
}

// lastRun is the report of the last converging run, in the state directory.
const lastRun = "last-run.json"

// keep writes the report of a converging run on the node, and any report to the
// files that the command line names.
func (a *app) keep(r report.Report) error {
	var errs []error
	if r.Mode == report.ModeConverge {
		errs = append(errs, a.remember(a.hostOptions(), r))
	}
	if name, wanted := a.metricsFile(); wanted {
		old, _ := a.readFile(name) // if it cannot be read, it is written all the same
		errs = append(errs, a.write(name, files.Replace, func(w io.Writer) error { return r.Metrics(w, old) }))
	}
	if name := a.options.reportFile; name != "" {
		errs = append(errs, a.write(name, files.Append, r.Line))
	}
	return errors.Join(errs...)
}

// metricsFile returns the file for metrics. With a dash before it the file is written
// only where its directory exists, as systemd reads EnvironmentFile=-.
func (a *app) metricsFile() (name string, wanted bool) {
	name, ifThere := strings.CutPrefix(a.options.metrics, "-")
	if ifThere {
		_, err := a.stat(filepath.Dir(name))
		return name, err == nil
	}
	return name, name != ""
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

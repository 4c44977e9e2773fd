// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/falco-bootstrap/falco-bootstrap/internal/fleet"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

// reportCommand sums up the reports of many nodes.
func (a *app) reportCommand() *cobra.Command {
	var maxAge time.Duration
	cmd := &cobra.Command{
		Use:   "report [FILE|DIRECTORY...]",
		Short: "Sum up the JSON reports of many nodes",
		Long: `report reads JSON reports from files, from all files of a directory, or from
standard input (one per line, or one after the other), and counts the nodes by state,
failure, drift, release, kernel and Falco. Only the newest report of each node counts.
A file that cannot be read is named, and the others count. --output html makes one page
of it, with a table of the nodes.

It exits with 1 if any node failed or, with --max-age, has been silent for too long,
else with 2 if any has changes pending, else with 0.`,
		Example: "  falco-bootstrap report reports/\n  cat *.json | falco-bootstrap report\n  falco-bootstrap report --max-age 12h --output html reports/ >fleet.html",
		RunE: func(cmd *cobra.Command, args []string) error {
			if maxAge < 0 {
				return usage(fmt.Errorf("--max-age: %v is no age", maxAge), "give it a time such as 12h")
			}
			return until(cmd.Context(), func() error { return a.sumUp(args, maxAge) })
		},
	}
	cmd.Flags().DurationVar(&maxAge, "max-age", 0, "name the nodes whose last report is older, such as 12h")
	return cmd
}

// until returns when f does, or ctx ends: reading a pipe hears no signal.
func until(ctx context.Context, f func() error) error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (a *app) sumUp(names []string, maxAge time.Duration) error {
	f := fleet.Fleet{Now: a.now(), MaxAge: maxAge}
	if len(names) == 0 {
		if err := f.Read(a.stdin, "standard input"); err != nil {
			return err
		}
		names = []string{"standard input"}
	} else {
		for _, name := range a.reportFiles(&f, names) {
			a.readReports(&f, name)
		}
	}
	a.code = node.Code(f.Exit())
	var err error
	switch a.options.output {
	case "json":
		err = f.JSON(a.stdout)
	case "html":
		err = f.HTML(a.stdout)
	default:
		err = f.Text(a.stdout)
	}
	if err == nil && f.Empty() {
		err = node.Errorf(node.CodeFailed, "name files that hold reports, such as --report-file writes, their directory, or none for standard input",
			"%s: no report was read", strings.Join(names, ", "))
	}
	return err
}

// reportFiles returns the files of these names: of a directory those in it.
func (a *app) reportFiles(f *fleet.Fleet, names []string) []string {
	var all []string
	for _, name := range names {
		below, err := a.listReports(name)
		if err != nil {
			f.Skip(name, err)
		}
		all = append(all, below...)
	}
	return all
}

// readReports reads a file in a stream: a drift log may be larger than the memory.
func (a *app) readReports(f *fleet.Fleet, name string) {
	file, err := a.openReport(name)
	if err == nil {
		err = f.Read(file, name)
		_ = file.Close()
	}
	if err != nil {
		f.Skip(name, err)
	}
}

// listReports returns name, or the names of the files in it if it is a directory.
func listReports(name string) ([]string, error) {
	if info, err := os.Stat(name); err != nil || !info.IsDir() {
		return []string{name}, nil // opening it says what is wrong
	}
	entries, err := os.ReadDir(name)
	var all []string
	for _, e := range entries {
		if !e.IsDir() {
			all = append(all, filepath.Join(name, e.Name()))
		}
	}
	return all, err
}

func openReport(name string) (io.ReadCloser, error) { return os.Open(name) }

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/falco-bootstrap/falco-bootstrap/internal/fleet"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

// reportCommand sums up the reports of many nodes.
func (a *app) reportCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "report [FILE...]",
		Short: "Sum up the JSON reports of many nodes",
		Long: `report reads JSON reports from files, or from standard input (one per line, or
one after the other), and counts the nodes by state, drift, release, kernel
and Falco. Only the newest report of each node counts.

It exits with 1 if any node failed, else 2 if any has changes pending, else 0.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return until(cmd.Context(), func() error { return a.sumUp(args) })
		},
	}
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

func (a *app) sumUp(names []string) error {
	var f fleet.Fleet
	if len(names) == 0 {
		if err := f.Read(a.stdin, "standard input"); err != nil {
			return err
		}
	}
	for _, name := range names {
		content, err := a.readReport(name)
		if err != nil {
			return &node.Error{Code: node.CodeUsage, Err: fmt.Errorf("reading a report: %w", err), Hint: "name files that hold reports, such as --report-file writes, or none for standard input"}
		}
		if err := f.Read(bytes.NewReader(content), name); err != nil {
			return err
		}
	}
	a.code = node.Code(f.Exit())
	if a.options.output == "json" {
		return f.JSON(a.stdout)
	}
	return f.Text(a.stdout)
}

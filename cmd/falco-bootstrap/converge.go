// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"runtime/debug"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/report"
	"github.com/falco-bootstrap/falco-bootstrap/internal/steps"
)

// converge makes the node as declared, or with --dry-run shows what it would
// change. It always ends with a report, even after a panic.
func (a *app) converge(cmd *cobra.Command, _ []string) error {
	ctx, cancel := context.WithTimeout(cmd.Context(), a.options.timeout)
	defer cancel()
	meta := a.meta(report.ModeConverge)
	if a.options.dryRun {
		meta.Mode = report.ModeDryRun
	}
	result, err := a.attempt(ctx, &meta)
	meta.Took = a.now().Sub(meta.Started)
	meta.Err = err
	return a.conclude(report.New(meta, result))
}

// attempt plans, and applies unless it is a dry run or there is nothing to do. If
// the plan fails, only a Falco that is down is started. The error does not come
// from a step.
func (a *app) attempt(ctx context.Context, meta *report.Meta) (result converge.Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			a.log.Error("panic", zap.Any("panic", p), zap.ByteString("stack", debug.Stack()))
			err = node.Errorf(node.CodeFailed, "please report it with the log above; running again is safe", "a bug in falco-bootstrap: %v", p)
		}
	}()
	declared, err := a.load()
	if err == nil && !a.options.dryRun {
		err = a.settle(ctx, a.hostOptions())
	}
	if err != nil {
		return result, err
	}
	v, err := a.view(ctx, a.hostOptions())
	if err != nil {
		return result, err
	}
	defer v.Close()
	for _, d := range declared.Declared() {
		meta.Declared = append(meta.Declared, d.Path)
	}
	all := steps.All(declared)
	result = converge.Plan(ctx, v, all)
	describe(ctx, meta, v, declared)
	inOrder := !result.Pending() && !result.HasProbe()
	if a.options.dryRun || inOrder {
		return result.Final(), nil
	}
	if result.Err != nil && !converge.CanRescue(all, result) {
		return result, nil
	}
	m, err := a.machine(ctx, a.hostOptions())
	switch {
	case err != nil && result.Err != nil:
		return result, nil
	case err != nil:
		return converge.Result{}, err
	}
	defer func() { _ = m.Close() }()
	if result.Err != nil {
		return converge.Rescue(ctx, m, all, result, a.logEvent), nil
	}
	result = converge.Converge(ctx, m, all, a.logEvent)
	describe(ctx, meta, m.View(), declared)
	return result, nil
}

// conclude sets the exit status and writes the report to all its places.
func (a *app) conclude(r report.Report) error {
	a.code, a.concluded = node.Code(r.Exit.Code), true
	if err := a.keep(r); err != nil {
		a.log.Warn("storing the report failed", zap.Error(err))
	}
	if a.options.output == "json" {
		return r.JSON(a.stdout)
	}
	return r.Text(a.paper, report.TextOptions{Color: a.color(), Verbose: a.options.verbose})
}

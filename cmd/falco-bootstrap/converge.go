// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"runtime/debug"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/removal"
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
	inOrder := !result.Pending() && !result.HasProbe() && !v.HasStage()
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
	if a.live != nil {
		a.live.show("")
	}
	switch {
	case a.options.quiet && r.Result == report.ResultOK && !r.Warns():
		return nil
	case a.options.output == "json" && a.journal: // and what is wrong for people, last
		return errors.Join(r.Line(a.stdout), r.Journal(a.stdout))
	case a.options.output == "json":
		return r.JSON(a.stdout)
	case a.journal && !a.options.verbose:
		return r.Journal(a.stdout)
	}
	return r.Text(a.paper, report.TextOptions{Color: a.color(), Verbose: a.options.verbose, Width: a.width})
}

// removeCommand takes back what the agent has put on the node.
func (a *app) removeCommand() *cobra.Command {
	var purge, dryRun bool
	cmd := &cobra.Command{
		Use:   "remove",
		Short: "Take back what falco-bootstrap has put on this node",
		Long: `remove takes back what falco-bootstrap has put on this node, and only that: the
repository and its key, drop-ins, the rule of logrotate and what it remembers. Files
that it has edited hold again what they held before, such as those that enable EPEL.
What it has found stays. Falco itself, its configuration and its log stay too; with
--purge they go, with the packages that came with them.`,
		Example: "  sudo falco-bootstrap remove --dry-run\n  sudo falco-bootstrap remove\n  sudo falco-bootstrap remove --purge",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if a.options.root != "/" {
				return usage(errors.New("remove acts on the running machine, and --root names a tree"), "leave --root out")
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), a.options.timeout)
			defer cancel()
			meta := a.meta(report.ModeRemove)
			result, err := a.remove(ctx, &meta, purge, dryRun)
			meta.Took, meta.Err = a.now().Sub(meta.Started), err
			return a.conclude(report.New(meta, result))
		},
	}
	cmd.Flags().BoolVar(&purge, "purge", false, "remove Falco too, its configuration and its log")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "show what would be taken back, and change nothing; exit with 2 if there is anything")
	return cmd
}

func (a *app) remove(ctx context.Context, meta *report.Meta, purge, dryRun bool) (converge.Result, error) {
	declared, err := a.load()
	if err == nil && !dryRun {
		err = a.settle(ctx, a.hostOptions())
	}
	if err != nil {
		return converge.Result{}, err
	}
	v, err := a.view(ctx, a.hostOptions())
	if err != nil {
		return converge.Result{}, err
	}
	defer v.Close()
	describe(ctx, meta, v, declared)
	all, err := removal.Steps(v, declared, purge)
	if err != nil {
		return converge.Result{}, err
	}
	result := converge.Plan(ctx, v, all)
	if dryRun || !result.Pending() {
		return result.Final(), nil
	}
	opts := a.hostOptions()
	opts.Removing = true
	m, err := a.machine(ctx, opts)
	if err != nil {
		return converge.Result{}, err
	}
	defer func() { _ = m.Close() }()
	return converge.Converge(ctx, m, all, a.logEvent), nil
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"github.com/spf13/cobra"

	"github.com/falco-bootstrap/falco-bootstrap/internal/alert"
	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/report"
	"github.com/falco-bootstrap/falco-bootstrap/internal/steps"
	"github.com/falco-bootstrap/falco-bootstrap/internal/verify"
)

// verifyWait is how long verify waits for its alert by default. Falco needs two
// seconds after its start, and a millisecond from then on.
const verifyWait = 15 * time.Second

// verifyCommand proves that an alert reaches the log file.
func (a *app) verifyCommand() *cobra.Command {
	var within time.Duration
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Prove that an alert reaches the log file",
		Long: `verify opens /etc/shadow for reading from a process with its own name, again
and again, until Falco's alert about that process appears in the declared log.
If none appears it says why: no Falco, a Falco that sees nothing, an alert that
goes elsewhere. It changes nothing on the node except for that alert.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.verify(cmd.Context(), within) },
	}
	cmd.Flags().DurationVar(&within, "within", verifyWait, "how long to wait for the alert")
	return cmd
}

func (a *app) verify(ctx context.Context, within time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, a.options.timeout)
	defer cancel()
	meta := a.meta(report.ModeVerify)
	result, err := a.verified(ctx, &meta, within)
	meta.Took, meta.Err = a.now().Sub(meta.Started), err
	return a.conclude(report.New(meta, result))
}

// verified inspects the node, which explains most failures, and then probes.
func (a *app) verified(ctx context.Context, meta *report.Meta, within time.Duration) (converge.Result, error) {
	declared, v, err := a.look(ctx)
	if err != nil {
		return converge.Result{}, err
	}
	defer v.Close()
	describe(ctx, meta, v, declared)
	began := a.now()
	subject, err := steps.Subject(ctx, v, declared)
	if err != nil {
		return converge.Result{}, err
	}
	inspection, err := verify.Inspect(ctx, v, subject, declared.Declared())
	if err != nil {
		return converge.Result{}, err
	}
	var seen node.Seen
	var complaint string
	switch {
	case !inspection.Running:
		if complaint, err = v.Complaint(ctx, subject.Check, nil); err != nil && !errors.Is(err, fs.ErrPermission) {
			complaint = err.Error()
		}
	case inspection.Probes():
		probe := alert.Probe{Log: subject.Log, Timeout: within, Linger: time.Second, Journal: true}
		if seen, err = a.probe(ctx, a.hostOptions(), probe); err != nil {
			return converge.Result{}, err
		}
	}
	step := converge.StepResult{ID: "verify", Status: converge.StatusOK}
	if step.Reason, step.Warnings, step.Err = inspection.Verdict(seen, complaint); step.Err != nil {
		step.Status = converge.StatusFailed
	}
	step.Took = a.now().Sub(began)
	return converge.Result{Steps: []converge.StepResult{step}, Err: step.Err}, nil
}

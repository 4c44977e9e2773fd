// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/falco-bootstrap/falco-bootstrap/internal/alert"
	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/report"
	"github.com/falco-bootstrap/falco-bootstrap/internal/steps"
)

// verifyWait is how long verify waits for its alert if nothing else is said.
// Falco needs two seconds from its start and a millisecond from then on.
const verifyWait = 15 * time.Second

// verifyCommand proves that an alert reaches the log file.
func (a *app) verifyCommand() *cobra.Command {
	var within time.Duration
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Prove that an alert reaches the log file",
		Long: `verify opens /etc/shadow for reading from a process with a name of its own,
again and again, until Falco's alert about that process stands in the declared
log. If none comes it says why: no Falco, Falco up but blind, an alert that goes
elsewhere. It changes nothing on the node but for that alert.`,
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

// verified looks first, which explains most failures, and then probes.
func (a *app) verified(ctx context.Context, meta *report.Meta, within time.Duration) (converge.Result, error) {
	declared, err := a.load()
	if err != nil {
		return converge.Result{}, err
	}
	v, err := a.view(ctx, a.hostOptions())
	if err != nil {
		return converge.Result{}, err
	}
	defer v.Close()
	describe(ctx, meta, v, declared)
	began := a.now()
	state, err := steps.Inspect(ctx, v, declared)
	if err != nil {
		return converge.Result{}, err
	}
	sighting, err := a.sight(ctx, state, within)
	if err != nil {
		return converge.Result{}, err
	}
	reason, warnings, err := state.Verdict(sighting)
	step := converge.StepResult{ID: "verify", Status: converge.StatusOK, Reason: reason, Warnings: warnings, Err: err, Took: a.now().Sub(began)}
	if err != nil {
		step.Status = converge.StatusFailed
	}
	return converge.Result{Steps: []converge.StepResult{step}, Err: err}, nil
}

// sight probes a Falco that runs, and asks one that does not why.
func (a *app) sight(ctx context.Context, state steps.State, within time.Duration) (steps.Sighting, error) {
	switch {
	case !state.Running:
		return steps.Sighting{Complaint: a.complaint(ctx, a.hostOptions(), state.Check())}, nil
	case !state.Probes():
		return steps.Sighting{}, nil
	}
	p := alert.Probe{Log: state.Log, Timeout: within, Linger: time.Second, Journal: true}
	seen, err := a.probe(ctx, a.hostOptions(), p)
	return steps.Sighting{Detected: seen.Detected(), First: seen.First, Opens: seen.Opens, Alerts: seen.Alerts, Journal: seen.Journal, Full: seen.Full}, err
}

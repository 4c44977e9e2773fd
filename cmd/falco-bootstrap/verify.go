// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/host"
	"github.com/falco-bootstrap/falco-bootstrap/internal/report"
	"github.com/falco-bootstrap/falco-bootstrap/internal/steps"
)

// verifyWait is how long verify waits for its alert. Falco needs two seconds
// from its start and a millisecond from then on.
const verifyWait = 15 * time.Second

// verifyCommand proves that an alert reaches the log file.
func (a *app) verifyCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "verify",
		Short: "Prove that an alert reaches the log file",
		Long: `verify opens /etc/shadow for reading from a process with a name of its own,
again and again, until Falco's alert about that process stands in the declared
log. If none comes it says why: no Falco, Falco up but blind, an alert that goes
elsewhere. It changes nothing on the node but for that alert.`,
		Args: noArguments, RunE: a.verify,
	}
}

func (a *app) verify(cmd *cobra.Command, _ []string) error {
	ctx, cancel := context.WithTimeout(cmd.Context(), a.options.timeout)
	defer cancel()
	meta := a.meta(report.ModeVerify)
	result, err := a.verified(ctx, &meta)
	meta.Took, meta.Err = a.now().Sub(meta.Started), err
	return a.conclude(report.New(meta, result))
}

// verified looks first, which explains most failures, and then probes.
func (a *app) verified(ctx context.Context, meta *report.Meta) (converge.Result, error) {
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
	var seen host.Seen
	if state.Running {
		p := host.Probe{Log: state.Log, Timeout: verifyWait, Linger: time.Second, Journal: true}
		if seen, err = a.probe(ctx, a.hostOptions(), p); err != nil {
			return converge.Result{}, err
		}
	}
	reason, warnings, err := state.Verdict(steps.Sighting{Detected: seen.Detected(), First: seen.First, Opens: seen.Opens, Alerts: seen.Alerts, Journal: seen.Journal})
	step := converge.StepResult{ID: "verify", Status: converge.StatusOK, Reason: reason, Warnings: warnings, Err: err, Took: a.now().Sub(began)}
	if err != nil {
		step.Status = converge.StatusFailed
	}
	return converge.Result{Steps: []converge.StepResult{step}, Err: err}, nil
}

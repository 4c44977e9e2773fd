// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/falco-bootstrap/falco-bootstrap/internal/alert"
	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/report"
	"github.com/falco-bootstrap/falco-bootstrap/internal/settings"
	"github.com/falco-bootstrap/falco-bootstrap/internal/steps"
	"github.com/falco-bootstrap/falco-bootstrap/internal/verify"
)

// verifyWait is how long verify waits for its alert by default. Falco needs two
// seconds after its start, and a millisecond from then on.
const verifyWait = 15 * time.Second

// verifyCommand proves that an alert reaches the log file.
func (a *app) verifyCommand() *cobra.Command {
	var within time.Duration
	var rule string
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Prove that an alert reaches the log file",
		Long: `verify opens /etc/shadow for reading from a process with its own name, again
and again, until Falco's alert about that process appears in the declared log.
If none appears it says why: no Falco, a Falco that sees nothing, an alert that
goes elsewhere. It changes nothing on the node except for that alert.

With --rule it waits for a real alert of that rule instead, which somebody must
cause meanwhile, and says which container and pod raised it. If the rule can raise
none it says why at once.`,
		Example: `  sudo falco-bootstrap verify
  sudo falco-bootstrap verify --within 1m --output json
  sudo falco-bootstrap verify --rule "Terminal shell in container" --within 2m`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if within <= 0 {
				return usage(fmt.Errorf("--within: %v leaves no time for an alert", within), "give it a time such as 30s")
			}
			return a.verify(cmd.Context(), within, rule)
		},
	}
	cmd.Flags().DurationVar(&within, "within", verifyWait, "how long to wait for the alert")
	cmd.Flags().StringVar(&rule, "rule", "", "wait for an alert of the rule of this name, which somebody causes meanwhile")
	return cmd
}

func (a *app) verify(ctx context.Context, within time.Duration, rule string) error {
	ctx, cancel := context.WithTimeout(ctx, a.options.timeout)
	defer cancel()
	meta := a.meta(report.ModeVerify)
	result, err := a.verified(ctx, &meta, within, rule)
	meta.Took, meta.Err = a.now().Sub(meta.Started), err
	return a.conclude(report.New(meta, result))
}

// verified inspects the node, which explains most failures, and then probes.
func (a *app) verified(ctx context.Context, meta *report.Meta, within time.Duration, rule string) (converge.Result, error) {
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
		if complaint, _, err = v.Examine(ctx, subject.Check, nil); err != nil && !errors.Is(err, fs.ErrPermission) {
			complaint = err.Error()
		}
	case inspection.Probes() && rule != "":
		step := converge.StepResult{ID: "verify", Status: converge.StatusOK}
		if step.Reason, step.Err = a.awaitRule(ctx, v, declared, subject.Log, rule, within); step.Err != nil {
			step.Status = converge.StatusFailed
		}
		step.Took = a.now().Sub(began)
		return converge.Result{Steps: []converge.StepResult{step}, Err: step.Err}, nil
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

// awaitRule waits for an alert of a rule and says where it was raised.
func (a *app) awaitRule(ctx context.Context, v view, declared settings.Settings, log, name string, within time.Duration) (string, error) {
	inForce, err := steps.RulesInForce(ctx, v, declared)
	if err != nil {
		return "", err
	}
	r, loaded := inForce.Find(name)
	rule := verify.Rule{Name: name, Origin: r.Origin, Enabled: r.Enabled, By: r.By, Silent: r.Silent, Source: r.Source, Condition: r.Condition, Output: r.Output}
	if err := rule.Unraisable(loaded); err != nil {
		return "", err
	}
	a.log.Info("waiting for an alert", zap.String("rule", name), zap.String("log", log), zap.Duration("within", within))
	began := a.now()
	var found verify.Alert
	line, err := a.await(ctx, a.hostOptions(), log, within, func(line []byte) bool {
		alert, ok := rule.Match(line)
		if ok {
			found = alert
		}
		return ok
	})
	switch {
	case err != nil:
		return "", err
	case line == nil:
		return "", rule.Missed(log, within)
	}
	if found.Node == "" {
		found.Node = a.meta(report.ModeVerify).Host.Hostname
	}
	return fmt.Sprintf("an alert of the rule %q reached %s after %s, %s", name, log, a.now().Sub(began).Round(time.Millisecond), found), nil
}

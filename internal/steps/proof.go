// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package steps

import (
	"context"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

// settleTime is how long Falco must run to count as running if no alert appears:
// one RestartSec of its unit and a margin, since a crash loop is active half of
// the time.
const settleTime = 20 * time.Second

// planProof plans to prove that Falco detects, once after every start. Neither
// "active" nor /healthz proves it: both answer before the driver is open.
func planProof(ctx context.Context, sv *survey) (converge.Outcome, error) {
	waiting := converge.Outcome{Waiting: idPackages, Reason: "a test alert is awaited once Falco is running"}
	if !sv.falcoFits() {
		return waiting, nil
	}
	units, err := sv.view.Units(ctx, sv.unit)
	if err != nil {
		return converge.Outcome{}, err
	}
	u, last := units[sv.unit], sv.view.Proof()
	probe := node.Prove{Subject: sv.subject(u), Invocation: u.InvocationID, Settle: settleTime}
	proven := last.Invocation == u.InvocationID
	switch {
	case !u.Running():
		waiting.Waiting = idUnit
		if u.ActiveState == "failed" || u.SubState == "auto-restart" {
			// The unit's step has started it: the proof finds out why it exited.
			probe.Invocation = ""
			waiting.Changes = []node.Change{probe}
		}
		return waiting, nil
	case last.Hidden:
		return converge.Outcome{Reason: "running", Unknown: []string{"whether Falco has been seen to detect since its start: only root can read the last proof"}}, nil
	case proven && last.Detected:
		return converge.Outcome{Reason: "Falco has reported a test alert since its start"}, nil
	case proven:
		return converge.Outcome{Reason: "running, but not seen to detect", Warnings: []node.Warning{unproven(probe.Subject, last)}}, nil
	}
	return converge.Outcome{Reason: "not proven since its start at " + u.Started.UTC().Format(time.RFC3339), Changes: []node.Change{probe}}, nil
}

// unproven warns of a unit that is running but was not seen to detect after it
// started.
func unproven(s node.Subject, last node.Proof) node.Warning {
	w := node.Warning{
		Message: s.Unit + " is running, but no alert about the agent's own opening of a sensitive file appeared in " + s.Log + " after its start",
		Hint:    "`falco-bootstrap verify` tries again and finds out why",
		Drift:   node.DriftUnproven,
	}
	if last.Unseen != "" {
		w.Message = s.Unit + " is running, but it is not known whether it detects: " + last.Unseen
	}
	return w
}

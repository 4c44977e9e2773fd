// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package steps

import (
	"context"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/settings"
)

// settleTime is how long Falco must stand to count as running where no alert
// can tell: one RestartSec of its unit and a margin, since a crash loop is
// active half of the time.
const settleTime = 20 * time.Second

// proof has Falco show that it detects, once after every start. Neither
// "active" nor /healthz shows it: both answer before the driver is open.
type proof struct{ settings.Settings }

// ID implements [converge.Step].
func (proof) ID() string { return idProof }

// Plan implements [converge.Step]. The probe that it asks for is no change of
// the node.
func (p proof) Plan(ctx context.Context, view node.View) (converge.Outcome, error) {
	if view.Host().Tree {
		return converge.Outcome{}, node.ErrNotAsked
	}
	sv, err := look(ctx, view, p.Settings)
	if err != nil {
		return converge.Outcome{}, err
	}
	if !sv.settled(p.Settings) {
		return converge.Outcome{Waiting: idPackages, Reason: "an alert is asked of Falco once it runs"}, nil
	}
	name := falco.UnitFor(sv.verdict.Driver, sv.falco.Version)
	units, err := view.Units(ctx, name)
	if err != nil {
		return converge.Outcome{}, err
	}
	u, last := units[name], view.Proof()
	probe := node.Prove{
		Unit: name, Invocation: u.InvocationID, Log: p.LogFile(), Settle: settleTime,
		Check: node.FalcoCheck{Version: sv.falco.Version, Preload: preload(sv, sv.falco.Version)},
	}
	switch {
	case !u.Running():
		probe.Invocation = "" // the step before starts another
		out := converge.Outcome{Waiting: idUnit, Reason: "an alert is asked of Falco once it runs"}
		if u.ActiveState == "failed" || u.SubState == "auto-restart" {
			out.Changes = []node.Change{probe} // the unit's step has started it: whoever proves it finds out why it died
		}
		return out, nil
	case last.Hidden:
		return converge.Outcome{Reason: "running", Unknown: []string{"whether Falco has been seen to detect since its start: root keeps the verdict"}}, nil
	case last.Invocation == u.InvocationID && last.Detected:
		return converge.Outcome{Reason: "Falco has reported a test alert since its start"}, nil
	case last.Invocation == u.InvocationID:
		return converge.Outcome{Reason: "running, and not seen to detect", Warnings: []node.Warning{unproven(name, p.LogFile(), last)}}, nil
	}
	return converge.Outcome{Reason: "not proven since its start at " + u.Started.UTC().Format(time.RFC3339), Changes: []node.Change{probe}}, nil
}

// unproven warns of a unit that runs but was not seen to detect when it was
// started.
func unproven(unit, log string, last node.Proof) node.Warning {
	w := node.Warning{
		Message: unit + " runs, but no alert about the agent's own open of a sensitive file came to " + log + " when it was started",
		Hint:    "`falco-bootstrap verify` tries again and finds out why",
		Drift:   node.DriftUnproven,
	}
	if last.Unseen != "" {
		w.Message = unit + " runs, but whether it detects could not be seen: " + last.Unseen
	}
	return w
}

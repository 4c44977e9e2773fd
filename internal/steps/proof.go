// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package steps

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/systemd"
)

const (
	// settleTime is how long Falco must run to count as running where no alert
	// can tell: one RestartSec of its unit and a margin, since a crash loop is
	// active half of the time.
	settleTime = 20 * time.Second
	// justNow is the age below which a failed proof is this run's own.
	justNow = 2 * time.Second
)

// planProof has Falco show that it detects after every start, and again when that
// is long ago. Neither "active" nor /healthz shows it: both answer before the
// driver is open, and after the log is lost.
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
	probe := node.Prove{Subject: sv.subject(u), Invocation: u.InvocationID, Settle: settleTime, Declared: sv.Declared(), Package: sv.installed.NEVRA(), Inputs: append(sv.inputs(u), u.DropIns...)}
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
	}
	vitals, err := sv.view.Vitals(u.MainPID, probe.Log)
	if err != nil {
		return converge.Outcome{}, err
	}
	if full := vitals.NoRoom(u.Name, probe.Log); full != nil {
		return converge.Outcome{Reason: "running, and cannot write its log", Wrong: full}, nil
	}
	if last.Detected && !hasRules(sv, u) {
		return converge.Outcome{Reason: "the rules by which Falco was seen to detect are gone", Changes: []node.Change{probe}}, nil
	}
	return sv.proof(u, last, probe), nil
}

// hasRules reports whether any of Falco's rules files is there. What cannot be
// read is reported by other steps.
func hasRules(sv *survey, u systemd.Unit) bool {
	config, err := loadInForce(sv, u)
	return err != nil || config.HasRules() || len(sv.inForce(u).CommandLine().Rules) > 0
}

// proof goes by the last proof.
func (sv *survey) proof(u systemd.Unit, last node.Proof, probe node.Prove) converge.Outcome {
	at, age := last.Time.UTC().Format(time.RFC3339), sv.view.Now().Sub(last.Time)
	current := age >= 0 && age <= sv.Proof.MaxAge // a clock that was set back proves nothing
	switch {
	case last.Invocation != u.InvocationID:
		return converge.Outcome{Reason: "not proven since its start at " + u.Started.UTC().Format(time.RFC3339), Changes: []node.Change{probe}}
	case last.Detected && current:
		return converge.Outcome{Reason: "Falco reported a test alert at " + at}
	case last.Detected:
		return converge.Outcome{Reason: fmt.Sprintf("last proven at %s, longer ago than %v", at, sv.Proof.MaxAge), Changes: []node.Change{probe}}
	case last.Lapsed:
		probe.Invocation = ""
		restart := node.ChangeUnit{
			Unit: u.Name, Action: node.Restart, From: "running", To: "running", Check: &probe.Check,
			Cause: node.Because(node.DriftUnproven, "it reported a test alert before, and reports none now"),
		}
		return converge.Outcome{Reason: "no longer seen to detect at " + at, Changes: []node.Change{restart, probe}}
	}
	out := converge.Outcome{Reason: "running, and not seen to detect at " + at}
	unseen := last.Reason == "" && last.Unseen != ""
	switch {
	case last.Off, unseen:
		out.Warnings = []node.Warning{unproven(u.Name, last)}
	default:
		out.Wrong = &node.Error{
			Code: node.CodeNotRunning, Drift: node.DriftUnproven,
			Err:  errors.New(cmp.Or(last.Reason, u.Name+" is running but wrote no alert to "+probe.Log)),
			Hint: cmp.Or(last.Hint, "`falco-bootstrap verify` tries again and finds out why"),
		}
	}
	// The operator's own choice is not questioned at every run.
	if settled := current && (last.Off || unseen); !settled && (age > justNow || age < 0) {
		out.Changes = []node.Change{probe}
	}
	return out
}

// unproven warns of a unit that is running and of which a proof cannot tell
// whether it detects.
func unproven(unit string, last node.Proof) node.Warning {
	w := node.Warning{
		Message: unit + " is running, but whether it detects could not be seen: " + last.Unseen,
		Hint:    "`falco-bootstrap verify` tries again and finds out why",
		Drift:   node.DriftUnproven,
	}
	if last.Off {
		w.Message = "whether " + unit + " detects cannot be proven, because the rule that the proof uses is turned off: " + last.Reason
		w.Hint = last.Hint
	}
	return w
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package steps

import (
	"context"
	"slices"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/systemd"
)

// Rescue implements [converge.Rescuer]. A Falco that is down is started although
// something that it does not need to run has failed, such as a reinstall without
// a repository. One that runs is left alone, and so is a node that may not run
// Falco at all, or whose packages cannot be trusted.
func (s step) Rescue(failed string, err error) converge.Step {
	code := node.CodeOf(err)
	if code == node.CodePreflight || code == node.CodeTrust || !slices.Contains(s.despite, failed) {
		return nil
	}
	s.failed = append(slices.Clip(s.failed), failed)
	return s
}

// rescue plans the step for the Falco that is installed, if that one is down.
func (s step) rescue(ctx context.Context, sv *survey) (converge.Outcome, error) {
	notReached := converge.Outcome{Skipped: true, Reason: "not reached: " + s.failed[0] + " failed"}
	if sv.installed == nil || !sv.decision.Allows(sv.installed.Version) {
		return notReached, nil
	}
	installed := *sv
	installed.version = sv.installed.Version
	installed.unit = falco.UnitFor(sv.decision.Driver, installed.version)
	units, err := sv.view.Units(ctx, falco.Units()...)
	if err != nil {
		return notReached, err
	}
	// The proof is of a Falco that this run has started.
	needed := func(u systemd.Unit) bool { return isDown(sv, u) }
	if s.id == idProof {
		needed = func(u systemd.Unit) bool { return sv.view.Now().Sub(u.Started) < settleTime }
	}
	for _, u := range units {
		if u.Running() && !needed(u) {
			if s.id == idUnit { // also once this run has started it
				notReached.Reason = u.Name + " is running; the rest was " + notReached.Reason
			}
			return notReached, nil
		}
	}
	if u := units[installed.unit]; slices.Contains(s.failed, idConfig) {
		// What the package has not set up yet is not started half done, and what
		// Falco refuses would only die again and again.
		if !u.Enabled() || refuses(ctx, &installed, u) {
			return notReached, nil
		}
	}
	return s.plan(ctx, &installed)
}

// refuses reports whether the installed Falco refuses what is on disk.
func refuses(ctx context.Context, sv *survey, u systemd.Unit) bool {
	reason, _, err := sv.view.Examine(ctx, sv.check(u), nil)
	return err == nil && reason != ""
}

// Undo implements [converge.Undoer].
func (s step) Undo(ctx context.Context, view node.View, tried []node.Change) []node.Change {
	if s.undo == nil {
		return nil
	}
	return s.undo(ctx, s.survey(ctx, view), tried)
}

// startAgain plans to start, and to enable, the units that a run has stopped, if
// the wanted one that should have taken their place is not running: a Falco of
// somebody else's is better than none.
func startAgain(ctx context.Context, sv *survey, tried []node.Change) []node.Change {
	units, err := sv.view.Units(ctx, falco.Units()...)
	if err != nil {
		return nil
	}
	if !isDown(sv, units[sv.unit]) {
		return nil
	}
	var out []node.Change
	for _, c := range tried {
		u, ok := c.(node.ChangeUnit)
		if !ok || u.Unit == sv.unit || u.Unit == falco.FollowUnit || !units[u.Unit].Exists() {
			continue
		}
		again := node.ChangeUnit{Unit: u.Unit, From: u.To, To: u.From, Cause: node.Because(u.Drift, sv.unit+" is not running")}
		switch u.Action {
		case node.Stop:
			again.Action = node.Start
		case node.Disable:
			again.Action = node.Enable
		default:
			continue
		}
		out = append(out, again)
	}
	return out
}

var _ interface {
	converge.Rescuer
	converge.Undoer
} = step{}

// isDown reports whether a unit that should run does not, or not for long.
func isDown(sv *survey, u systemd.Unit) bool { return !u.Running() || isCrashLooping(u, sv.view.Now()) }

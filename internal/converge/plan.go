// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package converge

import (
	"context"
	"errors"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"io/fs"
	"time"
)

// Plan asks every step what it would change and changes nothing. A refusal in
// preflight ends it, since nothing after it would be true; any other step that
// fails leaves the rest to be planned, so that one report names all there is
// to mend.
func Plan(ctx context.Context, view node.View, steps []Step) Result {
	var r Result
	for i, step := range steps {
		s := planStep(ctx, view, step)
		r.Steps = append(r.Steps, s)
		if s.Err == nil {
			continue
		}
		if r.Err == nil {
			r.Err = s.Err
		}
		if node.CodeOf(s.Err) == node.CodePreflight || ctx.Err() != nil {
			r.Steps = append(r.Steps, unreached(steps[i+1:], step.ID())...)
			return r
		}
	}
	return r
}

// planStep plans one step. What this user may not see is unknown, not failed:
// a dry run without root still tells what it can.
func planStep(ctx context.Context, view node.View, step Step) StepResult {
	began := time.Now()
	out, err := step.Plan(ctx, view)
	s := StepResult{
		ID: step.ID(), Status: out.status(), Reason: out.Reason, Waiting: out.Waiting,
		Unknown: out.Unknown, Changes: out.Changes, Warnings: out.Warnings, Took: time.Since(began),
	}
	switch {
	case errors.Is(err, node.ErrNotAsked):
		s.Status, s.Reason = StatusSkipped, err.Error()
	case errors.Is(err, fs.ErrPermission) && node.CodeOf(err) == node.CodeFailed:
		s.Status, s.Unknown = StatusUnknown, append(s.Unknown, err.Error())
	case err != nil:
		s.Status, s.Err = StatusFailed, err
	}
	return s
}

// unreached are the results of steps that a failure kept from being planned.
func unreached(steps []Step, after string) []StepResult {
	var rest []StepResult
	for _, step := range steps {
		rest = append(rest, StepResult{ID: step.ID(), Status: StatusSkipped, Reason: "not reached: " + after + " failed"})
	}
	return rest
}

// Changes lists every change of a result that alters the node.
func (r Result) Changes() []node.Change {
	var all []node.Change
	for _, s := range r.Steps {
		all = append(all, Outcome{Changes: s.Changes}.Pending()...)
	}
	return all
}

// HasProbe reports whether a result holds a probe, which is no change but
// needs a Machine all the same.
func (r Result) HasProbe() bool {
	for _, s := range r.Steps {
		for _, c := range s.Changes {
			if node.IsProbe(c) {
				return true
			}
		}
	}
	return false
}

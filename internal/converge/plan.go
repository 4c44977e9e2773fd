// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package converge

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

// Plan asks every step what it would change and changes nothing. An error with
// [node.CodePreflight] ends it, since the rest of the plan would be wrong. After
// any other error the rest is still planned, so that one report names everything
// that is wrong.
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
			for _, rest := range steps[i+1:] {
				r.Steps = append(r.Steps, unreached(rest.ID(), step.ID()))
			}
			return r
		}
	}
	return r
}

// planStep plans one step. What this user may not see is unknown, not failed: a
// dry run without root still reports what it can. The reason of an outcome that is
// not complete goes: it would say of a step that failed that all is as declared.
func planStep(ctx context.Context, view node.View, step Step) StepResult {
	began := time.Now()
	out, err := step.Plan(ctx, view)
	s := StepResult{
		ID: step.ID(), Status: out.status(), Reason: out.Reason, Waiting: out.Waiting,
		Unknown: out.Unknown, Changes: out.Changes, Warnings: out.Warnings, Wrong: out.Wrong, Took: time.Since(began),
	}
	switch {
	case errors.Is(err, node.ErrNotAsked):
		s.Status, s.Reason = StatusSkipped, err.Error()
	case errors.Is(err, fs.ErrPermission) && node.CodeOf(err) == node.CodeFailed:
		s.Status, s.Reason, s.Unknown = StatusUnknown, "", append(s.Unknown, err.Error())
	case err != nil:
		s.Status, s.Reason, s.Err = StatusFailed, "", err
	}
	return s
}

// unreached is the result of a step that is not taken because another failed.
func unreached(id, failed string) StepResult {
	return StepResult{ID: id, Status: StatusSkipped, Reason: "not reached: " + failed + " failed"}
}

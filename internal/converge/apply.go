// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package converge

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

// rounds bounds how often one step may plan again after its own changes, as
// when a repository must be installed before it can be used.
const rounds = 4

// rescueLimit is how much of a run's time is kept for what can be done after a
// failure, if the run is long enough.
const rescueLimit = 30 * time.Second

// undoLimit bounds what is undone after a failure, for which the run's own time
// may be over.
const undoLimit = time.Minute

// Converge makes the node as declared: it plans each step in order and applies
// the changes, then plans all steps again; anything that is left is an error
// that names it. The first error ends the run, except for what a [Rescuer] still
// does and an [Undoer] makes up for. What was done before it stays, and the next
// run goes on from there. Converge calls tell for each event.
func Converge(ctx context.Context, m node.Machine, steps []Step, tell func(Event)) Result {
	run := runner{machine: m, view: m.View(), tell: tell, tried: map[string][]node.Change{}}
	var (
		r      Result
		failed []StepResult
	)
	for i, step := range steps {
		taken := rescue(step, failed)
		if taken == nil || len(failed) > 0 && ctx.Err() != nil {
			r.Steps = append(r.Steps, unreached(step.ID(), failed[0].ID))
			continue
		}
		within, cancel := ctx, func() {}
		if len(failed) == 0 {
			within, cancel = spare(ctx, step, steps[i+1:])
		}
		s := run.step(within, taken)
		cancel()
		r.Steps = append(r.Steps, s)
		if s.Err != nil {
			failed = append(failed, s)
			run.view = m.View()
		}
	}
	switch {
	case len(failed) > 0:
		r.Err = failed[0].Err
		run.undo(ctx, steps, &r)
	case run.changed:
		run.confirm(ctx, steps, &r)
	}
	return r
}

// CanRescue reports whether [Rescue] may have something to do after a plan.
func CanRescue(steps []Step, planned Result) bool {
	var failed []StepResult
	for i, s := range planned.Steps {
		switch {
		case s.Err != nil:
			failed = append(failed, s)
		case len(failed) > 0 && s.Status == StatusPending && rescue(steps[i], failed) != nil:
			return true
		}
	}
	return false
}

// Rescue does, after a plan that has failed, what a [Rescuer] does in spite of the
// failures before it, and nothing else. The result is the plan's, with what was
// done.
func Rescue(ctx context.Context, m node.Machine, steps []Step, planned Result, tell func(Event)) Result {
	run := runner{machine: m, view: m.View(), tell: tell, tried: map[string][]node.Change{}}
	planned.Steps = slices.Clone(planned.Steps)
	var failed []StepResult
	for i, s := range planned.Steps {
		if s.Err != nil {
			failed = append(failed, s)
			continue
		}
		if len(failed) == 0 || ctx.Err() != nil {
			continue
		}
		taken := rescue(steps[i], failed)
		if taken == nil {
			continue
		}
		s = run.step(ctx, taken)
		if s.Err != nil {
			failed = append(failed, s)
			run.view = m.View()
		}
		if s.Err != nil || len(s.Changes) > 0 {
			planned.Steps[i] = s
		}
	}
	run.undo(ctx, steps, &planned)
	return planned
}

// rescue returns what to take in place of a step after others have failed, or
// nil.
func rescue(step Step, failed []StepResult) Step {
	for _, f := range failed {
		r, ok := step.(Rescuer)
		if !ok {
			return nil
		}
		step = r.Rescue(f.ID, f.Err)
	}
	return step
}

// spare returns the context of a step, which leaves time for later ones that can
// be taken if it fails.
func spare(ctx context.Context, step Step, later []Step) (context.Context, func()) {
	fails := []StepResult{{ID: step.ID(), Err: context.DeadlineExceeded}}
	isRescued := func(s Step) bool { return rescue(s, fails) != nil }
	deadline, ok := ctx.Deadline()
	if !ok || !slices.ContainsFunc(later, isRescued) {
		return ctx, func() {}
	}
	return context.WithDeadline(ctx, deadline.Add(-min(time.Until(deadline)/3, rescueLimit)))
}

// A runner carries out one run. Its view is renewed after the changes of a step.
type runner struct {
	machine node.Machine
	view    node.View
	tell    func(Event)
	changed bool
	tried   map[string][]node.Change // by step
}

// undo has the steps, the last one first, make up for what they did in a run that
// has failed. The reports show it as further changes of theirs.
func (r *runner) undo(ctx context.Context, steps []Step, result *Result) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoLimit)
	defer cancel()
	for i, step := range slices.Backward(steps) {
		u, ok := step.(Undoer)
		if !ok || len(r.tried[step.ID()]) == 0 {
			continue
		}
		for _, c := range u.Undo(ctx, r.machine.View(), r.tried[step.ID()]) {
			s := &result.Steps[i]
			s.Changes = append(s.Changes, c)
			if err := r.apply(ctx, step.ID(), []node.Change{c}); err != nil {
				s.Warnings = append(s.Warnings, node.Warning{Message: "undoing what the failed run did: " + err.Error(), Hint: node.HintOf(err)})
			}
		}
	}
}

// step plans one step and applies its changes, until it plans nothing new.
func (r *runner) step(ctx context.Context, step Step) StepResult {
	began := time.Now()
	r.tell(Event{Step: step.ID()})
	total := planStep(ctx, r.view, step)
	for next, round := total, 0; next.Err == nil && len(next.Changes) > 0; round++ {
		if round == rounds || ctx.Err() != nil {
			break
		}
		if total.Err = r.apply(ctx, step.ID(), next.Changes); total.Err != nil {
			break
		}
		last := next
		next = planStep(ctx, r.view, step)
		total = merge(total, next, last)
		if reflect.DeepEqual(last.Changes, next.Changes) {
			break
		}
	}
	total = finish(ctx, total)
	total.Took = time.Since(began)
	r.tell(Event{Step: step.ID(), Done: true, Took: total.Took, Err: total.Err})
	return total
}

// merge adds what a later round of a step found to what it did so far.
func merge(total, next, last StepResult) StepResult {
	total.Err, total.Waiting, total.Unknown, total.Wrong = next.Err, next.Waiting, next.Unknown, next.Wrong
	if !reflect.DeepEqual(last.Changes, next.Changes) {
		total.Changes = append(total.Changes, next.Changes...)
	}
	if len(next.Changes) == 0 && next.Reason != "" {
		total.Reason = next.Reason
	}
	return total
}

// finish sets the status of a step that has been applied.
func finish(ctx context.Context, s StepResult) StepResult {
	if s.Err == nil {
		s.Err = ctx.Err()
	}
	if s.Err == nil {
		s.Err = s.Wrong
	}
	switch {
	case s.Err != nil:
		s.Status = StatusFailed
	case s.Waiting != "":
		s.Status = StatusWaiting
	case len(pending(s.Changes)) > 0:
		s.Status = StatusChanged
	case s.Status == StatusPending:
		s.Status = StatusOK
	}
	return s
}

// apply applies changes in order and then renews the view.
func (r *runner) apply(ctx context.Context, step string, changes []node.Change) error {
	for _, c := range changes {
		began := time.Now()
		r.tell(Event{Step: step, Change: c})
		r.tried[step] = append(r.tried[step], c)
		err := r.machine.Apply(ctx, c)
		r.tell(Event{Step: step, Change: c, Done: true, Took: time.Since(began), Err: err})
		r.changed = true
		if err != nil {
			return err
		}
	}
	r.view = r.machine.View()
	return nil
}

// confirm plans every step once more. A run that has changed the node and still
// finds something to change has not converged, and its error says what is left.
func (r *runner) confirm(ctx context.Context, steps []Step, result *Result) {
	again := Plan(ctx, r.view, steps)
	var left []string
	for i, s := range again.Steps {
		changes := pending(s.Changes)
		result.Steps[i].Warnings = union(result.Steps[i].Warnings, s.Warnings)
		switch {
		case s.Err != nil:
			left = append(left, s.ID+": "+s.Err.Error())
		case len(changes) > 0:
			left = append(left, s.ID+": "+changes[0].String())
		case s.Status == StatusWaiting:
			left = append(left, s.ID+": waiting on "+s.Waiting)
		default:
			continue
		}
		result.Steps[i].Status, result.Steps[i].Err = StatusFailed, notConverged(left[len(left)-1:])
	}
	if len(left) > 0 {
		result.Err = notConverged(left)
	}
}

// union appends the warnings that are not there yet.
func union(have, more []node.Warning) []node.Warning {
	for _, w := range more {
		if !slices.Contains(have, w) {
			have = append(have, w)
		}
	}
	return have
}

func notConverged(left []string) error {
	return node.Errorf(node.CodeFailed, "does another tool manage this node too? stop it, or declare the same there, and run again",
		"did not converge: %s", strings.Join(left, "; "))
}

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

// Converge makes the node as declared: it plans each step in order and applies
// the changes, then plans all steps again; anything that is left is an error
// that names it. The first error ends the run. What was done before it stays,
// and the next run goes on from there. Converge calls tell for each event.
func Converge(ctx context.Context, m node.Machine, steps []Step, tell func(Event)) Result {
	run := runner{machine: m, view: m.View(), tell: tell}
	var r Result
	for i, step := range steps {
		s := run.step(ctx, step)
		r.Steps = append(r.Steps, s)
		if s.Err != nil {
			r.Err = s.Err
			r.Steps = append(r.Steps, unreached(steps[i+1:], step.ID())...)
			return r
		}
	}
	if run.changed {
		run.confirm(ctx, steps, &r)
	}
	return r
}

// A runner carries out one run. Its view is renewed after the changes of a step.
type runner struct {
	machine node.Machine
	view    node.View
	tell    func(Event)
	changed bool
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

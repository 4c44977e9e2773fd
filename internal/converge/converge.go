// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Package converge is the engine. [Plan] asks every step what the node lacks and
// returns a plan made of plain data. [Converge], on a run that may change the
// node, applies the plan step by step and plans again until nothing is left.
//
// Planning and changing are different types. A [Step] is given a [node.View], which
// has no method that writes, and answers with [node.Change] values. Only
// Converge is given a [node.Machine]; a dry run never has one, so it cannot
// write by mistake.
//
// The package does no I/O, and knows nothing of Falco, Oracle Linux, what the
// steps promise or how a change is applied.
package converge

import (
	"context"
	"slices"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

// A Step is one promise about the node, such as "the unit is enabled". It
// only plans: it has no access to anything that writes.
type Step interface {
	// ID names the step in reports and logs: one word, lower case.
	ID() string
	// Plan compares the node with what is declared. An error means that this
	// failed or that the node is refused; a [*node.Error] in its chain carries
	// the exit status and the hint.
	Plan(ctx context.Context, view node.View) (Outcome, error)
}

// A Rescuer is a step that may be taken although an earlier one has failed, such
// as the start of a unit that is down.
type Rescuer interface {
	Step
	// Rescue returns the step to take once the step with an id has failed with
	// err, or nil if nothing can be done without that one. If several have
	// failed, the step that it returns is asked about the next.
	Rescue(failed string, err error) Step
}

// An Undoer is a step of which some changes must not outlast a run that fails.
type Undoer interface {
	Step
	// Undo plans what makes up for the step's changes, made or tried, on a node
	// that the failed run has left like this.
	Undo(ctx context.Context, view node.View, tried []node.Change) []node.Change
}

// An Outcome is what a step has planned, and why.
type Outcome struct {
	// Reason says in one line what was found.
	Reason string
	// Changes make the step's promise true, in this order.
	Changes []node.Change
	// Waiting, if not empty, names what must happen before the rest can be
	// known, such as "packages". Changes then holds what is known already.
	Waiting string
	// Skipped says that the step does not apply here; Reason says why.
	Skipped bool
	// Unknown lists what could not be seen, for example without root. A step
	// with an entry is never reported as in order.
	Unknown []string
	// Wrong, if not nil, is what is wrong with the node unless the changes mend
	// it. The step fails with it if it is still there after them.
	Wrong error
	// Warnings are worth reading but do not fail the step.
	Warnings []node.Warning
}

// Status says how a step ended.
type Status string

// The statuses of a step, as they appear in reports.
const (
	StatusOK      Status = "ok"      // as declared, nothing done
	StatusChanged Status = "changed" // made so by this run
	StatusPending Status = "pending" // a dry run would change it
	StatusWaiting Status = "waiting" // known only after an earlier change
	StatusFailed  Status = "failed"  // see Err
	StatusSkipped Status = "skipped" // does not apply, or not reached
	StatusUnknown Status = "unknown" // could not be seen
)

// A StepResult is a step's outcome with its status.
type StepResult struct {
	ID       string
	Status   Status
	Reason   string
	Waiting  string
	Unknown  []string
	Changes  []node.Change
	Warnings []node.Warning
	Wrong    error // of the outcome
	Err      error
	Took     time.Duration
}

// A Result is what a plan or a run found and did, one entry for every step in
// order, reached or not.
type Result struct {
	Steps []StepResult
	// Err is the first failure, or nil.
	Err error
}

// Pending reports whether any step would change the node or may have to.
func (r Result) Pending() bool { return r.has(StatusPending) || r.has(StatusWaiting) }

// Unknown reports whether something could not be seen.
func (r Result) Unknown() bool { return r.has(StatusUnknown) }

func (r Result) has(status Status) bool {
	return slices.ContainsFunc(r.Steps, func(s StepResult) bool { return s.Status == status })
}

// Final returns the result of a run that changes nothing: every step that found
// something wrong has failed.
func (r Result) Final() Result {
	r.Steps = slices.Clone(r.Steps)
	for i, s := range r.Steps {
		if s.Err == nil && s.Wrong != nil {
			r.Steps[i].Status, r.Steps[i].Err = StatusFailed, s.Wrong
			if r.Err == nil {
				r.Err = s.Wrong
			}
		}
	}
	return r
}

// HasProbe reports whether a result contains a probe, which changes nothing but
// still needs a Machine.
func (r Result) HasProbe() bool {
	return slices.ContainsFunc(r.Steps, func(s StepResult) bool { return slices.ContainsFunc(s.Changes, node.IsProbe) })
}

// An Event is one line of progress.
type Event struct {
	Step   string
	Change node.Change // nil for the start or end of a step
	Done   bool        // false when it begins
	Took   time.Duration
	Err    error
}

// status is the status of a planned outcome.
func (o Outcome) status() Status {
	switch {
	case o.Skipped:
		return StatusSkipped
	case len(pending(o.Changes)) > 0:
		return StatusPending
	case o.Waiting != "":
		return StatusWaiting
	case len(o.Unknown) > 0:
		return StatusUnknown
	default:
		return StatusOK
	}
}

// pending returns the changes that alter the node. A probe does not.
func pending(changes []node.Change) []node.Change {
	return slices.DeleteFunc(slices.Clone(changes), node.IsProbe)
}

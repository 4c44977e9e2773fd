// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Package converge is the engine: it asks every step what the node lacks,
// which gives a plan made of plain data, and, on a run that may change the
// node, carries that plan out step by step and plans again until nothing is
// left.
//
// Looking and doing are different types. A [Step] is given a [View], which has
// no method that writes, and answers with [Change] values. Only [Converge] is
// given a [Machine]; a dry run never has one, so it cannot write by mistake.
// The same Change value is the diff in the report, the JSON, and what is
// applied.
//
// The package does no I/O, knows nothing of Falco or Oracle Linux, and never
// imports the package that does the real work on the host.
package converge

import (
	"context"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"time"
)

// A Step is one promise about the node, such as "the unit is enabled". It
// only plans: it has no access to anything that writes.
type Step interface {
	// ID names the step in reports and logs: one word, lower case.
	ID() string
	// Plan compares the node with what is declared. An error means that the
	// question could not be answered or that the answer is a refusal; an
	// [*node.Error] in its chain says which exit status and hint it deserves.
	Plan(ctx context.Context, view node.View) (Outcome, error)
}

// An Outcome is what a step found.
type Outcome struct {
	// Reason is one line for a person: what is so, or why there is nothing to
	// say.
	Reason string
	// Changes make the step's promise true, in this order.
	Changes []node.Change
	// Waiting, if not empty, names what must happen before the rest can be
	// known, such as "packages". Changes then holds what is known already.
	Waiting string
	// Skipped says that the step does not apply here; Reason says why.
	Skipped bool
	// Unknown lists what could not be seen, for example without root. A step
	// with something unknown is never reported as in order.
	Unknown []string
	// Warnings are true and worth reading, and no reason to fail.
	Warnings []node.Warning
}

// Status says how a step ended.
type Status string

// The statuses of a step, as they stand in reports.
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
func (r Result) Pending() bool {
	for _, s := range r.Steps {
		if s.Status == StatusPending || s.Status == StatusWaiting {
			return true
		}
	}
	return false
}

// Unknown reports whether any step could not be seen whole.
func (r Result) Unknown() bool {
	for _, s := range r.Steps {
		if s.Status == StatusUnknown {
			return true
		}
	}
	return false
}

// An Event is one line of progress.
type Event struct {
	Step   string
	Change node.Change // nil for the start or end of a step
	Done   bool        // false when it begins
	Took   time.Duration
	Err    error
}

// status derives the status of a planned outcome. Probes are no changes: they
// leave the node as it is.
func (o Outcome) status() Status {
	switch {
	case o.Skipped:
		return StatusSkipped
	case len(o.Pending()) > 0:
		return StatusPending
	case o.Waiting != "":
		return StatusWaiting
	case len(o.Unknown) > 0:
		return StatusUnknown
	default:
		return StatusOK
	}
}

// Pending returns the changes that alter the node, which leaves out probes.
func (o Outcome) Pending() []node.Change {
	var alter []node.Change
	for _, c := range o.Changes {
		if !node.IsProbe(c) {
			alter = append(alter, c)
		}
	}
	return alter
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"errors"
	"math"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/redact"
)

// Meta is what the caller knows of a run beside its result.
type Meta struct {
	Tool  Tool
	Host  Host
	Falco *Falco // nil if none is installed or it cannot be seen
	// Mode is one of the Mode constants.
	Mode    string
	Root    string
	Started time.Time
	Took    time.Duration
	// Err is a failure outside the steps: a wrong flag, the lock, a panic.
	Err error
	// Exit is the exit status if the caller chose one that does not follow from
	// the result; [node.CodeOK] leaves it to [New].
	Exit node.Code
}

// New makes the report of a run. The result may be empty, as it is when the
// run failed before its first step. Everything in it is redacted.
func New(meta Meta, result converge.Result) Report {
	r := Report{
		SchemaVersion: SchemaVersion,
		Tool:          meta.Tool,
		Host:          meta.Host,
		Falco:         meta.Falco,
		Mode:          meta.Mode,
		Root:          redact.Text(meta.Root),
		Started:       meta.Started.UTC().Truncate(time.Millisecond),
		DurationMS:    milliseconds(meta.Took),
		Drift:         []string{},
		Steps:         []Step{},
	}
	for _, s := range result.Steps {
		step := newStep(s)
		r.Steps = append(r.Steps, step)
		r.Summary.count(s.Status)
		r.addDrift(step)
	}
	r.Error = newError(outside(meta, result))
	code := exitCode(meta, result)
	r.Exit = Exit{Code: int(code), Name: code.String()}
	r.Result = r.outcome(code)
	return r
}

// outside is the failure that no step accounts for.
func outside(meta Meta, result converge.Result) error {
	for _, s := range result.Steps {
		if s.Err != nil && (meta.Err == nil || errors.Is(s.Err, meta.Err)) {
			return nil
		}
	}
	if meta.Err != nil {
		return meta.Err
	}
	return result.Err
}

// exitCode is the caller's choice, else that of the first failure, else
// whether anything is pending, else whether anything could not be seen: what
// nobody has seen is not in order.
func exitCode(meta Meta, result converge.Result) node.Code {
	switch {
	case meta.Exit != node.CodeOK:
		return meta.Exit
	case result.Err != nil:
		return node.CodeOf(result.Err)
	case meta.Err != nil:
		return node.CodeOf(meta.Err)
	case result.Pending():
		return node.CodePending
	case result.Unknown():
		return node.CodeFailed
	default:
		return node.CodeOK
	}
}

func (r Report) outcome(code node.Code) string {
	pending := r.Summary.Change+r.Summary.Waiting > 0
	switch {
	case r.Summary.Failed > 0 || r.Error != nil:
		return ResultFailed
	case code == node.CodeFailed && r.Summary.Unknown > 0 && !pending:
		return ResultUnknown
	case code != node.CodeOK && code != node.CodePending:
		return ResultFailed
	case pending:
		return ResultPending
	case r.Summary.Unknown > 0:
		return ResultUnknown
	case code == node.CodePending:
		return ResultPending
	case r.Summary.Changed > 0:
		return ResultChanged
	default:
		return ResultOK
	}
}

func newStep(s converge.StepResult) Step {
	step := Step{
		ID:      s.ID,
		Status:  string(s.Status),
		Reason:  redact.Text(s.Reason),
		Waiting: redact.Text(s.Waiting),
		Changes: []Change{},
		Error:   newError(s.Err),
		TookMS:  milliseconds(s.Took),
	}
	for _, u := range s.Unknown {
		step.Unknown = append(step.Unknown, redact.Text(u))
	}
	for _, c := range s.Changes {
		step.Changes = append(step.Changes, newChange(c))
	}
	for _, w := range s.Warnings {
		step.Warnings = append(step.Warnings, Warning{
			Message: redact.Text(w.Message), Hint: redact.Text(w.Hint), Drift: string(w.Drift),
		})
	}
	return step
}

func newError(err error) *Error {
	if err == nil {
		return nil
	}
	code := node.CodeOf(err)
	return &Error{
		Code:    int(code),
		Name:    code.String(),
		Message: redact.Text(err.Error()),
		Hint:    redact.Text(node.HintOf(err)),
		Drift:   string(node.DriftOf(err)),
	}
}

func (s *Summary) count(status converge.Status) {
	switch status {
	case converge.StatusOK:
		s.OK++
	case converge.StatusChanged:
		s.Changed++
	case converge.StatusPending:
		s.Change++
	case converge.StatusWaiting:
		s.Waiting++
	case converge.StatusFailed:
		s.Failed++
	case converge.StatusSkipped:
		s.Skipped++
	case converge.StatusUnknown:
		s.Unknown++
	}
}

func (r *Report) addDrift(s Step) {
	add := func(class string) {
		for _, have := range r.Drift {
			if have == class {
				return
			}
		}
		if class != "" {
			r.Drift = append(r.Drift, class)
		}
	}
	for _, c := range s.Changes {
		add(c.Drift)
	}
	for _, w := range s.Warnings {
		add(w.Drift)
	}
	if s.Error != nil {
		add(s.Error.Drift)
	}
}

// milliseconds keeps three decimals: a step that only looks is over in less
// than one.
func milliseconds(d time.Duration) float64 {
	return math.Round(float64(d)/float64(time.Microsecond)) / 1000
}

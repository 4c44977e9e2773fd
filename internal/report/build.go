// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/redact"
)

// Meta is what the caller knows about a run besides its result.
type Meta struct {
	Tool  Tool
	Host  Host
	Falco *Falco // nil if there is none or it cannot be seen
	// Mode is one of the Mode constants.
	Mode    string
	Root    string
	Started time.Time
	Took    time.Duration
	// Declared are the paths of the declared keys of falco.yaml.
	Declared []string
	// Err is a failure outside the steps: a wrong flag, the lock, a panic.
	Err error
	// Exit, unless it is [node.CodeOK], is the exit status instead of the one
	// that follows from the result.
	Exit node.Code
}

// New returns the report of a run. The result is empty if the run failed before
// its first step. What steps and errors say is redacted.
func New(meta Meta, result converge.Result) Report {
	r := Report{
		SchemaVersion: SchemaVersion, Tool: meta.Tool, Host: meta.Host, Falco: meta.Falco,
		Mode: meta.Mode, Root: redact.Text(meta.Root),
		Started: meta.Started.UTC().Truncate(time.Millisecond), DurationMS: milliseconds(meta.Took),
		Drift: []string{}, Steps: []Step{}, Declared: each(meta.Declared, redact.Text),
	}
	for _, s := range result.Steps {
		step := newStep(s)
		if s.Status == converge.StatusChanged && meta.Falco != nil {
			step.installed("falco", redact.Text(meta.Falco.Version))
		}
		r.Steps = append(r.Steps, step)
		r.Summary.count(s.Status)
		r.addDrift(step)
	}
	r.Error = newError(outside(meta, result))
	code := exitCode(meta, result)
	r.Exit = Exit{Code: int(code), Name: code.String()}
	r.Result = r.resultFor(code)
	return r
}

// outside returns the failure that does not belong to a step, or nil.
func outside(meta Meta, result converge.Result) error {
	for _, s := range result.Steps {
		if s.Err != nil && (meta.Err == nil || errors.Is(s.Err, meta.Err)) {
			return nil
		}
	}
	return cmp.Or(meta.Err, result.Err)
}

// exitCode returns the caller's choice, else that of the first failure, else
// that of pending changes, else a failure if anything could not be seen: what
// could not be seen is not reported as in order.
func exitCode(meta Meta, result converge.Result) node.Code {
	err := cmp.Or(result.Err, meta.Err)
	switch {
	case meta.Exit != node.CodeOK:
		return meta.Exit
	case err != nil:
		return node.CodeOf(err)
	case result.Pending():
		return node.CodePending
	case result.Unknown():
		return node.CodeFailed
	default:
		return node.CodeOK
	}
}

func (r Report) resultFor(code node.Code) string {
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
		ID: s.ID, Status: string(s.Status), TookMS: milliseconds(s.Took),
		Reason: redact.Text(s.Reason), Waiting: redact.Text(s.Waiting), Unknown: each(s.Unknown, redact.Text),
		Changes: []Change{}, Error: newError(s.Err),
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

// installed says which version of a package has been installed where the newest was
// asked for.
func (s Step) installed(name, version string) {
	for _, c := range s.Changes {
		for i, p := range c.Packages {
			if p.Name == name && p.To == "" && c.Action == "install" {
				c.Packages[i].To = version
			}
		}
	}
}

func newError(err error) *Error {
	if err == nil {
		return nil
	}
	code := node.CodeOf(err)
	return &Error{
		Code: int(code), Name: code.String(),
		Message: redact.Text(sentence(err)), Hint: redact.Text(node.HintOf(err)),
		Drift: string(node.DriftOf(err)),
	}
}

func (s *Summary) count(status converge.Status) {
	n := map[converge.Status]*int{
		converge.StatusOK: &s.OK, converge.StatusChanged: &s.Changed, converge.StatusPending: &s.Change,
		converge.StatusWaiting: &s.Waiting, converge.StatusFailed: &s.Failed,
		converge.StatusSkipped: &s.Skipped, converge.StatusUnknown: &s.Unknown,
	}[status]
	if n != nil {
		*n++
	}
}

// drift returns the drift class of each change and warning of a step; empty
// where there is none.
func (s Step) drift() []string {
	var classes []string
	for _, c := range s.Changes {
		classes = append(classes, c.Drift)
	}
	for _, w := range s.Warnings {
		classes = append(classes, w.Drift)
	}
	return classes
}

func (r *Report) addDrift(s Step) {
	classes := s.drift()
	if s.Error != nil {
		classes = append(classes, s.Error.Drift)
	}
	for _, class := range classes {
		if class != "" && !slices.Contains(r.Drift, class) {
			r.Drift = append(r.Drift, class)
		}
	}
}

// milliseconds keeps three decimals: a step that changes nothing takes less than
// one millisecond.
func milliseconds(d time.Duration) float64 {
	return math.Round(float64(d)/float64(time.Microsecond)) / 1000
}

// sentence returns an error in the words of people: those of package context are for
// programmers.
func sentence(err error) string {
	return strings.NewReplacer(
		context.DeadlineExceeded.Error(), "the time was over",
		context.Canceled.Error(), "the run was told to stop",
	).Replace(err.Error())
}

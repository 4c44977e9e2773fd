// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package converge

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

// A fakeNode is a map of files that can lose power: it is its own Machine, and its
// Views are copies.
type fakeNode struct {
	files  map[string]string
	writes int
	limit  int // writes until the power goes; 0 means never
	stuck  map[string]bool
}

var errPower = errors.New("power lost")

type nodeView struct {
	node.View
	files map[string]string
}

func (n *fakeNode) View() node.View { return nodeView{files: maps.Clone(n.files)} }

func (n *fakeNode) Apply(_ context.Context, c node.Change) error {
	if node.IsProbe(c) {
		n.files["proof"] = "seen"
		return nil
	}
	if n.limit > 0 && n.writes == n.limit {
		return errPower
	}
	n.writes++
	if w := c.(node.WriteFile); !n.stuck[w.Path] {
		n.files[w.Path] = string(w.New)
	}
	return nil
}

// fileStep wants one file, and may have to see another first.
type fileStep struct{ path, want, after string }

func (s fileStep) ID() string { return s.path }

func (s fileStep) Plan(_ context.Context, v node.View) (Outcome, error) {
	files := v.(nodeView).files
	if s.after != "" && files[s.after] == "" {
		return Outcome{Waiting: s.after}, nil
	}
	if files[s.path] == s.want {
		return Outcome{Reason: "as wanted"}, nil
	}
	return Outcome{Changes: []node.Change{node.WriteFile{Path: s.path, New: []byte(s.want)}}}, nil
}

// planFunc is a step made of a function.
type planFunc func(node.View) (Outcome, error)

func (planFunc) ID() string                                             { return "func" }
func (f planFunc) Plan(_ context.Context, v node.View) (Outcome, error) { return f(v) }

func statuses(r Result) []string {
	var out []string
	for _, s := range r.Steps {
		out = append(out, s.ID+" "+string(s.Status))
	}
	return out
}

func quiet(Event) {}

func newNode() *fakeNode { return &fakeNode{files: map[string]string{}} }

var chain = []Step{
	fileStep{path: "a", want: "1"},
	fileStep{path: "b", want: "2", after: "a"},
	fileStep{path: "c", want: "3", after: "b"},
}

func TestPlanSaysWhatIsPendingAndWhatWaits(t *testing.T) {
	n := newNode()
	r := Plan(t.Context(), n.View(), chain)
	want := []string{"a pending", "b waiting", "c waiting"}
	if diff := cmp.Diff(want, statuses(r)); diff != "" {
		t.Errorf("Plan (-want +got):\n%s", diff)
	}
	if !r.Pending() || r.Err != nil || len(n.files) != 0 {
		t.Errorf("Plan = pending %v, err %v, files %v; want pending, no error, no files", r.Pending(), r.Err, n.files)
	}
}

func TestPlanStatuses(t *testing.T) {
	refusal := &node.Error{Code: node.CodePreflight, Err: errors.New("too old")}
	denied := fmt.Errorf("reading x: %w", fs.ErrPermission)
	for _, tt := range []struct {
		name string
		step planFunc
		want []string
		code node.Code
	}{
		{"in order", func(node.View) (Outcome, error) { return Outcome{}, nil }, []string{"func ok", "z pending"}, node.CodeOK},
		{"a probe is not a change", func(node.View) (Outcome, error) { return Outcome{Changes: []node.Change{node.Prove{}}}, nil }, []string{"func ok", "z pending"}, node.CodeOK},
		{"not asked", func(node.View) (Outcome, error) { return Outcome{}, node.ErrNotAsked }, []string{"func skipped", "z pending"}, node.CodeOK},
		{"permission denied", func(node.View) (Outcome, error) { return Outcome{Reason: "as declared"}, denied }, []string{"func unknown", "z pending"}, node.CodeOK},
		{"partly unseen", func(node.View) (Outcome, error) { return Outcome{Unknown: []string{"x"}}, nil }, []string{"func unknown", "z pending"}, node.CodeOK},
		{"a failure leaves the rest planned", func(node.View) (Outcome, error) { return Outcome{Reason: "as declared"}, errors.New("x") }, []string{"func failed", "z pending"}, node.CodeFailed},
		{"a refusal ends the plan", func(node.View) (Outcome, error) { return Outcome{}, refusal }, []string{"func failed", "z skipped"}, node.CodePreflight},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := Plan(t.Context(), newNode().View(), []Step{tt.step, fileStep{path: "z", want: "1"}})
			if diff := cmp.Diff(tt.want, statuses(r)); diff != "" {
				t.Errorf("Plan (-want +got):\n%s", diff)
			}
			if got := node.CodeOf(r.Err); got != tt.code {
				t.Errorf("CodeOf(%v) = %v, want %v", r.Err, got, tt.code)
			}
			if r.Steps[0].Reason == "as declared" {
				t.Error("a step that was not planned to its end is as declared")
			}
		})
	}
}

func TestConvergeThenAgainDoesNothing(t *testing.T) {
	n := newNode()
	r := Converge(t.Context(), n, chain, quiet)
	if r.Err != nil {
		t.Fatalf("Converge = %v", r.Err)
	}
	if diff := cmp.Diff([]string{"a changed", "b changed", "c changed"}, statuses(r)); diff != "" {
		t.Errorf("Converge (-want +got):\n%s", diff)
	}
	before := n.writes
	r = Converge(t.Context(), n, chain, quiet)
	if diff := cmp.Diff([]string{"a ok", "b ok", "c ok"}, statuses(r)); diff != "" || n.writes != before {
		t.Errorf("second Converge: %d writes (-want +got):\n%s", n.writes-before, diff)
	}
}

// After a power loss at any change, the next run ends as if nothing had happened.
func TestConvergeAfterPowerLossAnywhere(t *testing.T) {
	whole := newNode()
	Converge(t.Context(), whole, chain, quiet)
	for limit := 1; limit < len(chain); limit++ {
		n := newNode()
		n.limit = limit
		if r := Converge(t.Context(), n, chain, quiet); !errors.Is(r.Err, errPower) {
			t.Fatalf("Converge with power for %d writes = %v, want %v", limit, r.Err, errPower)
		}
		n.limit = 0
		if r := Converge(t.Context(), n, chain, quiet); r.Err != nil {
			t.Errorf("Converge after power loss at write %d = %v", limit, r.Err)
		}
		if diff := cmp.Diff(whole.files, n.files); diff != "" {
			t.Errorf("after power loss at write %d (-want +got):\n%s", limit, diff)
		}
	}
}

func TestConvergeStopsAtTheFirstFailure(t *testing.T) {
	n := newNode()
	n.limit = 1
	r := Converge(t.Context(), n, chain, quiet)
	if diff := cmp.Diff([]string{"a changed", "b failed", "c skipped"}, statuses(r)); diff != "" {
		t.Errorf("Converge (-want +got):\n%s", diff)
	}
}

func TestConvergeNamesWhatIsLeft(t *testing.T) {
	n := newNode()
	n.stuck = map[string]bool{"a": true}
	r := Converge(t.Context(), n, chain[:1], quiet)
	if r.Err == nil || !strings.Contains(r.Err.Error(), "did not converge: a: write a") {
		t.Errorf("Converge = %v, want it to name the step and the change", r.Err)
	}
	if n.writes > rounds {
		t.Errorf("Converge wrote %d times, want at most %d", n.writes, rounds)
	}
	if r.Steps[0].Status != StatusFailed {
		t.Errorf("step is %s, want failed", r.Steps[0].Status)
	}
}

func TestConvergeTakesAStepInRounds(t *testing.T) {
	n := newNode()
	step := planFunc(func(v node.View) (Outcome, error) {
		files := v.(nodeView).files
		for _, name := range []string{"repo", "package"} {
			if files[name] == "" {
				return Outcome{Changes: []node.Change{node.WriteFile{Path: name, New: []byte("x")}}}, nil
			}
		}
		return Outcome{Reason: "both"}, nil
	})
	r := Converge(t.Context(), n, []Step{step}, quiet)
	if r.Err != nil || len(r.Steps[0].Changes) != 2 || r.Steps[0].Reason != "both" {
		t.Errorf("Converge = %v, %d changes, reason %q; want none, 2, both", r.Err, len(r.Steps[0].Changes), r.Steps[0].Reason)
	}
}

func TestConvergeProbeIsNoChange(t *testing.T) {
	n := newNode()
	step := planFunc(func(v node.View) (Outcome, error) {
		if v.(nodeView).files["proof"] != "" {
			return Outcome{Warnings: []node.Warning{{Message: "no alert"}}}, nil
		}
		return Outcome{Changes: []node.Change{node.Prove{}}}, nil
	})
	r := Converge(t.Context(), n, []Step{step}, quiet)
	if r.Err != nil || r.Steps[0].Status != StatusOK || len(r.Steps[0].Warnings) != 1 {
		t.Errorf("Converge = %v, %s, %v; want ok with one warning", r.Err, r.Steps[0].Status, r.Steps[0].Warnings)
	}
}

// A rescuer is a fileStep that can be taken after any failure but that of one
// step, and that undoes its change if the run fails.
type rescuer struct {
	fileStep
	needs string
}

func (s rescuer) Rescue(failed string, _ error) Step {
	if failed == s.needs {
		return nil
	}
	return s
}

func (s rescuer) Undo(_ context.Context, _ node.View, tried []node.Change) []node.Change {
	return []node.Change{node.WriteFile{Path: s.path, New: []byte(fmt.Sprintf("undone %d", len(tried)))}}
}

func TestConvergeRescuesAndUndoes(t *testing.T) {
	hangs := planFunc(func(node.View) (Outcome, error) { return Outcome{}, errPower })
	n := newNode()
	steps := []Step{fileStep{path: "a", want: "1"}, hangs, fileStep{path: "b", want: "2"}, rescuer{fileStep{path: "c", want: "3"}, ""}, rescuer{fileStep{path: "d", want: "4"}, "func"}}
	r := Converge(t.Context(), n, steps, quiet)
	if diff := cmp.Diff([]string{"a changed", "func failed", "b skipped", "c changed", "d skipped"}, statuses(r)); diff != "" {
		t.Errorf("Converge (-want +got):\n%s", diff)
	}
	if !errors.Is(r.Err, errPower) {
		t.Errorf("Converge = %v, want the first failure", r.Err)
	}
	if diff := cmp.Diff(map[string]string{"a": "1", "c": "undone 1"}, n.files); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if got := r.Steps[3].Changes; len(got) != 2 {
		t.Errorf("%d changes of the step that was undone, want both", len(got))
	}
}

// A step that uses up its time leaves some for a later one that does not need it.
func TestConvergeLeavesTimeForARescue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		r := Converge(ctx, newNode(), []Step{hangingStep{}, rescuer{fileStep{path: "c", want: "3"}, ""}}, quiet)
		if diff := cmp.Diff([]string{"hangs failed", "c changed"}, statuses(r)); diff != "" || !errors.Is(r.Err, context.DeadlineExceeded) {
			t.Errorf("Converge = %v (-want +got):\n%s", r.Err, diff)
		}
	})
}

// A hangingStep ends with its context.
type hangingStep struct{}

func (hangingStep) ID() string { return "hangs" }
func (hangingStep) Plan(ctx context.Context, _ node.View) (Outcome, error) {
	<-ctx.Done()
	return Outcome{}, ctx.Err()
}

func TestConvergeCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	n := newNode()
	r := Converge(ctx, n, chain, quiet)
	if !errors.Is(r.Err, context.Canceled) || n.writes != 0 {
		t.Errorf("Converge = %v after %d writes, want cancelled before the first", r.Err, n.writes)
	}
	if node.HintOf(r.Err) == "" {
		t.Error("node.HintOf(cancelled) is empty")
	}
}

func TestEventsTellEveryChangeBeforeItIsMade(t *testing.T) {
	n := newNode()
	var began, ended int
	Converge(t.Context(), n, chain, func(e Event) {
		if e.Change == nil {
			return
		}
		if e.Done {
			ended++
			return
		}
		if began++; n.writes != began-1 {
			t.Errorf("event %d came after %d writes", began, n.writes)
		}
	})
	if began != 3 || ended != 3 {
		t.Errorf("events: %d began, %d ended, want 3 and 3", began, ended)
	}
}

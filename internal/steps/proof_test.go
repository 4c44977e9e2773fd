// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package steps

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

// A crashingNode's Falco exits as soon as it is started.
type crashingNode struct{ *fakeNode }

func (m crashingNode) Apply(ctx context.Context, c node.Change) error {
	if node.IsProbe(c) {
		return &node.Error{Code: node.CodeNotRunning, Err: errors.New("it says why")}
	}
	err := m.fakeNode.Apply(ctx, c)
	if c, ok := c.(node.ChangeUnit); ok && (c.Action == node.Start || c.Action == node.Restart) {
		m.units[c.Unit].ActiveState, m.units[c.Unit].SubState = "activating", "auto-restart"
	}
	return err
}

// A Falco that exits before the proof step is planned is still asked for the cause.
func TestFalcoThatExitsAtOnceIsAskedWhy(t *testing.T) {
	n, s := newNode(t, "9.6", uek7)
	converged(t, n, s)
	n.modern().ActiveState, n.modern().SubState = "inactive", "dead"
	r := converge.Converge(t.Context(), crashingNode{n}, All(s), quiet)
	if node.CodeOf(r.Err) != node.CodeNotRunning {
		t.Errorf("Converge = %v, want Falco's own reason", r.Err)
	}
}

// keepAlive has the running Falco keep its log open.
func (n *fakeNode) keepAlive() {
	at := n.clock
	n.clock = n.modern().Started.Add(-time.Second)
	n.write(falco.ConfigFile, strings.Replace(n.read(falco.ConfigFile), "keep_alive: false", "keep_alive: true", 1))
	n.clock = at
}

// A proof ages: a run asks for another one, and a dry run says when the last was.
func TestProofAges(t *testing.T) {
	for _, tt := range []struct {
		name string
		age  time.Duration
		want bool
	}{
		{"new", time.Minute, false},
		{"a day old", 24*time.Hour - time.Minute, false},
		{"older", 25 * time.Hour, true},
		{"of the future, as after a clock that was set back", -time.Hour, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n, s := newNode(t, "9.6", uek7)
			converged(t, n, s)
			n.clock = n.proof.Time.Add(tt.age)
			if tt.age < 0 {
				n.proof.Time, n.clock = n.proof.Time.Add(-2*tt.age), n.proof.Time
			}
			at := n.proof.Time.UTC().Format(time.RFC3339)
			r := converge.Plan(t.Context(), n, All(s)).Final()
			if r.HasProbe() != tt.want || r.Err != nil || r.Pending() || !strings.Contains(stepOf(t, r, "proof").Reason, at) {
				t.Errorf("Plan = %v, probe %v, pending %v, %q; want probe %v and the time %s", r.Err, r.HasProbe(), r.Pending(), stepOf(t, r, "proof").Reason, tt.want, at)
			}
			converged(t, n, s)
			if now := n.clock.Sub(n.proof.Time); tt.want && now > time.Minute {
				t.Errorf("the proof is %v old after a run", now)
			}
		})
	}
}

// A run that ends with a Falco that does not detect fails, and so does a dry run
// afterwards; one whose rule is turned off on purpose warns.
func TestBlindFalcoFails(t *testing.T) {
	for _, tt := range []struct {
		name  string
		blind node.Proof
		want  node.Code
		warns int
		// again says that the next run proves again.
		again bool
	}{
		{name: "for no reason that is known", blind: node.Proof{Reason: "wrote no alert", Hint: "restart"}, want: node.CodeNotRunning, again: true},
		{name: "with the rule turned off", blind: node.Proof{Reason: "x disables the rule", Hint: "enable", Off: true}, warns: 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n, s := newNode(t, "9.6", uek7)
			n.blind = &tt.blind
			r := converge.Converge(t.Context(), n, All(s), quiet)
			n.clock = n.clock.Add(time.Minute)
			dry := converge.Plan(t.Context(), n, All(s)).Final()
			for _, r := range []converge.Result{r, dry} {
				if node.CodeOf(r.Err) != tt.want || tt.want != 0 && (!strings.Contains(r.Err.Error(), tt.blind.Reason) || node.HintOf(r.Err) != tt.blind.Hint || node.DriftOf(r.Err) != node.DriftUnproven) {
					t.Errorf("error = %v (%v), want %v with %q", r.Err, node.CodeOf(r.Err), tt.want, tt.blind.Reason)
				}
				warnings := stepOf(t, r, "proof").Warnings
				if len(warnings) != tt.warns || tt.warns > 0 && !strings.Contains(warnings[0].Message, tt.blind.Reason) {
					t.Errorf("warnings = %v, want %d", warnings, tt.warns)
				}
			}
			if probes := countProofs(n.changes); probes > 1 {
				t.Errorf("one run proved %d times", probes)
			}
			if dry.HasProbe() != tt.again {
				t.Errorf("the next run proves again: %v, want %v", dry.HasProbe(), tt.again)
			}
			n.blind = nil
			if tt.again {
				converged(t, n, s)
			}
		})
	}
}

func countProofs(changes []string) int {
	return len(slices.DeleteFunc(slices.Clone(changes), func(c string) bool { return !strings.HasPrefix(c, "prove") }))
}

// A Falco that detected and no longer does, for no reason that the node shows, is
// started again once.
func TestLapsedFalcoIsStartedAgain(t *testing.T) {
	for _, helps := range []bool{true, false} {
		n, s := newNode(t, "9.6", uek7)
		converged(t, n, s)
		n.clock, n.changes = n.clock.Add(25*time.Hour), nil
		n.blind = &node.Proof{Reason: "wrote no alert", Hint: "restart", Lapsed: true}
		var m node.Machine = n
		if helps {
			m = healingNode{n}
		}
		r := converge.Converge(t.Context(), m, All(s), quiet)
		if (r.Err == nil) != helps || !slices.Contains(n.changes, "restart falco-modern-bpf.service") {
			t.Errorf("Converge = %v after %q", r.Err, n.changes)
		}
		n.clock, n.changes = n.clock.Add(time.Minute), nil
		r = converge.Converge(t.Context(), n, All(s), quiet)
		if (r.Err == nil) != helps || slices.Contains(n.changes, "restart falco-modern-bpf.service") {
			t.Errorf("the run after that = %v after %q", r.Err, n.changes)
		}
	}
}

// A healingNode's Falco detects once it is started again.
type healingNode struct{ *fakeNode }

func (m healingNode) Apply(ctx context.Context, c node.Change) error {
	if c, ok := c.(node.ChangeUnit); ok && c.Action == node.Restart {
		m.blind = nil
	}
	return m.fakeNode.Apply(ctx, c)
}

// A log without room is an error that only people can mend.
func TestLogWithoutRoomFails(t *testing.T) {
	for _, vitals := range []node.Vitals{{Full: true}, {ReadOnly: true}} {
		n, s := newNode(t, "9.6", uek7)
		converged(t, n, s)
		n.vitals = vitals
		dry := converge.Plan(t.Context(), n, All(s)).Final()
		run := converge.Converge(t.Context(), n, All(s), quiet)
		for _, r := range []converge.Result{dry, run} {
			if node.CodeOf(r.Err) != node.CodeNotRunning || node.DriftOf(r.Err) != node.DriftLogNoRoom || node.HintOf(r.Err) == "" {
				t.Errorf("%+v: error = %v (%v)", vitals, r.Err, node.DriftOf(r.Err))
			}
		}
		n.vitals = node.Vitals{}
		inOrder(t, n, s)
	}
}

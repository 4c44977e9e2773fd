// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/systemd"
)

const unit = "falco.service"

// fakeEyes see one state of the unit after the other, and then always the last.
type fakeEyes struct {
	states    []systemd.Unit
	seen      node.Seen
	watchErr  error
	complaint string
	port      string
	// watched is the time limit of the wait for an alert.
	watched time.Duration
}

var _ Eyes = (*fakeEyes)(nil)

func (f *fakeEyes) Units(context.Context, ...string) (map[string]systemd.Unit, error) {
	u := f.states[0]
	if len(f.states) > 1 {
		f.states = f.states[1:]
	}
	u.Name = unit
	return map[string]systemd.Unit{unit: u}, nil
}

func (f *fakeEyes) Watch(ctx context.Context, _ string, timeout time.Duration, alive func(context.Context) error) (node.Seen, error) {
	f.watched = timeout
	if err := alive(ctx); err != nil {
		return node.Seen{}, err
	}
	return f.seen, f.watchErr
}

func (f *fakeEyes) Listener(string, systemd.Unit) string { return f.port }

func (f *fakeEyes) Complaint(context.Context, node.FalcoCheck) string { return f.complaint }

func TestProve(t *testing.T) {
	up := systemd.Unit{ActiveState: "active", SubState: "running", MainPID: 7, InvocationID: "a"}
	other, restarted := up, up
	other.MainPID, other.InvocationID = 8, "b"
	restarted.NRestarts = 1
	restarting := systemd.Unit{ActiveState: "activating", SubState: "auto-restart", Result: "exit-code", ExecStatus: 1, NRestarts: 2}
	failed := systemd.Unit{ActiveState: "failed", SubState: "failed", Result: "signal", ExecStatus: 6, NRestarts: 2}
	alert := node.Seen{Opens: 1, Alerts: 1}
	const why = ": Falco has no complaint about its configuration; systemd says: "
	tests := []struct {
		name       string
		eyes       fakeEyes
		invocation string
		want       string // the error
		proof      node.Proof
	}{
		{name: "detects", eyes: fakeEyes{states: []systemd.Unit{up}, seen: alert}, invocation: "a", proof: node.Proof{Invocation: "a", Detected: true}},
		{name: "stays up without an alert", eyes: fakeEyes{states: []systemd.Unit{up}}, proof: node.Proof{Invocation: "a"}},
		{
			name: "the log cannot be watched", eyes: fakeEyes{states: []systemd.Unit{up}, watchErr: errors.New("a pipe")},
			proof: node.Proof{Invocation: "a", Unseen: "a pipe"},
		},
		{
			name: "is down already", eyes: fakeEyes{states: []systemd.Unit{restarting}},
			want: "falco.service does not stay up: it is activating (auto-restart)" + why + "exit-code, status 1, 2 restarts",
		},
		{
			name: "somebody has its port", eyes: fakeEyes{states: []systemd.Unit{restarting}, port: "x listens"},
			want: "falco.service does not stay up: it is activating (auto-restart): x listens, and Falco exits if its web server cannot",
		},
		{
			name: "is another process than was planned", eyes: fakeEyes{states: []systemd.Unit{other}, seen: alert}, invocation: "a",
			want: "falco.service does not stay up: it was restarted before it could be proven (process 8 now)" + why + ", status 0, 0 restarts",
		},
		{
			name: "exits while it is watched", eyes: fakeEyes{states: []systemd.Unit{up, failed}},
			want: "falco.service does not stay up: it is failed (failed)" + why + "signal, status 6, 2 restarts",
		},
		{
			name: "exits after it was watched", eyes: fakeEyes{states: []systemd.Unit{up, up, failed}, complaint: "bad rule"},
			want: "falco.service does not stay up: it is failed (failed): Falco says: bad rule",
		},
		{
			name: "exits after its alert", eyes: fakeEyes{states: []systemd.Unit{up, up, failed}, seen: alert, complaint: "bad rule"},
			want: "falco.service does not stay up: it is failed (failed): Falco says: bad rule",
		},
		{
			name: "exits just before the end", eyes: fakeEyes{states: []systemd.Unit{up, up, up, up, failed}, complaint: "bad rule"},
			want: "falco.service does not stay up: it is failed (failed): Falco says: bad rule",
		},
		{
			name: "is another process", eyes: fakeEyes{states: []systemd.Unit{up, up, other}, complaint: "bad rule"},
			want: "falco.service does not stay up: it was restarted (process 7, then 8): Falco says: bad rule",
		},
		{
			name: "was restarted", eyes: fakeEyes{states: []systemd.Unit{up, up, restarted}, complaint: "bad rule"},
			want: "falco.service does not stay up: it was restarted (process 7, then 7): Falco says: bad rule",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got, _, err := Prove(t.Context(), &tt.eyes, node.Prove{Subject: node.Subject{Unit: unit}, Invocation: tt.invocation, Settle: 20 * time.Second})
				text := ""
				if err != nil {
					text = err.Error()
				}
				got.Time = time.Time{}
				if text != tt.want || !reflect.DeepEqual(got, tt.proof) {
					t.Errorf("Prove = %+v, %q; want %+v, %q", got, text, tt.proof, tt.want)
				}
				if err != nil && (node.CodeOf(err) != node.CodeNotRunning || node.HintOf(err) == "") {
					t.Errorf("%v has code %v and hint %q, want %v and a hint", err, node.CodeOf(err), node.HintOf(err), node.CodeNotRunning)
				}
			})
		})
	}
}

// Prove waits until the process has run for the settle time, and for an alert as
// long as the process may still exit.
func TestProveSettles(t *testing.T) {
	tests := []struct {
		name                 string
		age                  time.Duration
		wantWatch, wantTaken time.Duration
	}{
		{"new", 0, 20 * time.Second, 20 * time.Second},
		{"half", 15 * time.Second, minWatch, 5 * time.Second},
		{"old", time.Hour, minWatch, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				eyes := &fakeEyes{states: []systemd.Unit{{ActiveState: "active", SubState: "running", MainPID: 7, Started: began.Add(-tt.age)}}}
				_, _, err := Prove(t.Context(), eyes, node.Prove{Subject: node.Subject{Unit: unit}, Settle: 20 * time.Second})
				if taken := time.Since(began); err != nil || eyes.watched != tt.wantWatch || taken != tt.wantTaken {
					t.Errorf("Prove = %v after %v, watched for %v; want %v, %v", err, taken, eyes.watched, tt.wantTaken, tt.wantWatch)
				}
			})
		})
	}
}

// A run that is told to stop says nothing about Falco.
func TestProveCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	up := systemd.Unit{ActiveState: "active", SubState: "running", MainPID: 7}
	_, _, err := Prove(ctx, &fakeEyes{states: []systemd.Unit{up}}, node.Prove{Subject: node.Subject{Unit: unit}})
	if !errors.Is(err, context.Canceled) || node.CodeOf(err) != node.CodeFailed {
		t.Errorf("Prove = %v, want %v", err, context.Canceled)
	}
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/systemd"
)

// A fakeUnit answers with one state after the other, the last one for ever.
type fakeUnit struct{ states []systemd.Unit }

func (f *fakeUnit) Units(_ context.Context, names ...string) (map[string]systemd.Unit, error) {
	u := f.states[0]
	if len(f.states) > 1 {
		f.states = f.states[1:]
	}
	return map[string]systemd.Unit{names[0]: u}, nil
}

func TestStand(t *testing.T) {
	up := systemd.Unit{ActiveState: "active", SubState: "running", MainPID: 7, InvocationID: "a", Started: time.Now()}
	other, restarted, restarting := up, up, up
	other.MainPID, other.InvocationID = 8, "b"
	restarted.NRestarts = 1
	restarting.ActiveState, restarting.SubState, restarting.MainPID = "activating", "auto-restart", 0
	tests := []struct {
		name   string
		states []systemd.Unit
		falls  bool
	}{
		{"stands", []systemd.Unit{up, up, up}, false},
		{"is down already", []systemd.Unit{restarting}, true},
		{"goes down", []systemd.Unit{up, up, restarting}, true},
		{"is another process", []systemd.Unit{up, other}, true},
		{"was started again", []systemd.Unit{up, restarted}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := stand{conn: &fakeUnit{tt.states}, unit: "falco.service"}
			var err error
			if s.first, err = s.look(t.Context()); err == nil {
				s.first.Started = time.Now()
				err = s.settle(t.Context(), 20*time.Millisecond)
				if err == nil {
					err = s.check(t.Context())
				}
			}
			if errors.Is(err, errFell) != tt.falls || !tt.falls && err != nil {
				t.Errorf("got %v, want fallen: %v", err, tt.falls)
			}
		})
	}
}

// A unit that has been up for longer than the settle time is not waited for.
func TestSettleOfOld(t *testing.T) {
	up := systemd.Unit{ActiveState: "active", SubState: "running", MainPID: 7, Started: time.Now().Add(-time.Hour)}
	s := stand{conn: &fakeUnit{[]systemd.Unit{up}}, unit: "falco.service", first: up}
	began := time.Now()
	if err := s.settle(t.Context(), 20*time.Second); err != nil || time.Since(began) > 10*time.Second {
		t.Errorf("settle = %v after %v", err, time.Since(began))
	}
}

// The reason for a Falco that falls is Falco's own; its unit hides it.
func TestFallen(t *testing.T) {
	tests := []struct{ name, falco, want string }{
		{"Falco says", `echo "Error: bad rule" >&2; exit 1`, "falco.service does not stay up (the process did not stand): Falco says: bad rule"},
		{"Falco has nothing to say", "exit 0", "falco.service does not stay up (the process did not stand): Falco has no complaint about its configuration; systemd says: failed (failed), result signal, status 6, 2 restarts"},
		{"an old Falco whose version is not known", `[ "$3" = -L ] || { echo "Error: Option 'dry-run' does not exist" >&2; exit 1; }; echo "Error: old" >&2; exit 1`, "falco.service does not stay up (the process did not stand): Falco says: old"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, _ := onHost(t, func(tools *tools) { tools.falco = script(t, "falco", tt.falco) })
			s := stand{last: &systemd.Unit{ActiveState: "failed", SubState: "failed", Result: "signal", ExecStatus: 6, NRestarts: 2}}
			err := m.fallen(t.Context(), node.Prove{Unit: "falco.service"}, s, errFell)
			wantCode(t, err, node.CodeNotRunning)
			if err.Error() != tt.want || node.HintOf(err) == "" {
				t.Errorf("fallen = %v, want %s", err, tt.want)
			}
		})
	}
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package steps

import (
	"context"
	"errors"
	"testing"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
)

// A mortal node's Falco dies as soon as it is started.
type mortal struct{ *node }

func (m mortal) ChangeUnit(ctx context.Context, c converge.ChangeUnit) error {
	err := m.node.ChangeUnit(ctx, c)
	if c.Action == converge.Start || c.Action == converge.Restart {
		m.units[c.Unit].ActiveState, m.units[c.Unit].SubState = "activating", "auto-restart"
	}
	return err
}

func (mortal) Prove(context.Context, converge.Prove) (*converge.Warning, error) {
	return nil, &converge.Error{Code: converge.CodeNotRunning, Err: errors.New("it says why")}
}

// Dead before the next look at its unit or after it: the reason is the same.
func TestFalcoThatDiesAtOnceIsAskedWhy(t *testing.T) {
	n, s := newNode(t, "9.6", uek7)
	converged(t, n, s)
	n.modern().ActiveState, n.modern().SubState = "inactive", "dead"
	r := converge.Converge(t.Context(), mortal{n}, All(s), quiet)
	if converge.CodeOf(r.Err) != converge.CodeNotRunning {
		t.Errorf("Converge = %v, want Falco's own reason", r.Err)
	}
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package steps

import (
	"context"
	"errors"
	"testing"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

// A mortal node's Falco dies as soon as it is started.
type mortal struct{ *fakeNode }

func (m mortal) Apply(ctx context.Context, c node.Change) error {
	if node.IsProbe(c) {
		return &node.Error{Code: node.CodeNotRunning, Err: errors.New("it says why")}
	}
	err := m.fakeNode.Apply(ctx, c)
	if c, ok := c.(node.ChangeUnit); ok && (c.Action == node.Start || c.Action == node.Restart) {
		m.units[c.Unit].ActiveState, m.units[c.Unit].SubState = "activating", "auto-restart"
	}
	return err
}

// Dead before the next look at its unit or after it: the reason is the same.
func TestFalcoThatDiesAtOnceIsAskedWhy(t *testing.T) {
	n, s := newNode(t, "9.6", uek7)
	converged(t, n, s)
	n.modern().ActiveState, n.modern().SubState = "inactive", "dead"
	r := converge.Converge(t.Context(), mortal{n}, All(s), quiet)
	if node.CodeOf(r.Err) != node.CodeNotRunning {
		t.Errorf("Converge = %v, want Falco's own reason", r.Err)
	}
}

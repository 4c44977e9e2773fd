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

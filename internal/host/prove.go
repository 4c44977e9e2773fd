// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/alert"
	"github.com/falco-bootstrap/falco-bootstrap/internal/inforce"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/verify"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/systemd"
)

// prove checks that a unit's Falco detects, and records the proof with what Falco was
// started from.
func (m *Machine) prove(ctx context.Context, c node.Prove) error {
	conn, err := m.bus.conn(ctx)
	if err != nil {
		return err
	}
	inputs := inforce.Record(m.View(), c.Inputs)
	proof, seen, err := verify.Prove(ctx, eyes{conn, m}, c)
	if err == nil && !proof.Detected {
		view := m.View()
		proof, err = verify.Explain(ctx, view, c, seen, view.Proof(), proof)
	}
	if err != nil {
		return err
	}
	if proof.Detected {
		proof.Package, proof.Inputs = c.Package, inputs
	}
	return m.writeProof(proof)
}

var _ verify.Eyes = eyes{}

// eyes implements [verify.Eyes] on this machine.
type eyes struct {
	systemd.Reader
	machine *Machine
}

func (e eyes) Watch(ctx context.Context, log string, timeout time.Duration, alive func(context.Context) error) (node.Seen, error) {
	return Watch(ctx, e.machine.opts, alert.Probe{Log: log, Timeout: timeout, Alive: alive, Journal: true})
}

func (e eyes) Listener(falcoVersion string, u systemd.Unit) string {
	return verify.Listener(e.machine.View(), falcoVersion, u)
}

func (e eyes) Complaint(ctx context.Context, check node.FalcoCheck) string {
	reason, _, err := askFalco(ctx, e.machine.tools, check, nil)
	if err != nil {
		return err.Error()
	}
	return reason
}

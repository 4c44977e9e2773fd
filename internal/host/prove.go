// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/alert"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/systemd"
)

// watchAtLeast is how long an alert is waited for, however long ago Falco was
// started. One that has just been started is watched for all the time in which
// it may yet fall: on a node that boots it may need most of that to load.
const watchAtLeast = 10 * time.Second

// errFell means that the process did not stand.
var errFell = errors.New("the process did not stand")

// Prove implements [node.Machine]. "active" proves nothing: the units are
// of Type=simple, so they are active as soon as Falco is executed, and it may
// die, or be alive and blind, after that. A process that falls, or is another
// one at the end than at the beginning, is [node.CodeNotRunning], with
// Falco's own reason, which the shipped units hide.
func (m *Machine) prove(ctx context.Context, c node.Prove) error {
	conn, err := m.bus.conn(ctx)
	if err != nil {
		return err
	}
	s := stand{conn: conn, unit: c.Unit}
	s.first, err = s.look(ctx)
	if err == nil && c.Invocation != "" && s.first.InvocationID != c.Invocation {
		err = fmt.Errorf("%w: it was started again before it could be proven (process %d now)", errFell, s.first.MainPID)
	}
	if err != nil {
		return m.fallen(ctx, c, s, err)
	}
	seen, watchErr := Watch(ctx, m.opts, alert.Probe{Log: c.Log, Timeout: max(watchAtLeast, s.left(c.Settle)), Alive: s.check})
	if errors.Is(watchErr, errFell) || ctx.Err() != nil {
		return m.fallen(ctx, c, s, watchErr)
	}
	if !seen.Detected() {
		if err := s.settle(ctx, c.Settle); err != nil {
			return m.fallen(ctx, c, s, err)
		}
	} else if err := s.check(ctx); err != nil {
		return m.fallen(ctx, c, s, err)
	}
	proof := node.Proof{Invocation: s.first.InvocationID, Detected: seen.Detected(), Time: time.Now().UTC()}
	if watchErr != nil {
		proof.Unseen = watchErr.Error()
	}
	return m.writeProof(proof)
}

// fallen is the error about a Falco that does not stand.
func (m *Machine) fallen(ctx context.Context, c node.Prove, s stand, err error) error {
	if !errors.Is(err, errFell) {
		return fmt.Errorf("proving that %s detects: %w", c.Unit, err)
	}
	reason := m.complaint(ctx, c.Check)
	if reason == "" {
		reason = fmt.Sprintf("Falco has no complaint about its configuration; systemd says: %s", s.story())
	} else {
		reason = "Falco says: " + reason
	}
	return node.Errorf(node.CodeNotRunning, "mend what it says and run again; journalctl -u "+c.Unit+" shows what systemd saw",
		"%s does not stay up (%w): %s", c.Unit, err, reason)
}

// A stand is the watch over one process of a unit.
type stand struct {
	conn  systemd.Reader
	unit  string
	first systemd.Unit
	last  *systemd.Unit
}

// look is the unit as it is now; one that is not running has fallen.
func (s *stand) look(ctx context.Context) (systemd.Unit, error) {
	units, err := s.conn.Units(ctx, s.unit)
	if err != nil {
		return systemd.Unit{}, err
	}
	u := units[s.unit]
	s.last = &u
	if !u.Running() || u.MainPID == 0 {
		return u, fmt.Errorf("%w: it is %s (%s)", errFell, u.ActiveState, u.SubState)
	}
	return u, nil
}

// check fails if the unit's process is no longer the one it was.
func (s *stand) check(ctx context.Context) error {
	now, err := s.look(ctx)
	if err != nil {
		return err
	}
	if now.MainPID != s.first.MainPID || now.InvocationID != s.first.InvocationID || now.NRestarts > s.first.NRestarts {
		return fmt.Errorf("%w: it was started again (process %d, then %d)", errFell, s.first.MainPID, now.MainPID)
	}
	return nil
}

// left is how much longer the process must stand, if it is to have stood for
// that long.
func (s *stand) left(settle time.Duration) time.Duration {
	if s.first.Started.IsZero() {
		s.first.Started = time.Now()
	}
	return settle - time.Since(s.first.Started)
}

// settle waits until the process has stood for as long as it must.
func (s *stand) settle(ctx context.Context, settle time.Duration) error {
	for {
		if err := s.check(ctx); err != nil {
			return err
		}
		left := s.left(settle)
		if left <= 0 {
			return nil
		}
		select {
		case <-time.After(min(left, time.Second)):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// story is what systemd knows of the last end of the process.
func (s *stand) story() string {
	if s.last == nil {
		return "nothing"
	}
	return fmt.Sprintf("%s (%s), result %s, status %d, %d restarts", s.last.ActiveState, s.last.SubState, s.last.Result, s.last.ExecStatus, max(s.last.NRestarts, 0))
}

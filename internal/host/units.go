// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/systemd"
)

// changeUnit changes a unit. A job that fails is [node.CodeNotRunning]. For a
// unit of Falco it asks Falco itself why, since the shipped units send both its
// streams to /dev/null.
func (m *Machine) changeUnit(ctx context.Context, c node.ChangeUnit) error {
	conn, err := m.bus.conn(ctx)
	if err != nil {
		return err
	}
	if c.Check != nil {
		if err := m.checkStart(ctx, conn, c); err != nil {
			return err
		}
	}
	err = unitAction(ctx, conn, c)
	var job *systemd.JobError
	if errors.As(err, &job) {
		return node.Errorf(node.CodeNotRunning, "journalctl -u "+c.Unit+" shows what systemd saw", "%w%s", err, m.why(ctx, conn, c.Unit))
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return node.Errorf(node.CodeNotRunning, "`systemctl list-jobs` and `systemctl status "+c.Unit+"` show what it waits for, such as an ExecStartPre= of the unit or another unit", "%w", err)
	}
	if err != nil && strings.Contains(err.Error(), "Read-only file system") {
		return node.Errorf(node.CodeFailed, "systemd has its links in /etc/systemd/system: make that file system writable (findmnt), and run again", "%w", err)
	}
	return err
}

func unitAction(ctx context.Context, conn *systemd.Conn, c node.ChangeUnit) error {
	if c.Action == node.ReloadManager {
		return conn.Reload(ctx)
	}
	act, ok := map[node.UnitAction]func(context.Context, string) error{
		node.Enable: conn.Enable, node.Disable: conn.Disable, node.Mask: conn.Mask, node.Unmask: conn.Unmask,
		node.Start: conn.Start, node.Stop: conn.Stop, node.Restart: conn.Restart,
	}[c.Action]
	if !ok {
		return fmt.Errorf("%s: unknown action on a unit", c.Action)
	}
	return act(ctx, c.Unit)
}

// why asks Falco why one of its units does not stay up: ": Falco says: " and the
// reason, or which unit it lacks, or "" if it is not a unit of Falco or Falco has
// no complaint.
func (m *Machine) why(ctx context.Context, conn systemd.Reader, unit string) string {
	if !falco.IsUnit(unit) {
		return ""
	}
	check := node.FalcoCheck{}
	if units, err := conn.Units(ctx, unit); err == nil {
		check.Args, check.Env = falco.StartOf(units[unit], m.tree).Args, units[unit].Env(m.tree)
		if lacks := required(ctx, conn, units[unit]); lacks != "" {
			return lacks
		}
	}
	if reason, _, _ := askFalco(ctx, m.tools, check, nil); reason != "" {
		return ": Falco says: " + reason
	}
	return ""
}

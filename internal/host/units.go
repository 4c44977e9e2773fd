// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/systemd"
)

// ChangeUnit implements [converge.Machine]. A job that does not end well is
// [converge.CodeNotRunning]; for a unit of Falco's own, Falco is asked why,
// since the shipped units send both its streams to /dev/null.
func (m *Machine) ChangeUnit(ctx context.Context, c converge.ChangeUnit) error {
	if err := m.asked(); err != nil {
		return err
	}
	conn, err := m.bus.conn(ctx)
	if err != nil {
		return err
	}
	err = changeUnit(ctx, conn, c)
	var job *systemd.JobError
	if errors.As(err, &job) {
		return failed(converge.CodeNotRunning, "journalctl -u "+c.Unit+" shows what systemd saw", "%w%s", err, m.why(ctx, conn, c.Unit))
	}
	return err
}

func changeUnit(ctx context.Context, conn systemd.Manager, c converge.ChangeUnit) error {
	switch c.Action {
	case converge.Enable:
		return conn.Enable(ctx, c.Unit)
	case converge.Disable:
		return conn.Disable(ctx, c.Unit)
	case converge.Mask:
		return conn.Mask(ctx, c.Unit)
	case converge.Unmask:
		return conn.Unmask(ctx, c.Unit)
	case converge.Start:
		return conn.Start(ctx, c.Unit)
	case converge.Stop:
		return conn.Stop(ctx, c.Unit)
	case converge.Restart:
		return conn.Restart(ctx, c.Unit)
	case converge.ReloadManager:
		return conn.Reload(ctx)
	}
	return fmt.Errorf("%s: no such action on a unit", c.Action)
}

// why asks Falco why one of its units does not stand: ": " and the reason, or
// nothing if it is no Falco unit or Falco has no complaint.
func (m *Machine) why(ctx context.Context, conn systemd.Reader, unit string) string {
	if !strings.HasPrefix(unit, "falco") || strings.HasPrefix(unit, "falcoctl") {
		return ""
	}
	check := converge.FalcoCheck{}
	if units, err := conn.Units(ctx, unit); err == nil {
		for _, variable := range units[unit].Environment {
			if library, ok := strings.CutPrefix(variable, "LD_PRELOAD="); ok {
				check.Preload = library
			}
		}
	}
	if reason := m.complaint(ctx, check); reason != "" {
		return ": " + reason
	}
	return ""
}

// complaint is what Falco says against its configuration as it lies, or
// nothing.
func (m *Machine) complaint(ctx context.Context, check converge.FalcoCheck) string {
	return complaint(ctx, m.tools, check)
}

// Complaint is what the installed Falco says against its configuration as it
// lies, one line, or nothing. It changes nothing.
func Complaint(ctx context.Context, opts Options, check converge.FalcoCheck) string {
	return complaint(ctx, opts.programs(), check)
}

func complaint(ctx context.Context, t tools, check converge.FalcoCheck) string {
	v, err := askFalco(ctx, t, check, falcoConfig, falcoConfig)
	if err == nil && !v.ok && strings.Contains(v.reason, "Option 'dry-run' does not exist") { // the version was not known
		check.Version = "0.34"
		v, err = askFalco(ctx, t, check, falcoConfig, falcoConfig)
	}
	switch {
	case err != nil:
		return err.Error()
	case v.ok:
		return ""
	}
	return v.reason
}

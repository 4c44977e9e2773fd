// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package systemd

import (
	"context"
	"errors"
	"fmt"
)

var errNoInstall = errors.New("the unit has no [Install] section, so nothing would start it at boot")

// Enable makes a unit start at boot; it must be named by its own name, because
// systemd does not enable an alias. Enabling it again succeeds. A unit without
// an [Install] section is an error.
//
// Links in the way are replaced (force): a removed package may leave
// falco.service pointing at a unit that is gone. Without force systemd then
// fails but still links the unit into its target, so two Falcos start at boot. A
// regular file in the way is never replaced: systemd then makes the other links
// and fails, which is an error only if the unit is not enabled.
func (c *Conn) Enable(ctx context.Context, unit string) error {
	return c.change(ctx, "enable", unit, func(ctx context.Context) error {
		// The list of changes is empty if the unit is enabled already and has
		// several entries if it has an alias, so it says nothing about success.
		installable, _, err := c.bus.EnableUnitFilesContext(ctx, []string{unit}, false, true)
		if isTaken(err) {
			if state, _ := c.files.fileState(ctx, unit); state == "enabled" {
				return nil
			}
		}
		if err == nil && !installable {
			err = errNoInstall
		}
		return err
	})
}

// Disable undoes [Conn.Enable], and removes the links in /run (enabled-runtime)
// too; systemctl(1) removes one kind in each call. Disabling a unit that is not
// enabled or does not exist succeeds.
func (c *Conn) Disable(ctx context.Context, unit string) error {
	return c.change(ctx, "disable", unit, func(ctx context.Context) error {
		for _, runtime := range []bool{false, true} {
			if _, err := c.bus.DisableUnitFilesContext(ctx, []string{unit}, runtime); err != nil && !isAbsent(err) {
				return err
			}
		}
		return nil
	})
}

// Mask makes a unit impossible to start. It does not stop it. A regular file or
// another link in /etc/systemd/system stays, and is an error.
func (c *Conn) Mask(ctx context.Context, unit string) error {
	return c.change(ctx, "mask", unit, func(ctx context.Context) error {
		_, err := c.bus.MaskUnitFilesContext(ctx, []string{unit}, false, false)
		return err
	})
}

// Unmask undoes [Conn.Mask], for masks in /run too.
func (c *Conn) Unmask(ctx context.Context, unit string) error {
	return c.change(ctx, "unmask", unit, func(ctx context.Context) error {
		for _, runtime := range []bool{false, true} {
			if _, err := c.bus.UnmaskUnitFilesContext(ctx, []string{unit}, runtime); err != nil && !isAbsent(err) {
				return err
			}
		}
		return nil
	})
}

// Reload makes systemd read its unit files again.
func (c *Conn) Reload(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, reloadLimit)
	defer cancel()
	if err := c.bus.ReloadContext(ctx); err != nil {
		return fmt.Errorf("reload systemd's unit files: %w", permission(err))
	}
	return nil
}

// change calls do to change unit files, and then makes systemd read them again,
// as systemctl(1) does.
func (c *Conn) change(ctx context.Context, verb, unit string, do func(context.Context) error) error {
	limited, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	if err := do(limited); err != nil {
		return fmt.Errorf("%s %s: %w", verb, unit, permission(err))
	}
	return c.Reload(ctx)
}

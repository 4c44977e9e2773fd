// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package systemd

import (
	"context"
	"errors"
	"fmt"
)

// errNoInstall means that a unit cannot be enabled.
var errNoInstall = errors.New("the unit has no [Install] section, so nothing would start it at boot")

// Enable implements [Manager]. Links that stand in the way are replaced
// (force): a package that was removed may leave falco.service pointing at a
// unit that is gone, and without force systemd then links the unit into its
// target and fails all the same, so that two Falcos start at boot. A regular
// file in the way is never replaced.
func (c *Conn) Enable(ctx context.Context, unit string) error {
	return c.change(ctx, "enable", unit, func(ctx context.Context) error {
		// The list of changes is empty if the unit is enabled already and has
		// several entries if it has an alias, so it says nothing about success.
		installable, _, err := c.bus.EnableUnitFilesContext(ctx, []string{unit}, false, true)
		if err == nil && !installable {
			err = errNoInstall
		}
		return err
	})
}

// Disable implements [Manager]. Both the lasting links and those in /run are
// removed: systemctl(1) removes only one kind a call.
func (c *Conn) Disable(ctx context.Context, unit string) error {
	return c.change(ctx, "disable", unit, func(ctx context.Context) error {
		for _, runtime := range []bool{false, true} {
			if _, err := c.bus.DisableUnitFilesContext(ctx, []string{unit}, runtime); err != nil && !absent(err) {
				return err
			}
		}
		return nil
	})
}

// Mask implements [Manager]. A regular file or a link of another meaning in
// /etc/systemd/system is left, and is an error.
func (c *Conn) Mask(ctx context.Context, unit string) error {
	return c.change(ctx, "mask", unit, func(ctx context.Context) error {
		_, err := c.bus.MaskUnitFilesContext(ctx, []string{unit}, false, false)
		return err
	})
}

// Unmask implements [Manager]. Masks in /run go too.
func (c *Conn) Unmask(ctx context.Context, unit string) error {
	return c.change(ctx, "unmask", unit, func(ctx context.Context) error {
		for _, runtime := range []bool{false, true} {
			if _, err := c.bus.UnmaskUnitFilesContext(ctx, []string{unit}, runtime); err != nil && !absent(err) {
				return err
			}
		}
		return nil
	})
}

// Reload implements [Manager].
func (c *Conn) Reload(ctx context.Context) error {
	ctx, cancel := within(ctx, reloadBound)
	defer cancel()
	if err := c.bus.ReloadContext(ctx); err != nil {
		return fmt.Errorf("reload systemd's unit files: %w", permission(err))
	}
	return nil
}

// change edits unit files by way of systemd and has it read them again.
func (c *Conn) change(ctx context.Context, verb, unit string, do func(context.Context) error) error {
	bounded, cancel := within(ctx, callBound)
	defer cancel()
	if err := do(bounded); err != nil {
		return fmt.Errorf("%s %s: %w", verb, unit, permission(err))
	}
	return c.Reload(ctx)
}

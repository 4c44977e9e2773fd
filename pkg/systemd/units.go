// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package systemd

import (
	"context"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"
)

// isAbsent reports whether err says that there is no such unit or unit file.
// systemd names errno values after "System.Error", except those for which the bus
// has its own name, so both forms appear.
func isAbsent(err error) bool {
	return named(err,
		"org.freedesktop.systemd1.NoSuchUnit",
		"org.freedesktop.DBus.Error.FileNotFound",
		"System.Error.ENOENT")
}

// isTaken reports whether err says that a file is where a link belongs. systemd
// calls it a unit that exists since version 231, before that by errno's name.
func isTaken(err error) bool {
	return named(err, "org.freedesktop.systemd1.UnitExists", "org.freedesktop.DBus.Error.FileExists", "System.Error.EEXIST")
}

// Units returns the named units by those names, whether or not they exist. For
// an alias it returns the unit that the alias stands for, whose ID differs from
// the name.
//
// A unit that has neither a file nor a place in systemd's memory is not loaded.
// Any other is loaded by systemd for as long as the call takes.
func (c *Conn) Units(ctx context.Context, names ...string) (map[string]Unit, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	var (
		mu    sync.Mutex
		units = make(map[string]Unit, len(names))
	)
	group, ctx := errgroup.WithContext(ctx)
	for _, name := range names {
		group.Go(func() error {
			unit, err := c.unit(ctx, name)
			if err != nil {
				return fmt.Errorf("asking systemd about %s: %w", name, permission(err))
			}
			mu.Lock()
			defer mu.Unlock()
			units[name] = unit
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return units, nil
}

func (c *Conn) unit(ctx context.Context, name string) (Unit, error) {
	state, err := c.files.fileState(ctx, name)
	switch {
	case isAbsent(err):
		// A unit whose file was removed while it runs still exists.
		if err := c.files.loaded(ctx, name); isAbsent(err) {
			return Unit{Name: name, LoadState: "not-found", ActiveState: "inactive", SubState: "dead", NRestarts: -1}, nil
		} else if err != nil {
			return Unit{}, err
		}
	case named(err, "org.freedesktop.DBus.Error.InvalidArgs", "org.freedesktop.systemd1.BadUnitSetting"):
		state = "bad" // the file cannot be read; its LoadState says more
	case err != nil:
		return Unit{}, err
	}
	unit, err := c.bus.GetUnitPropertiesContext(ctx, name)
	if err != nil {
		return Unit{}, err
	}
	service, err := c.bus.GetUnitTypePropertiesContext(ctx, name, "Service")
	if err != nil && !named(err, "org.freedesktop.DBus.Error.UnknownInterface") {
		return Unit{}, err
	}
	return fromProperties(name, state, unit, service), nil
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Package systemd is a small client of systemd's manager over D-Bus: it tells
// what units are and do, and changes them one named unit at a time.
//
// Looking and changing are two interfaces, [Reader] and [Manager]; a [Conn] is
// both. A job's result is always read, so that a unit which failed to start is
// an error and not a success that was not looked at, and nothing waits for
// longer than its context, or than a bound of the package's own where the
// context has none.
//
// It speaks to systemd 219 (Oracle Linux 7) up to the newest: what an old one
// does not say is left at a documented value.
//
// It starts no program, reads no unit file, and knows nothing of Falco: which
// unit must be enabled, and which others disabled first, is the caller's
// affair. User managers and remote machines are out of scope.
package systemd

import "context"

// Reader tells about units.
type Reader interface {
	// Units tells of the named units, keyed by the name asked for, present or
	// not. A name that is an alias is answered with the unit it stands for,
	// whose ID then differs from the name.
	Units(ctx context.Context, names ...string) (map[string]Unit, error)
}

// Manager changes units. Names are concrete unit names: systemd refuses to
// enable an alias, and the alias falco.service is all that some Falco
// packages have. Enable, Disable, Mask and Unmask have systemd read its unit
// files again afterwards, as systemctl(1) does.
type Manager interface {
	// Enable has a unit start at boot. One that is enabled already is success.
	// A unit without an [Install] section is an error, since nothing would
	// start it.
	Enable(ctx context.Context, unit string) error
	// Disable undoes Enable, for the running system too (enabled-runtime).
	// One that is not enabled, or does not exist, is success.
	Disable(ctx context.Context, unit string) error
	// Mask makes a unit impossible to start. It does not stop it.
	Mask(ctx context.Context, unit string) error
	// Unmask undoes Mask.
	Unmask(ctx context.Context, unit string) error
	// Start, Stop and Restart queue a job and wait for its end; a job that
	// does not end well is a [*JobError]. Stop of a unit that does not exist
	// is success. If the context ends first, the job goes on in systemd.
	Start(ctx context.Context, unit string) error
	Stop(ctx context.Context, unit string) error
	Restart(ctx context.Context, unit string) error
	// Reload has systemd read its unit files again.
	Reload(ctx context.Context) error
}

var (
	_ Reader  = (*Conn)(nil)
	_ Manager = (*Conn)(nil)
)

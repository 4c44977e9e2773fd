// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package systemd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"time"

	sd "github.com/coreos/go-systemd/v22/dbus"
	"github.com/godbus/dbus/v5"
)

// Bounds for a context that has no earlier deadline of its own.
const (
	connectBound = 10 * time.Second
	callBound    = 30 * time.Second // systemd answers at once unless it is stuck
	reloadBound  = 2 * time.Minute  // generators run, one after another
	jobBound     = 5 * time.Minute  // a stop may take TimeoutStopSec, then a kill
)

var (
	// ErrNotBooted means that systemd does not run this machine, as in a
	// container or a chroot.
	ErrNotBooted = errors.New("systemd is not running this machine")
	// ErrNoBus means that systemd runs but cannot be spoken to.
	ErrNoBus = errors.New("systemd's bus does not answer")
)

// bus is the part of [sd.Conn] that this package uses.
type bus interface {
	EnableUnitFilesContext(ctx context.Context, files []string, runtime, force bool) (bool, []sd.EnableUnitFileChange, error)
	DisableUnitFilesContext(ctx context.Context, files []string, runtime bool) ([]sd.DisableUnitFileChange, error)
	MaskUnitFilesContext(ctx context.Context, files []string, runtime, force bool) ([]sd.MaskUnitFileChange, error)
	UnmaskUnitFilesContext(ctx context.Context, files []string, runtime bool) ([]sd.UnmaskUnitFileChange, error)
	StartUnitContext(ctx context.Context, name, mode string, ch chan<- string) (int, error)
	StopUnitContext(ctx context.Context, name, mode string, ch chan<- string) (int, error)
	RestartUnitContext(ctx context.Context, name, mode string, ch chan<- string) (int, error)
	ResetFailedUnitContext(ctx context.Context, name string) error
	ReloadContext(ctx context.Context) error
	GetUnitPropertiesContext(ctx context.Context, unit string) (map[string]any, error)
	GetUnitTypePropertiesContext(ctx context.Context, unit, unitType string) (map[string]any, error)
	Connected() bool
	Close()
}

// files are the two questions about a unit by name that [sd.Conn] has no
// method for; neither makes systemd load the unit.
type files interface {
	// fileState is Manager.GetUnitFileState.
	fileState(ctx context.Context, unit string) (string, error)
	// loaded is Manager.GetUnit: nil if the unit is in systemd's memory.
	loaded(ctx context.Context, unit string) error
}

// A Conn is a connection to the machine's systemd. Its methods may be called
// at the same time.
type Conn struct {
	bus    bus
	files  files
	cancel context.CancelFunc
}

// Connect connects to the system bus, or, as root without a bus, to systemd
// itself. It fails with [ErrNotBooted] or [ErrNoBus] in its chain. The
// connection ends with ctx or with [Conn.Close].
func Connect(ctx context.Context) (*Conn, error) {
	// sd_booted(3): this folder is there just when systemd is PID 1.
	if info, err := os.Lstat("/run/systemd/system"); err != nil || !info.IsDir() {
		return nil, ErrNotBooted
	}
	life, cancel := context.WithCancel(ctx)
	type answer struct {
		conn *Conn
		err  error
	}
	// The handshake has no deadline of its own, and the context given to the
	// connection is its whole life, so the bound is kept from outside.
	done := make(chan answer, 1)
	go func() {
		conn, err := dial(life)
		done <- answer{conn, err}
	}()
	bound := time.NewTimer(connectBound)
	defer bound.Stop()
	var got answer
	select {
	case got = <-done:
	case <-ctx.Done():
		got.err = ctx.Err()
	case <-bound.C:
		got.err = context.DeadlineExceeded
	}
	if got.err != nil {
		cancel()
		return nil, fmt.Errorf("%w: %w", ErrNoBus, permission(got.err))
	}
	got.conn.cancel = cancel
	return got.conn, nil
}

// Close ends the connection.
func (c *Conn) Close() {
	c.bus.Close()
	if c.cancel != nil {
		c.cancel()
	}
}

// Connected reports whether the connection still stands. It does not survive
// a restart of the bus.
func (c *Conn) Connected() bool { return c.bus.Connected() }

// dial makes the connection on the system bus; the manager's own socket is
// for root alone, and works before the bus does.
func dial(life context.Context) (*Conn, error) {
	conn, err := dialWith(func() (*dbus.Conn, error) {
		raw, err := dbus.SystemBusPrivate(dbus.WithContext(life))
		if err != nil {
			return nil, err
		}
		return raw, handshake(raw, true)
	})
	if err == nil || os.Geteuid() != 0 || life.Err() != nil {
		return conn, err
	}
	return dialWith(func() (*dbus.Conn, error) {
		raw, err := dbus.Dial("unix:path=/run/systemd/private", dbus.WithContext(life))
		if err != nil {
			return nil, err
		}
		return raw, handshake(raw, false)
	})
}

// dialWith keeps the first connection that go-systemd makes, the one it sends
// calls on, for the calls it has no method for.
func dialWith(open func() (*dbus.Conn, error)) (*Conn, error) {
	var first *dbus.Conn
	conn, err := sd.NewConnection(func() (*dbus.Conn, error) {
		raw, err := open()
		if err == nil && first == nil {
			first = raw
		}
		return raw, err
	})
	if err != nil {
		return nil, err
	}
	return &Conn{bus: conn, files: rawFiles{first.Object("org.freedesktop.systemd1", "/org/freedesktop/systemd1")}}, nil
}

// handshake names the user by number: a look-up by name would need cgo.
func handshake(raw *dbus.Conn, hello bool) error {
	err := raw.Auth([]dbus.Auth{dbus.AuthExternal(strconv.Itoa(os.Getuid()))})
	if err == nil && hello {
		err = raw.Hello()
	}
	if err != nil {
		_ = raw.Close()
	}
	return err
}

type rawFiles struct{ manager dbus.BusObject }

func (r rawFiles) fileState(ctx context.Context, unit string) (state string, err error) {
	err = r.manager.CallWithContext(ctx, "org.freedesktop.systemd1.Manager.GetUnitFileState", 0, unit).Store(&state)
	return state, err
}

func (r rawFiles) loaded(ctx context.Context, unit string) error {
	return r.manager.CallWithContext(ctx, "org.freedesktop.systemd1.Manager.GetUnit", 0, unit).Err
}

// within gives ctx a deadline if it has none that is earlier.
func within(ctx context.Context, bound time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, bound)
}

// permission marks a refusal of the bus as [fs.ErrPermission].
func permission(err error) error {
	if named(err, "org.freedesktop.DBus.Error.AccessDenied", "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired") {
		return fmt.Errorf("%w: %w", fs.ErrPermission, err)
	}
	return err
}

// named reports whether err is a D-Bus error of one of these names.
func named(err error, names ...string) bool {
	var byValue dbus.Error
	var byPointer *dbus.Error
	name := ""
	switch {
	case errors.As(err, &byValue):
		name = byValue.Name
	case errors.As(err, &byPointer):
		name = byPointer.Name
	}
	for _, n := range names {
		if n == name {
			return true
		}
	}
	return false
}

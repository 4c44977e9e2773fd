// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package systemd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"time"

	sd "github.com/coreos/go-systemd/v22/dbus"
	"github.com/godbus/dbus/v5"
)

// Time limits of one call, unless its context has an earlier one.
const (
	connectLimit = 10 * time.Second
	callLimit    = 30 * time.Second // systemd answers at once unless it is stuck
	reloadLimit  = 2 * time.Minute  // generators run, one after another
	jobLimit     = 5 * time.Minute  // a stop may take TimeoutStopSec, then a kill
)

var errNotBooted = errors.New("this machine was not booted with systemd")

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

// files are the calls that [sd.Conn] has no method for. Neither makes systemd
// load the unit.
type files interface {
	// fileState is Manager.GetUnitFileState.
	fileState(ctx context.Context, unit string) (string, error)
	// loaded is Manager.GetUnit: nil if the unit is in systemd's memory.
	loaded(ctx context.Context, unit string) error
}

// A Reader reads the state of units.
type Reader interface {
	Units(ctx context.Context, names ...string) (map[string]Unit, error)
}

var _ Reader = (*Conn)(nil)

// A Conn is a connection to the machine's systemd. Its methods may be called
// concurrently.
type Conn struct {
	bus    bus
	files  files
	cancel context.CancelFunc
}

// Connect connects to the system bus, or, as root without a bus, to systemd
// itself. It fails if the machine was not booted with systemd, as in a container
// or a chroot. The connection lasts until ctx is done or [Conn.Close] is called.
func Connect(ctx context.Context) (*Conn, error) {
	// sd_booted(3): this directory exists exactly when systemd is PID 1.
	if info, err := os.Lstat("/run/systemd/system"); err != nil || !info.IsDir() {
		return nil, errNotBooted
	}
	life, cancel := context.WithCancel(ctx)
	type answer struct {
		conn *Conn
		err  error
	}
	// The handshake has no deadline, and the connection lives as
	// long as its context, so the time limit is kept here.
	done := make(chan answer, 1)
	go func() {
		conn, err := dial(life)
		done <- answer{conn, err}
	}()
	limited, stop := context.WithTimeout(ctx, connectLimit)
	defer stop()
	var got answer
	select {
	case got = <-done:
	case <-limited.Done():
		got.err = limited.Err()
	}
	if got.err != nil {
		cancel()
		return nil, fmt.Errorf("systemd's bus does not answer: %w", permission(got.err))
	}
	got.conn.cancel = cancel
	return got.conn, nil
}

// Close closes the connection.
func (c *Conn) Close() {
	c.bus.Close()
	if c.cancel != nil {
		c.cancel()
	}
}

// Connected reports whether the connection still works. A connection does not
// survive a restart of the bus.
func (c *Conn) Connected() bool { return c.bus.Connected() }

// dial connects to the system bus, or to the manager's own socket, which works
// before the bus does and only for root.
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

// dialWith keeps the first connection that go-systemd opens, on which go-systemd
// sends its calls, for the calls that it has no method for.
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

// handshake authenticates with the user's number, because looking up a name needs
// cgo.
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

// permission marks a refusal of the bus as [fs.ErrPermission].
func permission(err error) error {
	if named(err, "org.freedesktop.DBus.Error.AccessDenied", "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired") {
		return fmt.Errorf("%w: %w", fs.ErrPermission, err)
	}
	return err
}

// named reports whether err is a D-Bus error with one of these names.
func named(err error, names ...string) bool {
	if e, ok := errors.AsType[dbus.Error](err); ok {
		return slices.Contains(names, e.Name)
	}
	e, ok := errors.AsType[*dbus.Error](err)
	return ok && slices.Contains(names, e.Name)
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package systemd

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"sync"
	"testing"
	"time"

	sd "github.com/coreos/go-systemd/v22/dbus"
	"github.com/godbus/dbus/v5"
	"github.com/google/go-cmp/cmp"
)

// A fakeBus is a systemd with units. It records what was done to them.
type fakeBus struct {
	units      map[string]map[string]any // properties of both interfaces
	states     map[string]string         // of unit files
	install    map[string]bool           // has an [Install] section
	result     string                    // of every job; "" is a job that does not end
	fail       error                     // of every call
	enableFail error                     // of enabling a unit
	done       []string
	lost       bool
	runtimes   []bool

	mu    sync.Mutex // guards asked: units are queried concurrently
	asked []string   // units that were loaded for a query
}

var (
	_ bus   = (*fakeBus)(nil)
	_ files = (*fakeBus)(nil)
)

var noSuchUnit = dbus.Error{Name: "org.freedesktop.systemd1.NoSuchUnit"}

func (b *fakeBus) fileState(_ context.Context, unit string) (string, error) {
	if state, ok := b.states[unit]; ok {
		return state, b.fail
	}
	return "", errors.Join(b.fail, dbus.Error{Name: "org.freedesktop.DBus.Error.FileNotFound"})
}

func (b *fakeBus) loaded(_ context.Context, unit string) error {
	if _, ok := b.units[unit]; ok {
		return nil
	}
	return noSuchUnit
}

func (b *fakeBus) EnableUnitFilesContext(_ context.Context, files []string, _, force bool) (bool, []sd.EnableUnitFileChange, error) {
	b.done = append(b.done, "enable "+files[0])
	if !force {
		return false, nil, errors.New("without force")
	}
	return b.install[files[0]], nil, errors.Join(b.fail, b.enableFail)
}

func (b *fakeBus) DisableUnitFilesContext(_ context.Context, files []string, runtime bool) ([]sd.DisableUnitFileChange, error) {
	b.done, b.runtimes = append(b.done, "disable "+files[0]), append(b.runtimes, runtime)
	if _, ok := b.states[files[0]]; !ok {
		return nil, dbus.Error{Name: "System.Error.ENOENT"}
	}
	return nil, b.fail
}

func (b *fakeBus) MaskUnitFilesContext(_ context.Context, files []string, _, _ bool) ([]sd.MaskUnitFileChange, error) {
	b.done = append(b.done, "mask "+files[0])
	return nil, b.fail
}

func (b *fakeBus) UnmaskUnitFilesContext(_ context.Context, files []string, runtime bool) ([]sd.UnmaskUnitFileChange, error) {
	b.done, b.runtimes = append(b.done, "unmask "+files[0]), append(b.runtimes, runtime)
	return nil, b.fail
}

func (b *fakeBus) job(verb, name string, ch chan<- string) (int, error) {
	b.done = append(b.done, verb+" "+name)
	if b.fail != nil {
		return 0, b.fail
	}
	if _, ok := b.units[name]; !ok {
		return 0, noSuchUnit
	}
	if b.result != "" {
		ch <- b.result
	}
	return 1, nil
}

func (b *fakeBus) StartUnitContext(_ context.Context, name, _ string, ch chan<- string) (int, error) {
	return b.job("start", name, ch)
}

func (b *fakeBus) StopUnitContext(_ context.Context, name, _ string, ch chan<- string) (int, error) {
	return b.job("stop", name, ch)
}

func (b *fakeBus) RestartUnitContext(_ context.Context, name, _ string, ch chan<- string) (int, error) {
	return b.job("restart", name, ch)
}

func (b *fakeBus) ResetFailedUnitContext(_ context.Context, name string) error {
	b.done = append(b.done, "reset-failed "+name)
	return noSuchUnit
}

func (b *fakeBus) ReloadContext(context.Context) error {
	b.done = append(b.done, "reload")
	return b.fail
}

func (b *fakeBus) GetUnitPropertiesContext(_ context.Context, unit string) (map[string]any, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked = append(b.asked, unit)
	return b.units[unit], b.fail
}

func (b *fakeBus) GetUnitTypePropertiesContext(_ context.Context, unit, _ string) (map[string]any, error) {
	return b.units[unit], b.fail
}

func (b *fakeBus) Connected() bool { return !b.lost }
func (b *fakeBus) Close()          {}

const falco = "falco-modern-bpf.service"

// properties returns the properties of a running unit as systemd 252 reports them.
func properties() map[string]any {
	return map[string]any{
		"Id": falco, "LoadState": "loaded", "ActiveState": "active", "SubState": "running",
		"DropInPaths":  []string{"/etc/systemd/system/" + falco + ".d/a.conf"},
		"FragmentPath": "/usr/lib/systemd/system/" + falco,
		"UMask":        uint32(0o77), "Group": "adm", "PrivateTmp": true,
		"NeedDaemonReload": true,
		"InvocationID":     []byte{0x0a, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
		"MainPID":          uint32(42), "NRestarts": uint32(3), "Result": "success", "ExecMainStatus": int32(1),
		"ExecMainStartTimestamp": uint64(1_768_900_000_000_000),
		"ExecStart":              [][]any{{"/usr/bin/falco", []string{"/usr/bin/falco", "-o", "engine.kind=modern_ebpf"}, false}},
		"Environment":            []string{"LD_PRELOAD=/lib64/libresolv.so.2"},
		"EnvironmentFiles":       [][]any{{"/etc/sysconfig/falco", true}},
	}
}

func TestFromProperties(t *testing.T) {
	full := Unit{
		UMask: 0o77, Group: "adm", Sandbox: Sandbox{PrivateTmp: true}, Fragment: "/usr/lib/systemd/system/" + falco,
		Name: "falco.service", ID: falco, LoadState: "loaded", ActiveState: "active", SubState: "running", UnitFileState: "alias",
		DropIns: []string{"/etc/systemd/system/" + falco + ".d/a.conf"}, NeedReload: true,
		MainPID: 42, InvocationID: "0a0102030405060708090a0b0c0d0e0f", NRestarts: 3, Result: "success", ExecStatus: 1,
		Started:   time.Unix(1_768_900_000, 0),
		ExecStart: []string{"/usr/bin/falco", "-o", "engine.kind=modern_ebpf"}, Environment: []string{"LD_PRELOAD=/lib64/libresolv.so.2"},
		EnvironmentFiles: []string{"/etc/sysconfig/falco"},
	}
	with := func(change func(p map[string]any)) map[string]any {
		p := properties()
		change(p)
		return p
	}
	tests := []struct {
		name       string
		properties map[string]any
		want       func(*Unit)
	}{
		{"systemd 252", properties(), func(*Unit) {}},
		{"no NRestarts before 235", with(func(p map[string]any) { delete(p, "NRestarts") }), func(u *Unit) { u.NRestarts = -1 }},
		{"never ran", with(func(p map[string]any) {
			p["InvocationID"], p["ExecMainStartTimestamp"] = []byte{}, uint64(0)
		}), func(u *Unit) { u.InvocationID, u.Started = "", time.Time{} }},
		{"an invocation of zeroes", with(func(p map[string]any) { p["InvocationID"] = make([]byte, 16) }), func(u *Unit) { u.InvocationID = "" }},
		{"no umask", with(func(p map[string]any) { delete(p, "UMask") }), func(u *Unit) { u.UMask = -1 }},
		{"no command", with(func(p map[string]any) { p["ExecStart"] = [][]any{} }), func(u *Unit) { u.ExecStart = nil }},
		{"a property of another type", with(func(p map[string]any) { p["MainPID"] = "42" }), func(u *Unit) { u.MainPID = 0 }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := full
			tt.want(&want)
			if d := cmp.Diff(want, fromProperties("falco.service", "alias", tt.properties, tt.properties)); d != "" {
				t.Errorf("fromProperties (-want +got):\n%s", d)
			}
		})
	}
}

// systemd 219 has no InvocationID: two starts must still have different ids.
func TestInvocationOfOldSystemd(t *testing.T) {
	p := properties()
	delete(p, "InvocationID")
	first := fromProperties(falco, "enabled", p, p).InvocationID
	if again := fromProperties("falco.service", "alias", p, p).InvocationID; len(first) != 32 || again != first {
		t.Errorf("the same start is %q, then %q", first, again)
	}
	p["ExecMainStartTimestamp"] = uint64(1_768_900_001_000_000)
	if next := fromProperties(falco, "enabled", p, p).InvocationID; next == first {
		t.Errorf("two starts are both %q", next)
	}
}

func TestUnits(t *testing.T) {
	b := &fakeBus{
		units:  map[string]map[string]any{falco: properties(), "gone.service": {"Id": "gone.service", "LoadState": "not-found", "ActiveState": "active"}},
		states: map[string]string{falco: "enabled"},
	}
	c := &Conn{bus: b, files: b}
	got, err := c.Units(t.Context(), falco, "none.service", "gone.service")
	if err != nil {
		t.Fatal(err)
	}
	if u := got[falco]; !u.Running() || !u.Enabled() || !u.Exists() {
		t.Errorf("%s = %+v, want enabled and running", falco, u)
	}
	if u := got["none.service"]; u.Exists() || u.UnitFileState != "" || u.NRestarts != -1 || u.Name != "none.service" {
		t.Errorf("none.service = %+v, want a unit that does not exist", u)
	}
	if u := got["gone.service"]; u.ActiveState != "active" {
		t.Errorf("gone.service = %+v, want a unit that runs without a file", u)
	}
	if len(b.asked) != 2 {
		t.Errorf("loaded %v, want none.service left alone", b.asked)
	}
	b.fail = dbus.Error{Name: "org.freedesktop.DBus.Error.AccessDenied"}
	if _, err := c.Units(t.Context(), falco); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("Units = %v, want %v", err, fs.ErrPermission)
	}
}

func TestJobs(t *testing.T) {
	tests := []struct {
		name, unit, result string
		do                 func(*Conn, context.Context, string) error
		want               string // of the JobError; "" is success
		done               []string
	}{
		{name: "start", unit: falco, result: "done", do: (*Conn).Start, done: []string{"reset-failed " + falco, "start " + falco}},
		{name: "restart that fails", unit: falco, result: "failed", do: (*Conn).Restart, want: "failed", done: []string{"reset-failed " + falco, "restart " + falco}},
		{name: "stop that times out", unit: falco, result: "timeout", do: (*Conn).Stop, want: "timeout", done: []string{"stop " + falco}},
		{name: "stop a unit that does not exist", unit: "none.service", do: (*Conn).Stop, done: []string{"stop none.service"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := &fakeBus{units: map[string]map[string]any{falco: properties()}, result: tt.result}
			err := tt.do(&Conn{bus: b, files: b}, t.Context(), tt.unit)
			var job *JobError
			if errors.As(err, &job) != (tt.want != "") || job != nil && (job.Result != tt.want || job.Unit != tt.unit) || tt.want == "" && err != nil {
				t.Errorf("got %v, want a job that ended as %q", err, tt.want)
			}
			if d := cmp.Diff(tt.done, b.done); d != "" {
				t.Errorf("done (-want +got):\n%s", d)
			}
		})
	}
	b := &fakeBus{}
	if err := (&Conn{bus: b, files: b}).Start(t.Context(), "none.service"); err == nil {
		t.Error("Start of a unit that does not exist succeeds")
	}
}

// Waiting for a job that never finishes ends with the context, or when the
// connection is lost.
func TestJobsAreBounded(t *testing.T) {
	b := &fakeBus{units: map[string]map[string]any{falco: properties()}}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := (&Conn{bus: b, files: b}).Start(ctx, falco); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Start = %v, want %v", err, context.DeadlineExceeded)
	}
	b.lost = true
	if err := (&Conn{bus: b, files: b}).Start(t.Context(), falco); !errors.Is(err, errLost) {
		t.Errorf("Start = %v, want %v", err, errLost)
	}
}

func TestUnitFiles(t *testing.T) {
	tests := []struct {
		name string
		unit string
		do   func(*Conn, context.Context, string) error
		want error
		done []string
	}{
		{name: "enable", unit: falco, do: (*Conn).Enable, done: []string{"enable " + falco, "reload"}},
		{name: "enable a static unit", unit: "static.service", do: (*Conn).Enable, want: errNoInstall, done: []string{"enable static.service"}},
		{name: "disable", unit: falco, do: (*Conn).Disable, done: []string{"disable " + falco, "disable " + falco, "reload"}},
		{name: "disable a unit that does not exist", unit: "none.service", do: (*Conn).Disable, done: []string{"disable none.service", "disable none.service", "reload"}},
		{name: "mask", unit: falco, do: (*Conn).Mask, done: []string{"mask " + falco, "reload"}},
		{name: "unmask", unit: falco, do: (*Conn).Unmask, done: []string{"unmask " + falco, "unmask " + falco, "reload"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := &fakeBus{install: map[string]bool{falco: true}, states: map[string]string{falco: "disabled"}}
			c := &Conn{bus: b, files: b}
			if err := tt.do(c, t.Context(), tt.unit); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			if d := cmp.Diff(tt.done, b.done); d != "" {
				t.Errorf("done (-want +got):\n%s", d)
			}
			if len(b.runtimes) == 2 && b.runtimes[0] == b.runtimes[1] {
				t.Error("both calls were for the same kind of links")
			}
			b.fail = errors.New("refused")
			if err := tt.do(c, t.Context(), falco); !errors.Is(err, b.fail) {
				t.Errorf("got %v, want %v", err, b.fail)
			}
		})
	}
}

func TestConnectWithoutSystemd(t *testing.T) {
	if _, err := os.Stat("/run/systemd/system"); err == nil {
		t.Skip("systemd runs here")
	}
	if _, err := Connect(t.Context()); !errors.Is(err, errNotBooted) {
		t.Errorf("Connect = %v, want %v", err, errNotBooted)
	}
}

// A file where an alias belongs does not keep a unit from being enabled.
func TestEnableBesideAFile(t *testing.T) {
	for state, enabled := range map[string]bool{"enabled": true, "disabled": false} {
		taken := dbus.Error{Name: "org.freedesktop.systemd1.UnitExists"}
		b := &fakeBus{install: map[string]bool{falco: true}, states: map[string]string{falco: state}, enableFail: taken}
		if err := (&Conn{bus: b, files: b}).Enable(t.Context(), falco); (err == nil) != enabled {
			t.Errorf("Enable of a unit that is %s after %v = %v", state, taken, err)
		}
	}
}

// TestNode takes a unit through its life in the test node, where systemd is PID 1.
func TestNode(t *testing.T) {
	if os.Getenv("FALCO_BOOTSTRAP_IN_NODE") == "" {
		t.Skip("needs a machine that it may change: FALCO_BOOTSTRAP_IN_NODE is not set")
	}
	const unit, path = "falco-bootstrap-test.service", "/etc/systemd/system/falco-bootstrap-test.service"
	content := "[Service]\nExecStart=/bin/sleep 1000\nEnvironment=A=b\n[Install]\nWantedBy=multi-user.target\n"
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	t.Cleanup(func() { _ = os.Remove(path) })
	look := func() Unit {
		t.Helper()
		units, err := c.Units(t.Context(), unit)
		if err != nil {
			t.Fatal(err)
		}
		return units[unit]
	}
	must := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	must("Reload", c.Reload(t.Context()))
	for range 2 { // the second time nothing changes
		must("Enable", c.Enable(t.Context(), unit))
		must("Start", c.Start(t.Context(), unit))
	}
	u := look()
	if !u.Enabled() || !u.Running() || u.MainPID == 0 || len(u.InvocationID) != 32 || u.Started.IsZero() {
		t.Errorf("%+v, want enabled and running", u)
	}
	if d := cmp.Diff([][]string{{"/bin/sleep", "1000"}, {"A=b"}}, [][]string{u.ExecStart, u.Environment}); d != "" {
		t.Errorf("ExecStart, Environment (-want +got):\n%s", d)
	}
	must("Restart", c.Restart(t.Context(), unit))
	if again := look(); again.InvocationID == u.InvocationID || again.MainPID == u.MainPID {
		t.Errorf("after a restart it is still %s, process %d", again.InvocationID, again.MainPID)
	}
	must("Stop", c.Stop(t.Context(), unit))
	must("Disable", c.Disable(t.Context(), unit))
	if u := look(); u.Enabled() || u.Running() {
		t.Errorf("%+v, want disabled and stopped", u)
	}
	must("Stop of nothing", c.Stop(t.Context(), "falco-bootstrap-none.service"))
	if units, err := c.Units(t.Context(), "falco-bootstrap-none.service"); err != nil || units["falco-bootstrap-none.service"].Exists() {
		t.Errorf("Units of nothing = %+v, %v", units, err)
	}
	must("Mask", c.Mask(t.Context(), "falco-bootstrap-none.service"))
	if units, err := c.Units(t.Context(), "falco-bootstrap-none.service"); err != nil || units["falco-bootstrap-none.service"].UnitFileState != "masked" {
		t.Errorf("a masked unit = %+v, %v", units, err)
	}
	if err := c.Start(t.Context(), "falco-bootstrap-none.service"); err == nil {
		t.Error("a masked unit starts")
	}
	must("Unmask", c.Unmask(t.Context(), "falco-bootstrap-none.service"))
}

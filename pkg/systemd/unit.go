// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Package systemd is a small client of systemd's manager over D-Bus: it reads
// the state of units and changes them one named unit at a time.
//
// It reads the result of every job, so that a unit which fails to start is an
// error, and every call has its own time limit besides its context. It speaks
// to systemd 219 (Oracle Linux 7) and later: a field that an old one does not
// report has a documented value.
//
// Where a property comes from, systemd does not say: [Assignments] and its like
// find the line in unit files that the caller has read.
//
// It starts no program, opens no unit file, and knows nothing of Falco: the
// caller decides which unit to enable, and which others to disable first. User
// managers and remote machines are out of scope.
package systemd

import "time"

// A Unit is the state of one unit in systemd. A unit that does not exist has the
// LoadState "not-found" and an empty UnitFileState.
type Unit struct {
	Name          string   // the name asked for
	ID            string   // the unit's own name: differs from Name for an alias
	Names         []string // all its names
	LoadState     string   // loaded, not-found, masked, error, bad-setting
	ActiveState   string   // active, activating, deactivating, inactive, failed
	SubState      string   // running, dead, auto-restart, ...
	UnitFileState string   // enabled, disabled, static, masked, alias, linked, ...
	Fragment      string   // path of its file; empty if it has none
	DropIns       []string // paths of its drop-ins, in order
	NeedReload    bool     // the files changed since systemd read them
	MainPID       int
	InvocationID  string    // 32 hex digits; empty if it never ran since boot
	NRestarts     int       // automatic restarts; -1 where systemd does not say (before 235)
	Result        string    // success, exit-code, signal, timeout, ...
	ExecStatus    int       // exit status or signal of the last main process
	Started       time.Time // when the main process started; zero if never
	ExecStart     []string  // argv of the main command
	Environment   []string  // KEY=VALUE, drop-ins included
	UMask         int       // of its processes; -1 if systemd does not say
	User, Group   string    // as the unit names them; empty for root
	Sandbox       Sandbox
	Requires      []string // units without which it is not started
	// EnvironmentFiles are paths or patterns of files with more of Environment,
	// which win over it; systemd reads them when it starts the unit.
	EnvironmentFiles []string
}

// Exists reports whether the unit exists.
func (u Unit) Exists() bool { return u.LoadState != "" && u.LoadState != "not-found" }

// Enabled reports whether the unit starts at boot.
func (u Unit) Enabled() bool {
	return u.UnitFileState == "enabled" || u.UnitFileState == "enabled-runtime"
}

// Running reports whether the unit is active and its main process runs.
func (u Unit) Running() bool { return u.ActiveState == "active" && u.SubState == "running" }

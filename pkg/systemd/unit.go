// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package systemd

import "time"

// Unit is what systemd says of one unit. A unit that does not exist has
// LoadState "not-found" and an empty UnitFileState.
type Unit struct {
	Name          string   // the name asked for
	ID            string   // the unit's own name: differs from Name for an alias
	LoadState     string   // loaded, not-found, masked, error, bad-setting
	ActiveState   string   // active, activating, deactivating, inactive, failed
	SubState      string   // running, dead, auto-restart, ...
	UnitFileState string   // enabled, disabled, static, masked, alias, linked, ...
	FragmentPath  string   // the unit file
	DropIns       []string // paths of its drop-ins, in order
	NeedReload    bool     // the files changed since systemd read them
	MainPID       int
	InvocationID  string    // 32 hex digits; empty if it never ran since boot
	NRestarts     int       // automatic restarts; -1 where systemd does not say (before 235)
	Result        string    // success, exit-code, signal, timeout, ...
	ExecStatus    int       // exit status or signal of the last main process
	Started       time.Time // when the main process started; zero if never
	ActiveSince   time.Time // when it became active; zero if never
	ExecStart     []string  // argv of the main command
	Environment   []string  // KEY=VALUE, drop-ins included
}

// Exists reports whether there is such a unit on the node.
func (u Unit) Exists() bool { return u.LoadState != "" && u.LoadState != "not-found" }

// Enabled reports whether the unit starts at boot.
func (u Unit) Enabled() bool {
	return u.UnitFileState == "enabled" || u.UnitFileState == "enabled-runtime"
}

// Running reports whether the unit is active and its main process runs.
func (u Unit) Running() bool { return u.ActiveState == "active" && u.SubState == "running" }

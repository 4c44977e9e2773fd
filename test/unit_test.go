// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"strconv"
	"strings"
)

// A Unit is the state of one unit, in systemd's terms.
type Unit struct {
	LoadState, ActiveState, SubState, UnitFileState string
	InvocationID, Result, FragmentPath, DropInPaths string
	MainPID, NRestarts                              int
}

// Running reports whether the unit is active with a process in it.
func (u Unit) Running() bool { return u.ActiveState == "active" && u.SubState == "running" }

// Unit asks systemd for a unit's state.
func (n *Node) Unit(name string) Unit {
	n.t.Helper()
	r := n.Exec("systemctl", "show", name, "--property",
		"LoadState,ActiveState,SubState,UnitFileState,InvocationID,Result,FragmentPath,DropInPaths,MainPID,NRestarts")
	if r.Exit != 0 {
		n.t.Fatalf("asking for %s: %v", name, r)
	}
	v := properties(r.Stdout)
	pid, _ := strconv.Atoi(v["MainPID"])
	restarts, _ := strconv.Atoi(v["NRestarts"])
	return Unit{
		LoadState: v["LoadState"], ActiveState: v["ActiveState"], SubState: v["SubState"],
		UnitFileState: v["UnitFileState"], InvocationID: v["InvocationID"], Result: v["Result"],
		FragmentPath: v["FragmentPath"], DropInPaths: v["DropInPaths"], MainPID: pid, NRestarts: restarts,
	}
}

// properties reads lines of NAME=VALUE.
func properties(text string) map[string]string {
	m := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimRight(line, "\n"), "="); ok {
			m[name] = value
		}
	}
	return m
}

// FalcoUnits returns whether each Falco unit is enabled, in systemd's terms, by name.
func (n *Node) FalcoUnits() map[string]string {
	n.t.Helper()
	units := map[string]string{}
	for line := range strings.Lines(n.Must("systemctl list-unit-files --no-legend --no-pager 'falco*'")) {
		if f := strings.Fields(line); len(f) >= 2 {
			units[f[0]] = f[1]
		}
	}
	return units
}

// DnfHistory returns the number of transactions in dnf's history.
func (n *Node) DnfHistory() int {
	n.t.Helper()
	out := n.Must(`python3 - <<'END'
import os, sqlite3
path = "/var/lib/dnf/history.sqlite"
if not os.path.exists(path):
    print(0)
else:
    db = sqlite3.connect("file:" + path + "?mode=ro&immutable=1", uri=True)
    print(db.execute("select count(*) from trans").fetchone()[0])
END`)
	count, err := strconv.Atoi(strings.TrimSpace(out))
	if err != nil {
		n.t.Fatalf("counting dnf's transactions: %v", err)
	}
	return count
}

// Installed returns the installed packages as rpm names them, without epoch. It
// asks as nobody, because root's queries write to the directory of rpm's database.
func (n *Node) Installed(patterns ...string) []string {
	n.t.Helper()
	return strings.Fields(n.Must("setpriv --reuid 65534 --regid 65534 --clear-groups rpm -qa '" + strings.Join(patterns, "' '") + "' | sort"))
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

import "time"

// Paths of the agent's own, on the node.
const (
	// LockPath is the lock of a run that changes the node. It is never
	// removed: a second file of the name would be a second lock.
	LockPath = "/run/falco-bootstrap.lock"
	// StateDir holds what the agent remembers, for root alone.
	StateDir = "/var/lib/falco-bootstrap"
)

// Options say which node is looked at or changed.
type Options struct {
	// Root is the tree to act on; empty or "/" is this machine.
	Root string
	// Kernel is a kernel release to speak of instead of the running one.
	Kernel string
	// Progress, if set, is told what takes its time and what was met on the
	// way. It may be called from several goroutines.
	Progress func(Progress)

	// tools are the machine's programs; tests bring their own.
	tools *tools
}

// Progress is news of a change under way, for a person.
type Progress struct {
	// Message is one line, lower case, no secrets.
	Message string
	// Elapsed is how long the change has taken so far.
	Elapsed time.Duration
	// Warning says that it is worth more attention than a sign of life.
	Warning bool
}

func (o Options) tell(p Progress) {
	if o.Progress != nil {
		o.Progress(p)
	}
}

func (o Options) programs() tools {
	if o.tools != nil {
		return *o.tools
	}
	return machineTools()
}

// tools are where the machine keeps what this package runs and reads besides
// the node's files.
type tools struct {
	rpm        []string // the program, and what always follows it
	dnf        []string // candidates, the first that is there is used
	falco      string
	restorecon string
	journalctl string
	proc       string // /proc
	sys        string // /sys
	secret     string // the file that a probe opens
	booted     string // the folder that is there when systemd is PID 1
	pause      pause
}

// A pause is how long to wait between tries; tests wait less.
type pause struct{ first, most time.Duration }

func machineTools() tools {
	return tools{
		rpm:        []string{"/usr/bin/rpm"},
		dnf:        []string{"/usr/bin/dnf", "/usr/bin/yum"},
		falco:      "/usr/bin/falco",
		restorecon: "/usr/sbin/restorecon",
		journalctl: "/usr/bin/journalctl",
		proc:       "/proc",
		sys:        "/sys",
		secret:     "/etc/shadow",
		booted:     "/run/systemd/system",
		pause:      pause{first: 2 * time.Second, most: 30 * time.Second},
	}
}

// rpmArgs is the command line of rpm with args.
func (t tools) rpmArgs(args ...string) []string {
	return append(append([]string(nil), t.rpm...), args...)
}

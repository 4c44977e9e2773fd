// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"cmp"
	"context"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/alert"
	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
	"github.com/falco-bootstrap/falco-bootstrap/internal/files"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/pkgmgr"
)

// LockPath is the lock of a run that changes the node. It is never removed: a
// second file of that name would be a second lock.
const LockPath = "/run/falco-bootstrap.lock"

// Options say which node to read or change.
type Options struct {
	// Root is the tree to act on; empty or "/" is this machine.
	Root string
	// Kernel is a kernel release to use instead of the running one.
	Kernel string
	// Removing means that what the agent has put on the node is taken back: nothing new
	// is written into the ledger.
	Removing bool
	// Progress, if set, is called with the progress of a change. It may be
	// called from several goroutines.
	Progress func(node.Progress)

	// tools are the machine's programs; tests set their own.
	tools *tools
}

func (o Options) tell(p node.Progress) {
	if o.Progress != nil {
		o.Progress(p)
	}
}

// tools are the paths of what this package runs and reads besides the node's
// files.
type tools struct {
	rpm        []string // the program and its fixed arguments
	falco      string
	restorecon string
	proc, sys  string // /proc and /sys
	booted     string // a directory that exists if systemd is PID 1
}

func (o Options) programs() tools {
	if o.tools != nil {
		return *o.tools
	}
	return tools{
		rpm: []string{"/usr/bin/rpm"}, falco: falco.Program, restorecon: "/usr/sbin/restorecon",
		proc: "/proc", sys: "/sys", booted: "/run/systemd/system",
	}
}

func (o Options) packages(t files.Tree) *pkgmgr.Manager {
	m := pkgmgr.New(t, o.tell)
	m.RPM, m.Kernel, m.Also = o.programs().rpm, cmp.Or(o.Kernel, runningKernel()), installedBefore(t)
	return m
}

// Watch waits for an alert from this node's Falco; see [alert.Watch].
func Watch(ctx context.Context, opts Options, p alert.Probe) (node.Seen, error) {
	t, err := files.NewTree(opts.Root)
	if err != nil {
		return node.Seen{}, err
	}
	if p.Dir, err = files.MakeStateDir(t); err != nil {
		return node.Seen{}, err
	}
	return alert.Watch(ctx, p)
}

// Await waits for a line of the alert log of this node; see [alert.Await].
func Await(ctx context.Context, opts Options, log string, within time.Duration, matches func([]byte) bool) ([]byte, error) {
	t, err := files.NewTree(opts.Root)
	if err == nil {
		log, err = t.Locate(log)
	}
	if err != nil {
		return nil, err
	}
	return alert.Await(ctx, log, within, matches)
}

// Collect fills a directory with what a node without a network needs; see
// [pkgmgr.Manager.Collect].
func Collect(ctx context.Context, opts Options, o pkgmgr.BundleOrder) (node.Bundle, error) {
	return opts.packages(files.Tree{}).Collect(ctx, o)
}

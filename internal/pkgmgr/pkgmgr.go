// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Package pkgmgr asks rpm what is installed, installs packages with dnf (yum on
// Oracle Linux 7), and checks signing keys and local packages against pinned
// fingerprints before it imports or installs them. A transient failure, such as
// a held lock or a network that is not up yet, is tried again; any other is an
// error at once, with the exit status and the hint for its cause.
//
// The package does not decide which packages or keys a node needs, and it
// changes no repository file.
package pkgmgr

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/files"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

// A Manager reads and changes the packages of this machine.
type Manager struct {
	// RPM is the program and its fixed arguments.
	RPM []string
	// Kernel is the release of the kernel whose headers matter; "" if none do.
	Kernel string
	// Also are names of more packages that matter.
	Also []string
	// DNF are candidates for dnf or yum; the first that exists is used.
	DNF []string
	// Tree holds the files that changes name.
	Tree files.Tree
	// Tell is called with the progress of a change.
	Tell func(node.Progress)
	// Write writes a key file.
	Write func(context.Context, node.WriteFile) error
	// FirstPause is how long to wait before a second try; each further pause is
	// twice as long, up to LongestPause.
	FirstPause, LongestPause time.Duration
}

// New returns the Manager of this machine. The caller must set Write.
func New(t files.Tree, tell func(node.Progress)) *Manager {
	return &Manager{
		RPM: []string{"/usr/bin/rpm"}, DNF: []string{"/usr/bin/dnf", "/usr/bin/yum"}, Tree: t, Tell: tell,
		FirstPause: 2 * time.Second, LongestPause: 30 * time.Second,
	}
}

// pauses returns a function that makes the next pause between the tries of one
// change and reports whether ctx outlasted it. Each pause is shortened at random
// by up to half, so that a thousand nodes that boot together do not try again
// together.
func (m *Manager) pauses() func(context.Context) bool {
	next := m.FirstPause
	return func(ctx context.Context) bool {
		d := next/2 + time.Duration(rand.Int64N(int64(next/2)+1))
		next = min(2*next, m.LongestPause)
		return sleep(ctx, d)
	}
}

// sleep reports whether ctx outlasted d.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// warn reports a warning as progress.
func (m *Manager) warn(message string) { m.Tell(node.Progress{Message: message, Warning: true}) }

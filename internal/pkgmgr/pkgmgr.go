// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Package pkgmgr asks rpm what is installed, installs packages with dnf (yum on
// Oracle Linux 7), and brings signing keys and local packages to a node after
// it has checked them against pinned fingerprints. A transient failure, such as
// a held lock or a network that is not up yet, is tried again; any other is an
// error at once, with the exit status and the hint of its cause.
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

// A Manager asks and changes the packages of this machine.
type Manager struct {
	// RPM is the program and what always follows it.
	RPM []string
	// DNF are candidates for dnf or yum; the first that exists is used.
	DNF []string
	// Tree holds the files that changes name.
	Tree files.Tree
	// Tell receives news of a change under way.
	Tell func(node.Progress)
	// Write writes a key file.
	Write func(context.Context, node.WriteFile) error
	// FirstPause is how long to wait before a second try; each further pause is
	// twice as long, up to LongestPause.
	FirstPause, LongestPause time.Duration
}

// New returns the Manager of this machine, which still needs a Write.
func New(t files.Tree, tell func(node.Progress)) *Manager {
	return &Manager{
		RPM: []string{"/usr/bin/rpm"}, DNF: []string{"/usr/bin/dnf", "/usr/bin/yum"}, Tree: t, Tell: tell,
		FirstPause: 2 * time.Second, LongestPause: 30 * time.Second,
	}
}

// pauses returns a function that makes the next pause between the tries of one
// change and reports whether ctx outlasted it. It takes between half of the
// pause and all of it, so that a thousand nodes that boot at once do not come
// back at once.
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

// warn tells of something that deserves attention.
func (m *Manager) warn(message string) { m.Tell(node.Progress{Message: message, Warning: true}) }

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package converge

import (
	"io/fs"
	"strings"
	"time"
)

// A Change is one thing to do to the node, as data. Every kind is listed in
// [Apply]; the linter holds every switch over it complete.
//
//sumtype:decl
type Change interface {
	// Class names the drift that the change mends.
	Class() Drift
	// String is one line for logs: what is done to what, no secrets.
	String() string
	change()
}

// WriteFile replaces a file whole, or makes it. Mode, owner, label and
// extended attributes of an existing file stay as they are.
type WriteFile struct {
	Path string
	// Old is what the file holds now; nil if it is absent.
	Old []byte
	New []byte
	// Mode is for a file that does not exist yet.
	Mode fs.FileMode
	// Check, if set, is Falco's verdict to be asked on New before the swap.
	Check *FalcoCheck
	Drift Drift
	Why   string
}

// FalcoCheck says how the installed Falco is asked about a candidate
// falco.yaml.
type FalcoCheck struct {
	// Version is the installed Falco's, plain, such as "0.44.1".
	Version string
	// Preload is the LD_PRELOAD that Falco needs to start, or empty.
	Preload string
}

// RemoveFile removes a file. One that is gone already is success.
type RemoveFile struct {
	Path  string
	Old   []byte
	Drift Drift
	Why   string
}

// Chmod sets permission bits.
type Chmod struct {
	Path     string
	Old, New fs.FileMode
	Drift    Drift
	Why      string
}

// Chgrp sets a file's group.
type Chgrp struct {
	Path     string
	Old, New string // names, or numbers where there is none
	GID      int    // of New
	Drift    Drift
	Why      string
}

// Target is one package of a transaction.
type Target struct {
	Name string
	// Spec is what dnf is asked for, such as "falco-0.44.1", "falco <= 0.39.2"
	// or the path of a local package.
	Spec string
	// Old and New are versions for the report: empty Old means absent, empty
	// New means the newest that fits.
	Old, New string
}

// Install is one package transaction.
type Install struct {
	Targets []Target
	// Action is dnf's verb: install, downgrade, reinstall or remove. An
	// install of an exact older version is a downgrade to yum on OL7 only.
	Action string
	// Repositories are the ids, or globs of ids, that are used; all others are
	// left out. Empty means every enabled one.
	Repositories []string
	// Exclude are package patterns never to be chosen.
	Exclude []string
	// Fingerprints, if set, are those that local packages among the targets
	// must be signed by, with the keys in KeyFile; it is checked before dnf is
	// called.
	Fingerprints []string
	KeyFile      string
	// Await, if set, is what fills in the repositories' addresses at boot.
	Await *Await
	// NoScripts skips scriptlets, for a package whose own stop it from going.
	NoScripts bool
	Drift     Drift
	Why       string
}

// Await is something else on the node that has to be done first. It is waited
// for at most Limit; what comes of it then is the transaction's to say.
type Await struct {
	// Files are its signs: one of them there is enough.
	Files []string
	// What is at work, for the log.
	What  string
	Limit time.Duration
}

// ImportKey fetches a key, checks it against the pinned fingerprints, writes
// it to Path, and imports it into rpm's database.
type ImportKey struct {
	// URL is https://, file:// or a plain path; http:// only if Insecure.
	URL          string
	Insecure     bool
	Fingerprints []string
	Path         string
	Drift        Drift
	Why          string
}

// RemoveKey drops a public key from rpm's database.
type RemoveKey struct {
	// Package is rpm's name of it: gpg-pubkey-VERSION-RELEASE.
	Package     string
	Fingerprint string
	Drift       Drift
	Why         string
}

// BuildModule builds Falco's kernel module for a kernel.
type BuildModule struct {
	Kernel string
	// Commands are run in order, absolute paths, bounded by Timeout each.
	Commands [][]string
	// Path is a PATH prefix such as a gcc toolset's bin folder, or empty.
	Path    string
	Timeout time.Duration
	Drift   Drift
	Why     string
}

// UnitAction is what is done to a unit.
type UnitAction string

// The unit actions.
const (
	Enable  UnitAction = "enable"
	Disable UnitAction = "disable"
	Mask    UnitAction = "mask"
	Unmask  UnitAction = "unmask"
	Start   UnitAction = "start"
	Stop    UnitAction = "stop"
	Restart UnitAction = "restart"
	// ReloadManager has systemd read its unit files again; Unit names the one
	// that asked for it.
	ReloadManager UnitAction = "daemon-reload"
)

// ChangeUnit changes a systemd unit.
type ChangeUnit struct {
	Unit   string
	Action UnitAction
	// From and To say the state for the report, such as "disabled" and
	// "enabled".
	From, To string
	Drift    Drift
	Why      string
}

// Prove opens a sensitive file and waits until Falco reports just that in its
// log. It is a probe: it leaves the node as it is but for the alert.
type Prove struct {
	Unit string
	// Invocation is the unit's InvocationID that is to be proven.
	Invocation string
	// Log is the declared alert log.
	Log string
	// Settle is how long a process must stand unchanged to count as running
	// when no alert comes.
	Settle time.Duration
	// Version and Preload serve to ask Falco why it does not stand.
	Check FalcoCheck
}

func (WriteFile) change()   {}
func (RemoveFile) change()  {}
func (Chmod) change()       {}
func (Chgrp) change()       {}
func (Install) change()     {}
func (ImportKey) change()   {}
func (RemoveKey) change()   {}
func (BuildModule) change() {}
func (ChangeUnit) change()  {}
func (Prove) change()       {}

// Class implements [Change].
func (c WriteFile) Class() Drift { return c.Drift }

// Class implements [Change].
func (c RemoveFile) Class() Drift { return c.Drift }

// Class implements [Change].
func (c Chmod) Class() Drift { return c.Drift }

// Class implements [Change].
func (c Chgrp) Class() Drift { return c.Drift }

// Class implements [Change].
func (c Install) Class() Drift { return c.Drift }

// Class implements [Change].
func (c ImportKey) Class() Drift { return c.Drift }

// Class implements [Change].
func (c RemoveKey) Class() Drift { return c.Drift }

// Class implements [Change].
func (c BuildModule) Class() Drift { return c.Drift }

// Class implements [Change].
func (c ChangeUnit) Class() Drift { return c.Drift }

// Class implements [Change].
func (Prove) Class() Drift { return "" }

// String implements [Change].
func (c WriteFile) String() string {
	if c.Old == nil {
		return "write " + c.Path
	}
	return "edit " + c.Path
}

// String implements [Change].
func (c RemoveFile) String() string { return "remove " + c.Path }

// String implements [Change].
func (c Chmod) String() string { return "set the mode of " + c.Path + " to " + c.New.String() }

// String implements [Change].
func (c Chgrp) String() string { return "set the group of " + c.Path + " to " + c.New }

// String implements [Change].
func (c Install) String() string {
	names := make([]string, 0, len(c.Targets))
	for _, t := range c.Targets {
		names = append(names, t.Spec)
	}
	line := c.Action + " " + strings.Join(names, ", ")
	if c.NoScripts {
		line += " without its scripts"
	}
	return line
}

// String implements [Change].
func (c ImportKey) String() string { return "import the key " + strings.Join(c.Fingerprints, ", ") }

// String implements [Change].
func (c RemoveKey) String() string { return "remove the key " + c.Package }

// String implements [Change].
func (c BuildModule) String() string { return "build the kernel module for " + c.Kernel }

// String implements [Change].
func (c ChangeUnit) String() string {
	if c.Action == ReloadManager {
		return "reload systemd's unit files"
	}
	return string(c.Action) + " " + c.Unit
}

// String implements [Change].
func (c Prove) String() string { return "prove that " + c.Unit + " detects" }

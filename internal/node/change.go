// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"io/fs"
	"strings"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/pkg/falcoconf"
)

// A Change is one thing to do to the node, as data: the same value is shown in
// the report, written as JSON, and applied. The linter checks that every switch
// over the kinds of change is complete.
//
//sumtype:decl
type Change interface {
	// Class names the drift that the change mends.
	Class() Drift
	// String is one line for logs: what is done to what, without secrets.
	String() string
	sealed
}

// sealed is implemented in this package only.
type sealed interface{ change() }

// A Cause is what all changes share: the drift that they mend, and the reason in
// a few words.
type Cause struct {
	Drift Drift
	Why   string
}

// Because returns a Cause.
func Because(drift Drift, why string) Cause { return Cause{drift, why} }

// Class returns the drift that the change mends.
func (c Cause) Class() Drift { return c.Drift }

func (Cause) change() {}

// IsProbe reports whether a change leaves the node as it is. A probe needs a
// [Machine] but is never pending.
func IsProbe(c Change) bool {
	_, ok := c.(Prove)
	return ok
}

// WriteFile replaces a file whole, or creates it. An existing file keeps its
// mode, owner, label and extended attributes.
type WriteFile struct {
	Cause
	Path string
	// Old is the present content; nil if there is no file.
	Old []byte
	New []byte
	// Mode is for a file that does not exist yet.
	Mode fs.FileMode
	// Check, if set, has the installed Falco check New before the swap.
	Check *FalcoCheck
}

// FalcoCheck says how to have the installed Falco check its configuration: with
// what its unit starts it with.
type FalcoCheck struct {
	// Version is the version of the installed Falco, such as "0.44.1".
	Version string
	// Args are the arguments of the unit's command, without the program.
	Args []string
	// Env is the environment of the unit, as KEY=VALUE.
	Env []string
	// Rules, if set, are the rules files that Falco is to load in the place of
	// those that it is configured to load, in order.
	Rules []RulesFile
}

// RulesFile is a rules file as it is on disk, or as it will be.
type RulesFile struct {
	Path string
	// Content is what the file will hold; nil means as it is.
	Content []byte
}

// RemoveFile removes a file. It is not an error if there is none.
type RemoveFile struct {
	Cause
	Path string
	Old  []byte
}

// RemoveDir removes a directory that is empty. It is not an error if it is not, or if
// there is none.
type RemoveDir struct {
	Cause
	Path string
}

// Chmod sets a file's mode.
type Chmod struct {
	Cause
	Path     string
	Old, New fs.FileMode
}

// Chgrp sets a file's group.
type Chgrp struct {
	Cause
	Path     string
	Old, New string // names, or numbers where a group has no name
	GID      int    // of New
}

// Target is one package of a transaction.
type Target struct {
	Name string
	// Spec is what dnf is asked for, such as "falco-0.44.1", "falco <= 0.39.2"
	// or the path of a local package.
	Spec string
	// Provides, if set, are capabilities such as "kernel-devel-uname-r = R": dnf is
	// asked for a package with any of them, yum for Spec.
	Provides []string
	// Old and New are versions for the report: an empty Old means absent, an
	// empty New the newest that fits.
	Old, New string
	// File is the package that was checked and stands for Spec. A plan has none.
	File string
}

// Install is one package transaction.
type Install struct {
	Cause
	Targets []Target
	// Action is dnf's verb: install, reinstall or remove; or yum's downgrade,
	// which OL7 needs to install an older version.
	Action string
	// Repositories are the ids, or globs of ids, of the repositories to use;
	// no other is used. Empty means every enabled one.
	Repositories []string
	// Declared is the id of the repository whose address and keys the settings
	// declare, if it is among them. Falco comes from it and no other.
	Declared string
	// BaseURL is where Declared is: https://, http:// or file://. Whether its
	// metadata must be signed is RepoGPGCheck.
	BaseURL      string
	RepoGPGCheck bool
	// NeedsOthers says that Falco's own package requires the other targets.
	NeedsOthers bool
	// Exclude are patterns of packages that must not be chosen.
	Exclude []string
	// Fingerprints, if set, are the keys that may sign Falco and local packages;
	// KeyFile holds the keys. Each is checked before the transaction, in a
	// directory of root's alone, and that very file is installed.
	Fingerprints []string
	KeyFile      string
	// Await, if set, is what must set the variables in the repositories' URLs
	// at boot.
	Await *Await
	// Unneeded removes with a package what had come with it, unless others need it.
	Unneeded bool
	// NoScripts skips scriptlets, for a package that its own scriptlets keep
	// from being removed.
	NoScripts bool
}

// Await is something else on the node to wait for. After Limit the transaction
// goes ahead without it.
type Await struct {
	// Files are its marks: it is done once any one of them exists.
	Files []string
	// What names it in the log.
	What  string
	Limit time.Duration
}

// ImportKey fetches a signing key, checks it against the pinned fingerprints,
// writes it to Path, and imports it into rpm's database.
type ImportKey struct {
	Cause
	// URL is https://, file:// or a plain path; http:// only if Insecure.
	URL      string
	Insecure bool
	// Repository is the id of the repository that the key is for. Its proxy, or
	// that of dnf.conf, leads to the key too.
	Repository   string
	Fingerprints []string
	Path         string
	// Absent are the fingerprints that rpm's database does not have.
	Absent []string
}

// RemoveKey removes a public key from rpm's database.
type RemoveKey struct {
	Cause
	// Package is rpm's name for it: gpg-pubkey-VERSION-RELEASE.
	Package     string
	Fingerprint string
}

// BuildModule builds Falco's kernel module for a kernel.
type BuildModule struct {
	Cause
	Kernel string
	// Commands run in order, each bounded by Timeout; paths are absolute.
	Commands [][]string
	// Path is put in front of PATH, such as the bin directory of a gcc
	// toolset; it may be empty.
	Path    string
	Timeout time.Duration
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
	// ReloadManager makes systemd read its unit files again; Unit names the
	// unit that needs it.
	ReloadManager UnitAction = "daemon-reload"
)

// ChangeUnit changes a systemd unit.
type ChangeUnit struct {
	Cause
	Unit   string
	Action UnitAction
	// From and To are states for the report, such as "disabled" and "enabled".
	From, To string
	// Check, if set, has the installed Falco check what is on disk before it is
	// started in the place of a running one. If it refuses, nothing is done
	// ([CodeConfig]). The arguments and the environment are those that systemd
	// has for the unit then.
	Check *FalcoCheck
}

// Subject is the Falco to prove: its unit, its log, and how to have it check its
// configuration.
type Subject struct {
	Unit string
	// Log is the declared alert log; empty if none is declared.
	Log string
	// Check is how to find out why Falco does not run: its units discard its
	// standard error.
	Check FalcoCheck
}

// Prove opens a sensitive file and waits until Falco's alert about that appears in
// its log. It is a probe: it changes nothing on the node except for the alert.
type Prove struct {
	Cause
	Subject
	// Invocation is the InvocationID of the unit's start to prove; empty if an
	// earlier step of the same run has just started the unit.
	Invocation string
	// Settle is how long a process must run unchanged to count as running when
	// no alert appears.
	Settle time.Duration
	// Declared are the keys of falco.yaml that are declared.
	Declared []falcoconf.Setting
	// Package and Inputs are what the process was started from: Falco's NEVRA, and
	// the paths of the files that it reads.
	Package string
	Inputs  []string
}

func (c RemoveFile) String() string  { return "remove " + c.Path }
func (c RemoveDir) String() string   { return "remove " + c.Path }
func (c Chmod) String() string       { return "set the mode of " + c.Path + " to " + c.New.String() }
func (c Chgrp) String() string       { return "set the group of " + c.Path + " to " + c.New }
func (c ImportKey) String() string   { return "import the key " + strings.Join(c.Fingerprints, ", ") }
func (c RemoveKey) String() string   { return "remove the key " + c.Package }
func (c BuildModule) String() string { return "build the kernel module for " + c.Kernel }
func (c Prove) String() string       { return "prove that " + c.Unit + " detects" }

func (c WriteFile) String() string {
	if c.Old == nil {
		return "write " + c.Path
	}
	return "edit " + c.Path
}

func (c ChangeUnit) String() string {
	if c.Action == ReloadManager {
		return "reload systemd's unit files"
	}
	return string(c.Action) + " " + c.Unit
}

func (c Install) String() string {
	specs := make([]string, 0, len(c.Targets))
	for _, t := range c.Targets {
		specs = append(specs, t.Spec)
	}
	line := c.Action + " " + strings.Join(specs, ", ")
	if c.NoScripts {
		line += " without its scriptlets"
	}
	return line
}

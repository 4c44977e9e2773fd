// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"io/fs"
	"strings"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/redact"
)

// The kinds of changes, as they stand in reports.
const (
	KindWrite       = "write"
	KindRemove      = "remove"
	KindChmod       = "chmod"
	KindChgrp       = "chgrp"
	KindInstall     = "install"
	KindImportKey   = "import-key"
	KindRemoveKey   = "remove-key"
	KindBuildModule = "build-module"
	KindUnit        = "unit"
	KindProbe       = "probe" // changes nothing
)

// A Change is one change as reports show it. Which fields are set depends on
// Kind.
type Change struct {
	Kind string `json:"kind"`
	// Path is the file of write, remove, chmod and import-key.
	Path string `json:"path,omitempty"`
	// Unit is the systemd unit of unit and probe.
	Unit string `json:"unit,omitempty"`
	// Action is what is done to a unit, or dnf's verb.
	Action string `json:"action,omitempty"`
	// Packages are the targets of an install, one transaction.
	Packages []Package `json:"packages,omitempty"`
	// URL is where a key comes from.
	URL string `json:"url,omitempty"`
	// Fingerprints are those a key must have.
	Fingerprints []string `json:"fingerprints,omitempty"`
	// Kernel is what a module is built for.
	Kernel string `json:"kernel,omitempty"`
	// From and To are states in words: a unit's, or permission bits.
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
	// Mode is the mode that a new file gets, in octal.
	Mode string `json:"mode,omitempty"`
	// Diff is a unified diff, or one sentence where none can be shown.
	Diff string `json:"diff,omitempty"`
	// DiffOmitted is how many lines of the diff were left out at its end.
	DiffOmitted int    `json:"diff_omitted,omitempty"`
	Drift       string `json:"drift,omitempty"`
	Why         string `json:"why,omitempty"`
}

// A Package is one target of a transaction. An empty From is a package that is
// not installed; an empty To is the newest that fits, or, where the action is
// remove, none.
type Package struct {
	Name string `json:"name"`
	Spec string `json:"spec,omitempty"`
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
}

// newChange turns a change into its record. A kind that is not known here
// still shows its line.
func newChange(c node.Change) Change {
	var out Change
	switch c := c.(type) {
	case node.WriteFile:
		out = newWrite(c)
	case node.RemoveFile:
		out = Change{Kind: KindRemove, Path: c.Path, Why: c.Why}
		if c.Old != nil {
			out.Diff, out.DiffOmitted = fileDiff(c.Path, c.Old, nil)
		}
	case node.Chmod:
		out = Change{Kind: KindChmod, Path: c.Path, From: octal(c.Old), To: octal(c.New), Why: c.Why}
	case node.Chgrp:
		out = Change{Kind: KindChgrp, Path: c.Path, From: c.Old, To: c.New, Why: c.Why}
	case node.Install:
		out = newInstall(c)
	case node.ImportKey:
		out = Change{Kind: KindImportKey, Path: c.Path, URL: c.URL, Fingerprints: c.Fingerprints, Why: c.Why}
	case node.RemoveKey:
		out = Change{Kind: KindRemoveKey, Packages: []Package{{Name: c.Package}}, Why: c.Why}
		if c.Fingerprint != "" {
			out.Fingerprints = []string{c.Fingerprint}
		}
	case node.BuildModule:
		out = Change{Kind: KindBuildModule, Kernel: c.Kernel, Why: c.Why}
	case node.ChangeUnit:
		out = Change{Kind: KindUnit, Unit: c.Unit, Action: string(c.Action), From: c.From, To: c.To, Why: c.Why}
	case node.Prove:
		out = Change{Kind: KindProbe, Unit: c.Unit, Path: c.Log}
	}
	out.Drift = string(c.Class())
	out.redact()
	return out
}

func newWrite(c node.WriteFile) Change {
	out := Change{Kind: KindWrite, Path: c.Path, Why: c.Why}
	if c.Old == nil {
		out.Mode = octal(c.Mode)
	}
	// A file that is to be there and empty has New without bytes, which is not
	// the same as no file.
	after := c.New
	if after == nil {
		after = []byte{}
	}
	out.Diff, out.DiffOmitted = fileDiff(c.Path, c.Old, after)
	return out
}

func newInstall(c node.Install) Change {
	out := Change{Kind: KindInstall, Action: c.Action, Why: c.Why}
	for _, t := range c.Targets {
		out.Packages = append(out.Packages, Package{Name: t.Name, Spec: redact.Text(t.Spec), From: t.Old, To: t.New})
	}
	return out
}

// redact cleans what may hold a secret. The diff was cleaned when it was made,
// with the whole file in sight.
func (c *Change) redact() {
	for _, s := range []*string{&c.Path, &c.Unit, &c.URL, &c.From, &c.To, &c.Why} {
		*s = redact.Text(*s)
	}
}

func octal(m fs.FileMode) string {
	bits := uint32(m.Perm())
	for _, b := range []struct {
		mode fs.FileMode
		bit  uint32
	}{{fs.ModeSetuid, 0o4000}, {fs.ModeSetgid, 0o2000}, {fs.ModeSticky, 0o1000}} {
		if m&b.mode != 0 {
			bits |= b.bit
		}
	}
	return fmt.Sprintf("%04o", bits)
}

// short is a fingerprint as people read it: its last sixteen digits.
func short(fingerprint string) string {
	if len(fingerprint) > 16 {
		fingerprint = fingerprint[len(fingerprint)-16:]
	}
	return strings.ToUpper(fingerprint)
}

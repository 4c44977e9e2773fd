// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Package ledger is what the agent remembers of what it has put on a node: which
// packages, keys and masks are its own, and what the files that it edits held before.
// The command remove takes that back. What says of itself that it is the agent's, by
// its first line ([ruleset.Header]), is not in the ledger.
//
// The package does no I/O.
package ledger

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"

	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/ruleset"
)

// File is where the ledger is, for root alone.
const File = "/var/lib/falco-bootstrap/ledger.json"

// schemaVersion is raised when an older agent could not read the ledger.
const schemaVersion = 1

// A Ledger is what the agent has put on the node.
type Ledger struct {
	SchemaVersion int `json:"schema_version"`
	// Edited are the files that it has written, by path.
	Edited map[string]Edit `json:"edited,omitempty"`
	// Packages are those that it has installed.
	Packages []Package `json:"packages,omitempty"`
	// Found is what was in Falco's directories before its package.
	Found []string `json:"found,omitempty"`
	// Keys are the fingerprints that it has imported into rpm's database.
	Keys []string `json:"keys,omitempty"`
	// Masked are the units that it has masked.
	Masked []string `json:"masked,omitempty"`
}

// An Edit is a file that the agent has written.
type Edit struct {
	// Before is what the file held at first; nil if there was none.
	Before []byte `json:"before"`
	// SHA256 is of what the agent has written last.
	SHA256 string `json:"sha256"`
}

// Wrote reports whether the content is what the agent has written last.
func (e Edit) Wrote(content []byte) bool { return e.SHA256 == sum(content) }

func sum(content []byte) string {
	s := sha256.Sum256(content)
	return hex.EncodeToString(s[:])
}

// A Package is one that the agent has installed.
type Package struct {
	Name string `json:"name"`
	// NEVRA is of one of which there may be several versions: the headers of a kernel.
	NEVRA string `json:"nevra,omitempty"`
}

// Parse reads a ledger. No content is an empty one.
func Parse(content []byte) (Ledger, error) {
	l := Ledger{SchemaVersion: schemaVersion}
	if len(content) == 0 {
		return l, nil
	}
	if err := json.Unmarshal(content, &l); err != nil {
		return Ledger{SchemaVersion: schemaVersion}, fmt.Errorf("reading %s: %w", File, err)
	}
	if l.SchemaVersion > schemaVersion {
		return l, fmt.Errorf("reading %s: a newer falco-bootstrap has written it (schema_version %d)", File, l.SchemaVersion)
	}
	return l, nil
}

// Format returns the content of the file.
func (l Ledger) Format() ([]byte, error) {
	content, err := json.MarshalIndent(l, "", "  ")
	return append(content, '\n'), err
}

// Has reports whether the agent has installed a package of this name.
func (l Ledger) Has(name string) bool {
	return slices.ContainsFunc(l.Packages, func(p Package) bool { return p.Name == name })
}

// Note returns the ledger with a change that is about to be made, and whether that
// says anything new. found lists what is in Falco's directories; it is asked only
// before the first installation of Falco.
func (l Ledger) Note(c node.Change, found func() []string) (Ledger, bool) {
	was, _ := l.Format()
	l.Edited = cloned(l.Edited)
	switch c := c.(type) {
	case node.WriteFile:
		l.noteWrite(c)
	case node.Install:
		l.noteInstall(c, found)
	case node.ImportKey:
		l.Keys = joined(l.Keys, c.Absent...)
	case node.RemoveKey:
		l.Keys = without(l.Keys, c.Fingerprint)
	case node.ChangeUnit:
		switch c.Action {
		case node.Mask:
			l.Masked = joined(l.Masked, c.Unit)
		case node.Unmask:
			l.Masked = without(l.Masked, c.Unit)
		case node.Enable, node.Disable, node.Start, node.Stop, node.Restart, node.ReloadManager:
		}
	case node.RemoveFile, node.RemoveDir, node.Chmod, node.Chgrp, node.BuildModule, node.Prove:
	}
	is, _ := l.Format()
	return l, !bytes.Equal(was, is)
}

// noteWrite keeps what a file held before its first edit. A file that is the agent's
// by its first line needs no note, nor does one of a Falco that is the agent's.
func (l *Ledger) noteWrite(c node.WriteFile) {
	known, again := l.Edited[c.Path]
	switch {
	case again:
	case c.Old == nil && (len(c.New) == 0 || IsOurs(c.New)), l.Has("falco") && IsFalcos(c.Path):
		return
	default:
		known.Before = c.Old
	}
	known.SHA256 = sum(c.New)
	l.Edited[c.Path] = known
}

func (l *Ledger) noteInstall(c node.Install, found func() []string) {
	if c.Action != "install" {
		return
	}
	for _, t := range c.Targets {
		p := Package{Name: t.Name}
		if len(t.Provides) > 0 {
			p.NEVRA = t.Spec
		}
		if t.Old != "" || slices.Contains(l.Packages, p) {
			continue
		}
		if t.Name == "falco" {
			l.Found = found()
		}
		l.Packages = append(slices.Clone(l.Packages), p)
	}
}

// Retract returns the ledger without the packages of a failed transaction that are not
// installed, and whether that says anything new. A transaction that has installed Falco
// has installed the others.
func (l Ledger) Retract(c node.Install, packages node.Packages) (Ledger, bool) {
	absent := func(p Package) bool {
		asked := slices.ContainsFunc(c.Targets, func(t node.Target) bool { return t.Name == p.Name })
		return asked && !slices.ContainsFunc(packages.Installed[p.Name], func(is node.Package) bool {
			return p.NEVRA == "" || p.NEVRA == is.NEVRA()
		})
	}
	hasFalco := slices.ContainsFunc(c.Targets, func(t node.Target) bool { return t.Name == "falco" && len(packages.Installed[t.Name]) > 0 })
	if c.Action != "install" || hasFalco || !slices.ContainsFunc(l.Packages, absent) {
		return l, false
	}
	l.Packages = slices.DeleteFunc(slices.Clone(l.Packages), absent)
	if !l.Has("falco") {
		l.Found = nil
	}
	return l, true
}

// IsOurs reports whether the content is that of a file which only the agent writes.
func IsOurs(content []byte) bool { return bytes.HasPrefix(content, []byte("# "+ruleset.Header)) }

// IsFalcos reports whether a path is in a directory that is Falco's alone.
func IsFalcos(name string) bool {
	for _, dir := range falco.Directories() {
		for at := path.Dir(name); at != "/" && at != "." && !dir.Shared; at = path.Dir(at) {
			if is, _ := path.Match(dir.Pattern, at); is {
				return true
			}
		}
	}
	return false
}

// OfFalco returns what is left to remember once everything but Falco is taken back, and
// whether that is anything.
func (l Ledger) OfFalco() (Ledger, bool) {
	l.Edited, l.Keys = cloned(l.Edited), nil
	for name := range l.Edited {
		if !IsFalcos(name) {
			delete(l.Edited, name)
		}
	}
	return l, len(l.Edited)+len(l.Packages)+len(l.Masked) > 0
}

func cloned(m map[string]Edit) map[string]Edit {
	out := map[string]Edit{}
	maps.Copy(out, m)
	return out
}

func joined(all []string, more ...string) []string {
	all = slices.Clone(all)
	for _, m := range more {
		if !slices.Contains(all, m) {
			all = append(all, m)
		}
	}
	return all
}

func without(all []string, one string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return s == one })
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Package falco knows which Falco runs on which Oracle Linux: a table of
// rows, each with its reason and its source, and pure functions that draw a
// verdict from it and know how each era of Falco's package is handled.
//
// The table holds what goes wrong; what no row speaks of works, or is not
// known to fail. The package looks at no machine, and does not know which
// versions a repository really offers.
package falco

//go:generate go test -run TestMarkdown -update

import (
	"fmt"

	"github.com/falco-bootstrap/falco-bootstrap/pkg/osrelease"
)

// Falco's drivers, and the request for either.
const (
	Auto       = "auto"
	ModernEBPF = "modern_ebpf"
	Kmod       = "kmod"
)

// A Host is what the table asks of a node. Facts that are not known keep their
// zero value, and no row that asks for one applies then.
type Host struct {
	OS     osrelease.Release
	Kernel osrelease.Kernel
	Arch   string // as uname -m prints it, or ""
	NoBTF  bool   // the running kernel has no /sys/kernel/btf/vmlinux
}

// GlibcVersion returns the host's version of glibc, which stays the same for
// all of a major release: those of RHEL 7 to 10. "" for another release.
func (h Host) GlibcVersion() string {
	switch h.OS.Major {
	case 7:
		return "2.17"
	case 8:
		return "2.28"
	case 9:
		return "2.34"
	case 10:
		return "2.39"
	}
	return ""
}

// String names the host for people, such as
// "Oracle Linux Server 8.10 with UEK R7 (5.15)".
func (h Host) String() string {
	if h.Kernel.Release == "" {
		return h.OS.Pretty
	}
	return h.OS.Pretty + " with " + h.Kernel.String()
}

// A Request is what is asked for.
type Request struct {
	Driver  string // [Auto], [ModernEBPF] or [Kmod]; "" is [Auto]
	Version string // a pin such as "0.44.1", or "" for the newest that works
}

// A RefusedError says that the host cannot run what is asked for.
type RefusedError struct {
	Reason string // one sentence without its full stop
	Hint   string // what to do about it
	// Nearest is the version next to the pin that works with the same driver,
	// or "" if there is none or nothing was pinned.
	Nearest string
	Row     Row // the row that decided; zero if the request itself is wrong
}

func (e *RefusedError) Error() string { return e.Reason }

// A Warning is a warning that goes with a verdict.
type Warning struct {
	Message string
	Hint    string
	Row     string // its ID
}

// A Decision is what a host can run.
type Decision struct {
	Driver string // [ModernEBPF] or [Kmod]
	// Min and Max bound the versions that can run. Max is "" without a bound:
	// whatever is newest will do.
	Min, Max string
	// Exclude lists the versions between the bounds that must not be
	// installed.
	Exclude  []string
	Warnings []Warning
	Rows     []Row // every row that applies to the host and driver, and to the pin if there is one

	host   Host
	pinned bool
	table  []Row
}

// Allows reports whether the version may be installed, or stay, under this
// verdict.
func (v Decision) Allows(version string) bool {
	parsed, err := parseVersion(version)
	return err == nil && blocker(v.table, v.host, v.Driver, parsed, v.pinned) == nil
}

// Range says in words which versions can run.
func (v Decision) Range() string {
	text := "Falco " + v.Min + " or later"
	if v.Max != "" {
		text = fmt.Sprintf("Falco %s to %s", v.Min, v.Max)
	}
	for i, e := range v.Exclude {
		if i == 0 {
			text += ", but not " + e
			continue
		}
		text += ", " + e
	}
	return text
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Package falco holds every fact about Falco: its releases, paths, units and
// drivers, how the package of each era is handled, and which Falco runs on which
// Oracle Linux. The latter is a table of rows, each with its reason and its
// source, and pure functions that decide by it.
//
// The table lists what fails; what no row mentions works, or is not known to fail.
// The package does not read a machine, and does not know which versions a
// repository offers.
package falco

//go:generate go test -run TestMarkdown -update

import "github.com/falco-bootstrap/falco-bootstrap/pkg/osrelease"

// Falco's drivers, and the request for either.
const (
	Auto       = "auto"
	ModernEBPF = "modern_ebpf"
	Kmod       = "kmod"
)

// A Host is what the table needs to know about a node. A fact that is not known
// keeps its zero value, and a row that asks for it does not apply.
type Host struct {
	OS     osrelease.Release
	Kernel osrelease.Kernel
	Arch   string // as uname -m prints it, or ""
	NoBTF  bool   // the running kernel has no /sys/kernel/btf/vmlinux
}

// GlibcVersion returns the host's version of glibc, which is the same throughout
// a major release, as in RHEL 7 to 10. It is "" for another release.
func (h Host) GlibcVersion() string {
	return map[int]string{7: "2.17", 8: "2.28", 9: "2.34", 10: "2.39"}[h.OS.Major]
}

// String names the host for people, such as
// "Oracle Linux Server 8.10 with UEK R7 (5.15)".
func (h Host) String() string {
	if h.Kernel.Release == "" {
		return h.OS.Pretty
	}
	return h.OS.Pretty + " with " + h.Kernel.String()
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Package falco is the home of every fact about Falco: its releases, paths,
// units and drivers, how the package of each era is handled, and which Falco
// runs on which Oracle Linux. The latter is a table of rows, each with its
// reason and its source, and pure functions that decide by it.
//
// The table holds what goes wrong; what no row speaks of works, or is not
// known to fail. The package does not look at a machine, and does not know
// which versions a repository offers.
package falco

//go:generate go test -run TestMarkdown -update

import "github.com/falco-bootstrap/falco-bootstrap/pkg/osrelease"

// Falco's drivers, and the request for either.
const (
	Auto       = "auto"
	ModernEBPF = "modern_ebpf"
	Kmod       = "kmod"
)

// A Host is what the table asks of a node. Facts that are not known keep their
// zero value, and a row that asks for one does not apply then.
type Host struct {
	OS     osrelease.Release
	Kernel osrelease.Kernel
	Arch   string // as uname -m prints it, or ""
	NoBTF  bool   // the running kernel has no /sys/kernel/btf/vmlinux
}

// GlibcVersion returns the host's version of glibc, which is the same for all
// of a major release: those of RHEL 7 to 10. It is "" for another release.
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

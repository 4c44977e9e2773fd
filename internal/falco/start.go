// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falco

import (
	"io/fs"
	"path"
	"slices"

	"github.com/falco-bootstrap/falco-bootstrap/pkg/falcoconf"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/systemd"
)

// A Start is how a unit starts Falco.
type Start struct {
	Program string // its path
	Args    []string
}

// StartOf returns how a unit starts Falco: with its variables expanded, and
// without a program such as env or nice before it. tree holds the machine's
// files, among them those of environments. It is zero for a unit that does not
// exist.
func StartOf(u systemd.Unit, tree fs.FS) Start {
	argv := systemd.Expand(u.ExecStart, u.Env(tree))
	if len(argv) == 0 {
		return Start{}
	}
	isFalco := func(word string) bool { return path.Base(word) == path.Base(Program) }
	i := max(slices.IndexFunc(argv, isFalco), 0)
	return Start{argv[i], argv[i+1:]}
}

// CommandLine parses the arguments as a release of Falco does.
func (s Start) CommandLine(falcoVersion string) CommandLine {
	return ParseCommandLine(falcoVersion, append([]string{s.Program}, s.Args...))
}

// ConfigStart is how a unit has a Falco of a version read its configuration. A
// variable that neither the unit nor its environment files in tree set is not
// known: systemd has more.
func ConfigStart(falcoVersion string, u systemd.Unit, tree fs.FS) falcoconf.Start {
	line := StartOf(u, tree).CommandLine(falcoVersion)
	return falcoconf.Start{Version: falcoVersion, Overrides: line.Overrides, Environment: falcoconf.Variables(u.Env(tree))}
}

// MainFile is the main configuration file that a unit has Falco read.
func MainFile(u systemd.Unit, tree fs.FS) string {
	return StartOf(u, tree).CommandLine("").MainFile()
}

// ShippedSandbox is that of every unit of Falco's package: falcosecurity/falco
// scripts/systemd from 0.32.0 on.
func ShippedSandbox() systemd.Sandbox {
	return systemd.Sandbox{PrivateTmp: true, ProtectHome: "read-only", ProtectSystem: "full"}
}

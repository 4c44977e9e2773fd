// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import "strings"

// options holds the options that units, the agent and tests use.
type options struct {
	config   string
	explicit bool     // config was given by -c
	sets     []string // KEY=VALUE of -o
	modern   bool     // --modern-bpf
	dryRun   bool
	rules    []string // -r, in the place of the configured rules files
	schema   bool     // --config-schema: print it and exit, whatever the configuration
	list     bool     // -L: read everything, list the rules, and exit
}

// parseOptions reads args as Falco 0.minor does: an option that the release does not
// have is an error. falcosecurity/falco CHANGELOG.md says which releases added and
// removed options.
func parseOptions(args []string, minor int) (options, error) {
	o := options{config: "/etc/falco/falco.yaml"}
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		switch {
		case arg == "-c" && len(args) > 0:
			o.config, o.explicit, args = args[0], true, args[1:]
		case arg == "-o" && len(args) > 0:
			o.sets, args = append(o.sets, args[0]), args[1:]
		case arg == "-r" && len(args) > 0:
			o.rules, args = append(o.rules, args[0]), args[1:]
		case arg == "-L":
			o.list = true
		case arg == "--dry-run" && minor >= 35:
			o.dryRun = true
		case arg == "--config-schema" && minor >= 39:
			o.schema = true
		case arg == "--modern-bpf" && minor >= 34 && minor <= 37:
			o.modern = true
		case strings.HasPrefix(arg, "--pidfile="): // nobody reads the file
		default:
			return options{}, says("Option '%s' does not exist", strings.TrimLeft(arg, "-"))
		}
	}
	return o, nil
}

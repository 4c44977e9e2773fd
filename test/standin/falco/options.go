// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
)

// options is the command line.
type options struct {
	config   string
	explicit bool // config was given by -c
	sets     []string
	rules    []string
	disabled []string // -D
	validate string
	pidfile  string
	modern   bool
	dryRun   bool
	version  bool
	support  bool
	schema   bool
	list     bool
	help     bool
}

// takesValue maps the spelling of an option to the name it is filed under.
func takesValue(arg string) (string, bool) {
	names := map[string]string{
		"-c": "config", "--config": "config", "-o": "set", "--option": "set", "-r": "rules", "-V": "validate",
		"--validate": "validate", "-P": "pidfile", "--pidfile": "pidfile", "-D": "disable", "-M": "ignored",
		"-p": "ignored", "-s": "ignored", "-T": "ignored", "-t": "ignored",
	}
	name, ok := names[arg]
	return name, ok
}

// parseOptions reads args as Falco 0.minor does: an option that release does
// not know is an error.
func parseOptions(args []string, minor int) (options, error) {
	o := options{config: "/etc/falco/falco.yaml"}
	for i := 0; i < len(args); i++ {
		arg, value, joined := strings.Cut(args[i], "=")
		if !strings.HasPrefix(arg, "--") {
			arg, value, joined = args[i], "", false
		}
		name, ok := takesValue(arg)
		if !ok {
			if err := o.setFlag(arg, minor); err != nil {
				return options{}, err
			}
			continue
		}
		if !joined {
			i++
			if i == len(args) {
				return options{}, says("Option '%s' is missing an argument", strings.TrimLeft(arg, "-"))
			}
			value = args[i]
		}
		o.setValue(name, value)
	}
	return o, nil
}

func (o *options) setValue(name, value string) {
	switch name {
	case "config":
		o.config, o.explicit = value, true
	case "set":
		o.sets = append(o.sets, value)
	case "rules":
		o.rules = append(o.rules, value)
	case "validate":
		o.validate = value
	case "pidfile":
		o.pidfile = value
	case "disable":
		o.disabled = append(o.disabled, value)
	}
}

// setFlag sets an option without a value. The releases in which options came
// and went: falcosecurity/falco CHANGELOG.md.
func (o *options) setFlag(arg string, minor int) error {
	switch {
	case arg == "--dry-run" && minor >= 35:
		o.dryRun = true
	case arg == "--modern-bpf" && minor >= 34 && minor <= 37:
		o.modern = true
	case arg == "--version":
		o.version = true
	case arg == "--support":
		o.support = true
	case arg == "--config-schema" && minor >= 39, arg == "--rule-schema" && minor >= 39:
		o.schema = true
	case arg == "-L" || arg == "-l" || arg == "-N":
		o.list = true
	case arg == "-h" || arg == "--help":
		o.help = true
	case arg == "-A" || arg == "-U" || arg == "-v" || arg == "-b":
	default:
		return says("Option '%s' does not exist", strings.TrimLeft(arg, "-"))
	}
	return nil
}

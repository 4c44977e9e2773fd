// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falco

import "cmp"

// An argument is how an option takes its value.
type argument int

const (
	none     argument = iota // it is a boolean
	optional                 // only after an equals sign
	single                   // the last one counts
	list                     // each one counts
)

// An option is one that Falco has in some releases.
type option struct {
	letter, long string
	arg          argument
	in           span
}

// name returns the long name of an option, or its letter.
func (o option) name() string { return cmp.Or(o.long, o.letter) }

// implicit returns the value of an option that is given without one.
func (o option) implicit() string { return map[argument]string{none: "true"}[o.arg] }

// options returns every option from 0.32.0 on: falcosecurity/falco
// userspace/falco/app/options.cpp, before 0.35 app_cmdline_options.cpp, at the
// tags 0.32.0 to 0.44.1.
func options() []option {
	always := span{}
	until := func(release string) span { return span{below: release} }
	since := func(release string) span { return span{from: release} }
	return []option{
		{"h", "help", none, always},
		{"c", "", single, always},
		{"A", "", none, until("0.41.0")},
		{"b", "print-base64", none, until("0.41.0")},
		{"", "config-schema", none, since("0.39.0")},
		{"", "rule-schema", none, since("0.39.0")},
		{"", "cri", list, until("0.40.0")},
		{"", "disable-cri-async", none, until("0.40.0")},
		{"d", "daemon", none, until("0.36.0")},
		{"", "disable-source", list, always},
		{"D", "", list, until("0.39.0")},
		{"", "dry-run", none, since("0.35.0")},
		{"e", "", single, until("0.38.0")},
		{"", "enable-source", list, since("0.33.0")},
		{"", "format", single, since("0.44.0")},
		{"g", "gvisor-config", single, span{"0.32.1", "0.38.0"}},
		{"", "gvisor-generate-config", optional, span{"0.32.1", "0.44.0"}},
		{"", "gvisor-root", single, span{"0.32.1", "0.38.0"}},
		{"i", "", none, always},
		{"k", "k8s-api", single, until("0.37.0")},
		{"K", "k8s-api-cert", single, until("0.37.0")},
		{"", "k8s-node", single, until("0.37.0")},
		{"L", "", none, always},
		{"l", "", single, always},
		{"", "list", optional, always},
		{"", "list-events", none, since("0.36.0")},
		{"", "list-syscall-events", none, until("0.36.0")},
		{"", "list-plugins", none, always},
		{"m", "mesos-api", single, until("0.35.0")},
		{"M", "", single, always},
		{"", "markdown", none, always},
		{"", "modern-bpf", none, span{"0.33.0", "0.38.0"}},
		{"N", "", none, always},
		{"", "nodriver", none, span{"0.35.0", "0.38.0"}},
		{"o", "option", list, always},
		{"", "plugin-info", single, since("0.32.1")},
		{"p", "print", single, always},
		{"P", "pidfile", single, always},
		{"", "page-size", none, since("0.33.0")},
		{"r", "", list, always},
		{"s", "", single, until("0.36.0")},
		{"", "stats-interval", single, until("0.36.0")},
		{"S", "snaplen", single, until("0.41.0")},
		{"", "support", none, always},
		{"T", "", list, until("0.39.0")},
		{"t", "", list, until("0.39.0")},
		{"U", "unbuffered", none, always},
		{"u", "userspace", none, until("0.37.0")},
		{"V", "validate", list, always},
		{"v", "", none, always},
		{"", "version", none, always},
	}
}

// exiting returns the options that make Falco print something, or check
// something, and exit.
func exiting() []string {
	return []string{
		"help", "config-schema", "rule-schema", "dry-run", "gvisor-generate-config", "i", "L", "l", "list", "list-events",
		"list-syscall-events", "list-plugins", "page-size", "plugin-info", "support", "validate", "version",
	}
}

// find returns the option with a letter or a long name that the release has.
// Both are in one table, as in cxxopts.
func (p *optionReader) find(name string) (option, bool) {
	for _, o := range options() {
		if name != "" && (o.letter == name || o.long == name) && p.has(o) {
			return o, true
		}
	}
	return option{}, false
}

func (p *optionReader) has(o option) bool {
	v, err := parseVersion(p.version)
	if err != nil {
		v = future
	}
	return o.in.has(v)
}

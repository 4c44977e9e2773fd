// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falco

import (
	"cmp"
	"strings"
)

// Where the package puts Falco and its configuration: falcosecurity/falco
// CMakeLists.txt (FALCO_ETC_DIR) and falco.yaml (config_files, rules_files).
const (
	Program    = "/usr/bin/falco"
	ConfigFile = "/etc/falco/falco.yaml"
	// ConfigDir holds the fragments. Falco loads every regular file in it,
	// whatever its name, and reloads when one appears: falco 0.44.1
	// userspace/falco/configuration.cpp, merge_config_files.
	ConfigDir = "/etc/falco/config.d"
	RulesDir  = "/etc/falco/rules.d"
)

// DefaultWebserverPort is webserver.listen_port if falco.yaml does not set it:
// userspace/falco/configuration.cpp.
const DefaultWebserverPort = 8765

// CheckArgs returns the arguments with which [Program] of a version reads its
// configuration as it does when its unit starts it with args, and exits with 0
// if it accepts it. That needs no driver and no port and writes nothing. Schema
// warnings go to standard error: Falco logs them, by default to syslog too.
// file, if not empty, takes the place of the main configuration file.
//
// The log level stays as it is configured: setting it here would hide that it is
// wrong. --dry-run came with 0.35; before that, -L reads everything and then lists
// the rules (falcosecurity/falco#194). A version that cannot be read counts as the
// newest.
//
// rules, if any, take the place of the rules files that are configured.
func CheckArgs(falcoVersion string, args []string, file string, rules ...string) []string {
	config, args := cutOption(args, "-c")
	_, args = cutOption(args, "-P")
	_, args = cutOption(args, "--pidfile")
	if len(rules) > 0 {
		_, args = cutOption(args, "-r")
	}
	check := append([]string{"-c", cmp.Or(file, config, ConfigFile)}, args...)
	for _, path := range rules {
		check = append(check, "-r", path)
	}
	if before(falcoVersion, "0.35.0") {
		return append(check, "-L")
	}
	return append(check, "--dry-run", "-o", "log_stderr=true", "-o", "log_syslog=false")
}

// cutOption returns the last value of an option in Falco's arguments, and the
// arguments without it.
func cutOption(args []string, option string) (value string, rest []string) {
	for i := 0; i < len(args); i++ {
		joined, ok := strings.CutPrefix(args[i], option+"=")
		switch {
		case args[i] == option && i+1 < len(args):
			i++
			value = args[i]
		case ok && strings.HasPrefix(option, "--"):
			value = joined
		default:
			rest = append(rest, args[i])
		}
	}
	return value, rest
}

// SensitiveFileRule is the default rule about a program that opens a file such
// as /etc/shadow: falcosecurity/rules, falco-rules-0.1.0 (Falco 0.32) to 5.1.0
// (Falco 0.44).
const SensitiveFileRule = "Read sensitive file untrusted"

// PackageManagementRule is the rule about a package manager that runs in a
// container. It is in falco-incubating_rules.yaml, which no package has.
const PackageManagementRule = "Launch Package Management Process in Container"

// SensitiveFileOutput is the start of the output of [SensitiveFileRule]. A text
// line of the log does not name its rule.
const SensitiveFileOutput = "Sensitive file opened for reading"

// SensitiveFileRuleTags returns the tags of [SensitiveFileRule], by which the
// key rules can disable it.
func SensitiveFileRuleTags() []string {
	return []string{"filesystem", "host", "container", "mitre_credential_access", "maturity_stable", "T1555"}
}

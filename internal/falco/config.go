// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falco

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

// CheckArgs returns the arguments with which [Program] of a version reads a
// configuration file as it does when it starts, and exits with 0 if it accepts
// it. That needs no driver and no port and writes nothing. Schema warnings go
// to standard error: Falco logs them, by default to syslog too.
//
// --dry-run came with 0.35; before that, -L reads everything and then lists the
// rules (falcosecurity/falco#194). A version that cannot be read counts as the
// newest.
func CheckArgs(falcoVersion, file string) []string {
	if before(falcoVersion, "0.35.0") {
		return []string{"-c", file, "-L"}
	}
	return []string{"-c", file, "--dry-run", "-o", "log_stderr=true", "-o", "log_level=warning", "-o", "log_syslog=false"}
}

// SensitiveFileRule is the default rule about a program that opens a file such
// as /etc/shadow: falcosecurity/rules, falco-rules-0.1.0 (Falco 0.32) to 5.1.0
// (Falco 0.44).
const SensitiveFileRule = "Read sensitive file untrusted"

// SensitiveFileOutput is the start of the output of [SensitiveFileRule]. A text
// line of the log does not name its rule.
const SensitiveFileOutput = "Sensitive file opened for reading"

// SensitiveFileRuleTags returns the tags of [SensitiveFileRule], by which the
// key rules can disable it.
func SensitiveFileRuleTags() []string {
	return []string{"filesystem", "host", "container", "mitre_credential_access", "maturity_stable", "T1555"}
}

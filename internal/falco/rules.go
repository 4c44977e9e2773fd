// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falco

import (
	"fmt"
	"regexp"
	"strings"
)

// A rulesRelease is a published set of rules with what it needs: the tags of
// falcosecurity/rules, required_engine_version and required_plugin_versions of
// rules/*.yaml there. An engine N is written 0.N.0.
type rulesRelease struct {
	set, version string
	engine       string
	container    string // version of the container plugin, or ""
}

// rulesReleases returns the releases of each set, oldest first. Those of the set
// falco are in Falco's packages.
func rulesReleases() []rulesRelease {
	return []rulesRelease{
		{"falco", "0.1.0", "0.13.0", ""},
		{"falco", "1.0.0", "0.17.0", ""},
		{"falco", "1.0.1", "0.17.0", ""},
		{"falco", "1.0.2", "0.17.0", ""},
		{"falco", "2.0.0", "0.26.0", ""},
		{"falco", "3.0.0", "0.31.0", ""},
		{"falco", "3.0.1", "0.31.0", ""},
		{"falco", "3.1.0", "0.31.0", ""},
		{"falco", "3.2.0", "0.31.0", ""},
		{"falco", "4.0.0", "0.50.0", "0.2.2"},
		{"falco", "5.0.0", "0.57.0", "0.4.0"},
		{"falco", "5.1.0", "0.57.0", "0.4.0"},
		{"falco-incubating", "2.0.0", "0.26.0", ""},
		{"falco-incubating", "3.0.0", "0.31.0", ""},
		{"falco-incubating", "3.0.1", "0.31.0", ""},
		{"falco-incubating", "4.0.0", "0.35.0", ""},
		{"falco-incubating", "4.0.1", "0.35.0", ""},
		{"falco-incubating", "5.0.0", "0.50.0", "0.2.2"},
		{"falco-incubating", "5.0.1", "0.50.0", "0.2.2"},
		{"falco-incubating", "6.0.0", "0.57.0", "0.4.0"},
		{"falco-incubating", "6.0.1", "0.57.0", "0.4.0"},
		{"falco-sandbox", "2.0.0", "0.26.0", ""},
		{"falco-sandbox", "3.0.0", "0.31.0", ""},
		{"falco-sandbox", "3.0.1", "0.31.0", ""},
		{"falco-sandbox", "4.0.0", "0.35.0", ""},
		{"falco-sandbox", "4.0.1", "0.35.0", ""},
		{"falco-sandbox", "4.1.0", "0.35.0", ""},
		{"falco-sandbox", "5.0.0", "0.50.0", "0.2.2"},
		{"falco-sandbox", "5.0.1", "0.50.0", "0.2.2"},
		{"falco-sandbox", "6.0.0", "0.57.0", "0.4.0"},
		{"falco-sandbox", "6.1.0", "0.57.0", "0.4.0"},
		{"falco-deprecated", "3.0.0", "0.31.0", ""},
	}
}

// Engine returns the version of the rules engine of a Falco: falcosecurity/falco
// userspace/engine/falco_engine_version.h at the tags. It is "" for a Falco that
// this table does not know, and for one whose version is not known.
func Engine(falcoVersion string) string {
	engines := []struct{ since, engine string }{
		{"0.44.0", "0.62.0"},
		{"0.43.0", "0.58.0"},
		{"0.42.0", "0.57.0"},
		{"0.41.0", "0.50.0"},
		{"0.40.0", "0.46.0"},
		{"0.39.0", "0.43.0"},
		{"0.38.0", "0.40.0"},
		{"0.37.0", "0.31.0"},
		{"0.36.0", "0.26.0"},
		{"0.35.0", "0.17.0"},
		{"0.34.1", "0.16.0"},
		{"0.33.0", "0.15.0"},
		{"0.32.1", "0.13.0"},
		{"0.32.0", "0.12.0"},
	}
	if !before(falcoVersion, "0.45.0") { // also one that cannot be read
		return ""
	}
	for _, e := range engines {
		if !before(falcoVersion, e.since) {
			return e.engine
		}
	}
	return ""
}

// RulesFor returns the newest release of a set of rules, such as
// "falco-incubating", that the engine of a Falco accepts: the name of its tag, such
// as "falco-incubating-rules-6.0.1", or "".
func RulesFor(set, falcoVersion string) string {
	engine := Engine(falcoVersion)
	best := ""
	for _, r := range rulesReleases() {
		if r.set == set && engine != "" && !dotted(engine).less(dotted(r.engine)) {
			best = r.name()
		}
	}
	return best
}

func (r rulesRelease) name() string { return r.set + "-rules-" + r.version }

var rulesArchive = regexp.MustCompile(`\b(falco(?:-[a-z]+)?)-rules-([0-9]+\.[0-9]+\.[0-9]+)(?:\.tar\.gz|\.yaml|/rules/[a-z_-]+\.yaml)$`)

// RulesSet returns the set and the version of an archive of published rules by its
// URL, such as "falco-incubating" and "5.0.1", or "".
func RulesSet(url string) (set, version string) {
	url, _, _ = strings.Cut(url, "?")
	if m := rulesArchive.FindStringSubmatch(url); m != nil {
		return m[1], m[2]
	}
	return "", ""
}

// RulesMisfit says why an archive of published rules does not fit a Falco and which
// one does, or "". tooNew means that the Falco refuses it; otherwise it is only
// older than it could be.
func RulesMisfit(url, falcoVersion string) (why string, tooNew bool) {
	set, version := RulesSet(url)
	engine, fits := Engine(falcoVersion), RulesFor(set, falcoVersion)
	for _, r := range rulesReleases() {
		if r.set != set || r.version != version || engine == "" {
			continue
		}
		if dotted(engine).less(dotted(r.engine)) {
			return fmt.Sprintf("%s needs engine %s, and Falco %s has %s; %s", r.name(), r.engine, falcoVersion, engine, fitting(fits)), true
		}
		major, _, _ := strings.Cut(version, ".")
		if !strings.HasPrefix(fits, set+"-rules-"+major+".") {
			return fmt.Sprintf("%s was made for an older Falco than %s; %s", r.name(), falcoVersion, fitting(fits)), false
		}
	}
	return "", false
}

func fitting(name string) string {
	if name == "" {
		return "no release of these rules fits it"
	}
	return name + " fits it"
}

// RulesFilesKey returns the key of falco.yaml that lists rules files:
// falcosecurity/falco userspace/falco/configuration.cpp.
func RulesFilesKey(falcoVersion string) string {
	if before(falcoVersion, "0.38.0") {
		return "rules_file"
	}
	return "rules_files"
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
	"github.com/falco-bootstrap/falco-bootstrap/internal/redact"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/falcoconf"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/yamledit"
)

// notDeclared lists the declared keys that have another value: the node has
// drifted, or has never been converged.
func notDeclared(config *falcoconf.Config, declared []falcoconf.Setting) []silence {
	var out []silence
	for _, d := range config.Differing(declared) {
		value, origin := d.Value, d.Origin.String()
		if d.Missing {
			value, origin = "(not set)", "nothing"
		}
		out = append(out, silence{text: fmt.Sprintf("%s is declared %s and is %s (%s)", d.Setting.Path, redact.Value(d.Setting.Path, d.Setting.Value), redact.Value(d.Setting.Path, value), origin)})
	}
	return out
}

// A silence is something that keeps Falco from raising the alert.
type silence struct {
	text string
	// chosen says that the operator has turned off the rule in a file, where
	// everybody can see it.
	chosen bool
}

// silencers names what disables the rule about the sensitive file: an entry of
// the key rules, a rules file, a declared priority, or an option of the unit.
func silencers(tree fs.FS, config *falcoconf.Config, line falco.CommandLine, declared []falcoconf.Setting) []silence {
	var out []silence
	rule := fmt.Sprintf(" disables the rule %q", falco.SensitiveFileRule)
	if v, ok := config.Get("rules"); ok && disabled(v.Value) {
		out = append(out, silence{v.Origin.String() + rule, v.Origin.File != falcoconf.CommandLine})
	}
	for _, file := range config.Inputs() {
		text, err := fs.ReadFile(tree, inTree(file))
		if err == nil && disabledIn(string(text)) {
			out = append(out, silence{file + rule, true})
		}
	}
	for _, d := range declared {
		if level := falcoconf.AsText(d.Value); d.Path == "priority" && slices.Contains([]string{"emergency", "alert", "critical", "error"}, strings.ToLower(level)) {
			out = append(out, silence{"the declared priority " + level + " drops its alerts", true})
		}
	}
	if text, _ := blindSyscalls(config); text != "" {
		out = append(out, silence{text, false})
	}
	for _, option := range disablingOptions(line) {
		out = append(out, silence{"the unit's option " + option + rule, false})
	}
	return out
}

// disablingOptions returns the options of Falco's command line that disable the
// rule: -D has a part of its name, -T and -t have tags (falco 0.38.2
// userspace/falco/app/options.cpp).
func disablingOptions(line falco.CommandLine) []string {
	var out []string
	add := func(option string, values []string, disables func(string) bool) {
		for _, v := range values {
			if disables(v) {
				out = append(out, option+" "+v)
			}
		}
	}
	hasTag := func(tag string) bool { return slices.Contains(falco.SensitiveFileRuleTags(), tag) }
	isSyscall := func(source string) bool { return source == "syscall" }
	add("-D", line.DisabledRules, func(part string) bool { return strings.Contains(falco.SensitiveFileRule, part) })
	add("-T", line.DisabledTags, hasTag)
	if !slices.ContainsFunc(line.EnabledTags, hasTag) {
		add("-t", line.EnabledTags, func(string) bool { return true })
	}
	add("--disable-source", line.DisabledSources, isSyscall)
	if !slices.ContainsFunc(line.EnabledSources, isSyscall) {
		add("--enable-source", line.EnabledSources, func(string) bool { return true })
	}
	return out
}

// disabled reports whether the entries of the key rules, which Falco applies in
// order, leave the rule disabled (falco 0.44.1 falco.yaml, rules).
func disabled(rules any) bool {
	off := false
	entries, _ := rules.([]any)
	for _, entry := range entries {
		verbs, _ := entry.(map[string]any)
		for verb, selector := range verbs {
			match, _ := selector.(map[string]any)
			name, _ := match["rule"].(string)
			tag, _ := match["tag"].(string)
			if hit, _ := path.Match(name, falco.SensitiveFileRule); hit || slices.Contains(falco.SensitiveFileRuleTags(), tag) {
				off = verb == "disable"
			}
		}
	}
	return off
}

// disabledIn reports whether a rules file has the rule with "enabled: false", or
// another word for it.
func disabledIn(text string) bool {
	within := false
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		value = strings.Trim(strings.TrimSpace(value), `"'`)
		switch {
		case strings.HasPrefix(key, "- "):
			within = strings.TrimSpace(key[2:]) == "rule" && value == falco.SensitiveFileRule
		case within && key == "enabled":
			if on, ok := yamledit.ParseBool(value); ok && !on {
				return true
			}
		}
	}
	return false
}

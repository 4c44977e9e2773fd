// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"gopkg.in/yaml.v3"

	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
)

// A rule is an item of a rules file, with the keys that the program needs.
type rule struct {
	Name      string `yaml:"rule"`
	Condition string `yaml:"condition"`
	Priority  string `yaml:"priority"`
	Output    string `yaml:"output"`
	Enabled   *bool  `yaml:"enabled"`
	Macro     string `yaml:"macro"`
	Override  map[string]string

	Plugins []struct{ Name, Version string } `yaml:"required_plugin_versions"`
}

// loadRules reads the rules files and decides whether an open of /etc/shadow is
// reported.
func (a *app) loadRules(st *state, plugins []string) error {
	paths := slices.Concat(st.list("rules_file"), st.list("rules_files"))
	isThere := func(path string) bool { _, err := os.Stat(path); return err == nil }
	if len(paths) == 0 || a.minor >= 44 && !slices.ContainsFunc(paths, isThere) { // seen of 0.44
		return says("You must specify at least one rules file/directory via -r or a rules_file entry in falco.yaml")
	}
	a.log.info("Loading rules from:")
	var shadow rule
	matches := !slices.Contains(st.list("base_syscalls.custom_set"), "!openat")
	for _, path := range paths { // a missing one among others is skipped silently
		for _, file := range regularFiles(path) {
			if ext := filepath.Ext(file); a.minor >= 41 && ext != ".yaml" && ext != ".yml" {
				continue
			}
			rules, err := readRules(file, plugins)
			if err != nil {
				return err
			}
			for _, r := range rules {
				if r.Name == falco.SensitiveFileRule {
					shadow.amend(r)
				}
				if r.Macro == "open_read" || r.Macro == "sensitive_files" {
					matches = matches && r.Condition != "never_true"
				}
			}
			a.log.info("   " + file + " | " + schemaOK)
		}
	}
	st.output = shadow.Output
	st.shadow = shadow.Name != "" && matches && st.selects(falco.SensitiveFileRule, shadow.Enabled == nil || *shadow.Enabled) &&
		priority(shadow.Priority) <= priority(st.text("priority", "debug"))
	return nil
}

// readRules reads one rules file.
func readRules(file string, plugins []string) ([]rule, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, says("Could not open file %s for reading", file)
	}
	var rules []rule
	if err := yaml.Unmarshal(text, &rules); err != nil {
		return nil, invalid(file, "LOAD_ERR_YAML_PARSE (Error when parsing YAML): "+err.Error())
	}
	for _, r := range rules {
		for _, p := range r.Plugins {
			if !slices.Contains(plugins, p.Name) {
				return nil, says("Plugin requirement not satisfied, must load one of: %s (>= %s)", p.Name, p.Version)
			}
		}
		if field := unknownField(r.Condition); field != "" && r.Name != "" {
			return nil, invalid(file, "LOAD_ERR_COMPILE_CONDITION (Error compiling condition): filter_check called with nonexistent field "+field)
		}
	}
	return rules, nil
}

func invalid(file, problem string) error {
	return says("%[1]s: Invalid\n1 Errors:\nIn rules content: (%[1]s:0:0)\n    %[2]s", file, problem)
}

// unknownField returns the first word of a condition that looks like a field of
// a class that Falco does not have.
func unknownField(condition string) string {
	known := []string{"evt", "proc", "fd", "user", "group", "container", "k8s", "thread", "syslog", "fs", "falco"}
	for _, m := range regexp.MustCompile(`(?:^|[\s(])(([a-z0-9]+)\.[a-z_.]+)\b`).FindAllStringSubmatch(condition, -1) {
		if !slices.Contains(known, m[2]) {
			return m[1]
		}
	}
	return ""
}

// amend applies what a later file says about the rule.
func (r *rule) amend(later rule) {
	r.Name = later.Name
	if later.Enabled != nil {
		r.Enabled = later.Enabled
	}
	if later.Override["output"] == "replace" {
		r.Output = later.Output
	}
	if later.Priority != "" {
		r.Priority = later.Priority
	}
}

// selects applies the entries of the key rules, in order, to a rule that is on or off
// without them.
func (st *state) selects(name string, on bool) bool {
	list, _ := st.get("rules").([]any)
	for _, entry := range list {
		e, _ := entry.(map[string]any)
		for verb, value := range e {
			match, _ := value.(map[string]any)
			if hit, _ := filepath.Match(fmt.Sprint(match["rule"]), name); hit {
				on = verb == "enable"
			}
		}
	}
	return on
}

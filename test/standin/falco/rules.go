// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// A rule is what the program needs of one: whether it is about /etc/shadow, and
// whether it is in force.
type rule struct {
	Name      string   `yaml:"rule"`
	Condition string   `yaml:"condition"`
	Output    string   `yaml:"output"`
	Priority  string   `yaml:"priority"`
	Enabled   *bool    `yaml:"enabled"`
	Tags      []string `yaml:"tags"`

	Plugins []struct{ Name, Version string } `yaml:"required_plugin_versions"`
}

// shadowRule is the name of the default rule that an open of /etc/shadow
// triggers, in every ruleset since 0.32 (falcosecurity/rules).
const shadowRule = "Read sensitive file untrusted"

// check loads the plugins and the rules.
func (a *app) check(o options, st *state, log *logger) error {
	loaded, err := a.loadPlugins(st)
	if err != nil {
		return err
	}
	files, err := a.rulesFiles(o, st)
	if err != nil {
		return err
	}
	log.info("Loading rules from:")
	for _, file := range files {
		if err := st.loadRules(file, loaded); err != nil {
			return err
		}
		log.info("   " + file + " | schema validation: ok")
	}
	st.decide(o)
	return nil
}

// rulesFiles lists the files to read. One that is not there is passed over in
// silence; no entry at all is an error.
func (a *app) rulesFiles(o options, st *state) ([]string, error) {
	paths := append(st.list("rules_file"), st.list("rules_files")...)
	if len(o.rules) > 0 {
		paths = o.rules
	}
	if o.validate != "" {
		paths = []string{o.validate}
	}
	if len(paths) == 0 {
		return nil, says("You must specify at least one rules file/directory via -r or a rules_file entry in falco.yaml")
	}
	var files []string
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			continue
		}
		if !info.IsDir() {
			files = append(files, path)
			continue
		}
		for _, file := range fragments(path) {
			ext := filepath.Ext(file)
			if a.sys.minor < 41 || ext == ".yaml" || ext == ".yml" {
				files = append(files, file)
			}
		}
	}
	return files, nil
}

// loadRules reads one rules file on top of those before it.
func (st *state) loadRules(file string, loaded []string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return says("Could not open file %s for reading", file)
	}
	var rules []rule
	if err := yaml.Unmarshal(text, &rules); err != nil {
		return invalid(file, "LOAD_ERR_YAML_PARSE (Error when parsing YAML)", err.Error())
	}
	for _, r := range rules {
		for _, p := range r.Plugins {
			if !slices.Contains(loaded, p.Name) {
				return says("Plugin requirement not satisfied, must load one of: %s (>= %s)", p.Name, p.Version)
			}
		}
		if r.Name == "" {
			continue
		}
		if field := unknownField(r.Condition); field != "" {
			return invalid(file, "LOAD_ERR_COMPILE_CONDITION (Error compiling condition)",
				fmt.Sprintf("filter_check called with nonexistent field %s", field))
		}
		if r.Priority != "" && priority(r.Priority) < 0 {
			return invalid(file, "LOAD_ERR_YAML_VALIDATE (Error validating internal structure of YAML file)", "Invalid priority")
		}
		st.add(r)
	}
	return nil
}

func invalid(file, code, message string) error {
	return says("%s: Invalid\n1 Errors:\nIn rules content: (%s:0:0)\n    %s: %s", file, file, code, message)
}

// unknownField returns the first word of a condition that looks like a field of
// a class Falco does not have.
func unknownField(condition string) string {
	known := []string{"evt", "proc", "fd", "user", "group", "container", "k8s", "thread", "syslog", "fs", "falco"}
	for _, m := range regexp.MustCompile(`(?:^|[\s(])([a-z0-9]+)\.[a-z_.]+\b`).FindAllStringSubmatch(condition, -1) {
		if !slices.Contains(known, m[1]) {
			return strings.TrimLeft(strings.TrimSpace(m[0]), "(")
		}
	}
	return ""
}

// add appends a rule, or changes what an earlier file said about it.
func (st *state) add(r rule) {
	for i := range st.rules {
		old := &st.rules[i]
		if old.Name != r.Name {
			continue
		}
		if r.Enabled != nil {
			old.Enabled = r.Enabled
		}
		if r.Condition != "" {
			old.Condition, old.Output, old.Priority = r.Condition, r.Output, r.Priority
		}
		return
	}
	st.rules = append(st.rules, r)
}

// decide settles whether an open of /etc/shadow is reported.
func (st *state) decide(o options) {
	limit := priority(st.text("priority", "debug"))
	st.shadow = false
	for _, r := range st.rules {
		if r.Name != shadowRule && !strings.Contains(r.Condition, "/etc/shadow") {
			continue
		}
		on := r.Enabled == nil || *r.Enabled
		for _, d := range o.disabled {
			on = on && !strings.Contains(r.Name, d)
		}
		if st.selected(r, on) && priority(r.Priority) <= limit {
			st.shadow = true
		}
	}
}

// selected applies the entries of the key rules to one rule, in their order.
func (st *state) selected(r rule, on bool) bool {
	entries, _ := st.get("rules")
	list, _ := entries.([]any)
	for _, entry := range list {
		e, _ := entry.(map[string]any)
		for verb, value := range e {
			match, _ := value.(map[string]any)
			name, _ := match["rule"].(string)
			tag, _ := match["tag"].(string)
			ok, _ := filepath.Match(name, r.Name)
			if ok || slices.Contains(r.Tags, tag) {
				on = verb == "enable"
			}
		}
	}
	return on
}

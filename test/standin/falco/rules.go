// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

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
	List      string `yaml:"list"`
	Append    bool   `yaml:"append"`
	Override  map[string]string

	Plugins []struct{ Name, Version string } `yaml:"required_plugin_versions"`
	Engine  string                           `yaml:"required_engine_version"`

	line    int      // from 0, as yaml-cpp counts
	unknown []string // keys
}

// UnmarshalYAML also notes where the item is and which keys Falco does not know.
func (r *rule) UnmarshalYAML(n *yaml.Node) error {
	type plain rule
	if err := n.Decode((*plain)(r)); err != nil {
		return err
	}
	r.line = n.Line - 1
	known := strings.Fields("rule desc condition output priority source enabled tags exceptions override append warn_evttypes skip-if-unknown-filter capture capture_duration")
	for i := 0; r.Name != "" && i < len(n.Content); i += 2 {
		if key := n.Content[i].Value; !slices.Contains(known, key) {
			r.unknown = append(r.unknown, key)
		}
	}
	return nil
}

// loadRules reads the rules files and decides whether an open of /etc/shadow is
// reported.
func (a *app) loadRules(st *state, plugins []string) error {
	paths := slices.Concat(st.list("rules_file"), st.list("rules_files"))
	if a.opts.rules != nil {
		paths = a.opts.rules
	}
	isThere := func(path string) bool { _, err := os.Stat(path); return err == nil }
	if len(paths) == 0 || a.minor >= 44 && !slices.ContainsFunc(paths, isThere) { // seen of 0.44
		return says("You must specify at least one rules file/directory via -r or a rules_file entry in falco.yaml")
	}
	a.log.info("Loading rules from:")
	var shadow rule
	known := map[string]bool{}
	matches := !slices.Contains(st.list("base_syscalls.custom_set"), "!openat")
	for _, path := range paths { // a missing one among others is skipped silently
		for _, file := range regularFiles(path) {
			if ext := filepath.Ext(file); a.minor >= 41 && ext != ".yaml" && ext != ".yml" {
				continue
			}
			rules, err := readRules(file, plugins, a.minor, known)
			if err != nil {
				return err
			}
			for _, r := range rules {
				a.warnUnknown(file, r)
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

// readRules reads one rules file after others, which have the known rules.
func readRules(file string, plugins []string, minor int, known map[string]bool) ([]rule, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, says("Could not open file %s for reading", file)
	}
	var rules []rule
	if err := yaml.Unmarshal(text, &rules); err != nil {
		return nil, invalid(file, rule{}, "LOAD_ERR_YAML_PARSE (YAML parse error): "+yamlError(err).Error())
	}
	for _, r := range rules {
		for _, p := range r.Plugins {
			if !slices.Contains(plugins, p.Name) {
				return nil, says("Plugin requirement not satisfied, must load one of: %s (>= %s)", p.Name, p.Version)
			}
		}
		if wanted := engineNumber(r.Engine); wanted > engine(minor) {
			return nil, invalid(file, r, fmt.Sprintf(objectError+"Rules require engine version 0.%d.0, but engine version is 0.%d.0", wanted, engine(minor)))
		}
		if problem := r.problem(known); problem != "" {
			return nil, invalid(file, r, problem)
		}
		known[r.key()] = true
	}
	return rules, nil
}

const (
	structureError = "LOAD_ERR_YAML_VALIDATE (Error validating internal structure of YAML file): "
	objectError    = "LOAD_ERR_VALIDATE (Error validating rule/macro/list/exception objects): "
	conditionError = "LOAD_ERR_COMPILE_CONDITION (Error compiling condition): "
)

// key tells an item from those of other names and kinds.
func (r *rule) key() string {
	switch {
	case r.Macro != "":
		return "macro " + r.Macro
	case r.List != "":
		return "list " + r.List
	}
	return "rule " + r.Name
}

// problem returns why Falco refuses an item after those that are known, with the words
// of 0.44: userspace/engine/rule_loader_reader.cpp, rule_loader_messages.h,
// rule_loader_compiler.cpp.
func (r *rule) problem(known map[string]bool) string {
	appends := r.Append || slices.Contains(slices.Collect(maps.Values(r.Override)), "append")
	switch {
	case appends && !known[r.key()] && r.Macro != "":
		return objectError + "Macro uses 'append' or 'override.condition: append' but no macro by that name already exists"
	case appends && !known[r.key()] && r.List != "":
		return objectError + "List uses 'append' or 'override.items: append' but no list by that name already exists"
	case appends && !known[r.key()] && r.Name != "":
		return objectError + "Rule uses 'append' or 'override.<key>: append' but no rule by that name already exists"
	case len(r.Override) > 0 && !known[r.key()] && r.Name != "":
		return objectError + "An 'override.<key>: replace' to a rule was requested but no rule by that name already exists"
	case r.Name != "" && r.Priority != "" && priority(r.Priority) < 0:
		return structureError + "Invalid priority"
	case r.Name == "":
		return ""
	}
	if field := unknownField(r.Condition); field != "" {
		return conditionError + "filter_check called with nonexistent field " + field
	}
	if macro := undefinedMacro(r.Condition, known); macro != "" {
		return objectError + "Undefined macro '" + macro + "' used in filter."
	}
	return ""
}

// engine returns the middle number of the version of the rules engine:
// falcosecurity/falco userspace/engine/falco_engine_version.h.
func engine(minor int) int {
	engines := map[int]int{32: 13, 33: 15, 34: 16, 35: 17, 36: 26, 37: 31, 38: 40, 39: 43, 40: 46, 41: 50, 42: 57, 43: 58}
	if n, ok := engines[minor]; ok {
		return n
	}
	return 62
}

// engineNumber reads a required engine version, N or 0.N.0.
func engineNumber(text string) int {
	text = strings.TrimSuffix(strings.TrimPrefix(text, "0."), ".0")
	n, _ := strconv.Atoi(text)
	return n
}

// invalid is Falco's message about a file that it refuses, as of 0.44:
// userspace/engine/rule_loader.cpp.
func invalid(file string, r rule, problem string) error {
	at := fmt.Sprintf("In rules content: (%s:0:0)\n", file)
	if r.Name != "" {
		at += fmt.Sprintf("    rule '%s': (%s:%d:2)\n", r.Name, file, r.line)
	}
	if strings.HasPrefix(problem, "LOAD_ERR_COMPILE_CONDITION") || strings.Contains(problem, "Undefined macro") {
		at += fmt.Sprintf("    condition expression: (%q:%d:10)\n------\n%s\n^\n------\n", r.Condition, r.line+2, r.Condition)
	}
	return says("%s: Invalid\n1 Errors:\n%s%s\n", file, at, problem)
}

// warnUnknown logs the keys of a rule that Falco does not know.
func (a *app) warnUnknown(file string, r rule) {
	for _, key := range r.unknown {
		a.log.log(levelWarning, fmt.Sprintf("%[1]s: Ok, with warnings\n1 Warnings:\nIn rules content: (%[1]s:0:0)\n    rule '%[2]s': (%[1]s:%[3]d:2)\nLOAD_UNKNOWN_KEY (Unknown key in item definition): Unknown key '%[4]s'. The key will be ignored.", file, r.Name, r.line, key))
	}
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

var (
	conditionTokens = regexp.MustCompile(`"[^"]*"|'[^']*'|[()]|[^\s(),]+`)
	identifier      = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_-]*$`)
)

// undefinedMacro returns the first word of a condition that stands where a macro does
// and is not known.
func undefinedMacro(condition string, known map[string]bool) string {
	tokens := append(conditionTokens.FindAllString(condition, -1), "and")
	operand := true // an operand of and, or, not comes next
	for i := 0; i < len(tokens)-1; i++ {
		switch t := tokens[i]; {
		case t == "and" || t == "or" || t == "not":
			operand = true
		case t == "(" && !operand: // a list of values
			for i < len(tokens)-2 && tokens[i] != ")" {
				i++
			}
		case t != "(" && operand:
			operand = false
			if slices.Contains([]string{"and", "or", ")"}, tokens[i+1]) && identifier.MatchString(t) && !known["macro "+t] {
				return t
			}
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

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falcoconf

import "io/fs"

// A RulesEntry is an entry of rules_files: a file, or a directory of which Falco
// loads the files in byte order.
type RulesEntry struct {
	Path   string
	Dir    bool
	Files  []string // that Falco loads; none if the entry is missing
	Origin Origin
}

// RulesEntries returns the entries of rules_files, or of rules_file before 0.38, in
// order.
func (c *Config) RulesEntries() []RulesEntry {
	var all []RulesEntry
	for _, e := range c.rulesEntries() {
		if name := e.string(); name != "" && !e.unknown {
			all = append(all, c.rulesEntry(name, e.origin))
		}
	}
	return all
}

// RulesOptions returns the same of the arguments of Falco's option -r, which take
// the place of rules_files.
func (c *Config) RulesOptions(paths []string) []RulesEntry {
	var all []RulesEntry
	for _, p := range paths {
		all = append(all, c.rulesEntry(p, Origin{File: CommandLine}))
	}
	return all
}

func (c *Config) rulesEntry(name string, origin Origin) RulesEntry {
	r := RulesEntry{Path: name, Origin: origin}
	info, err := fs.Stat(c.fsys, rooted(name))
	r.Dir = err == nil && info.IsDir()
	found := []string{name}
	if r.Dir {
		found = c.regularFiles(name)
	} else if err != nil {
		found = nil
	}
	for _, file := range found {
		if c.isRulesName(file) {
			r.Files = append(r.Files, file)
		}
	}
	return r
}

// A RuleSelection is an entry of the key rules, which turns rules on or off by a
// pattern of their names or by a tag.
type RuleSelection struct {
	Enable    bool
	Rule, Tag string
	Origin    Origin
}

// RuleSelections returns the entries of the key rules, which Falco has since 0.38,
// in order.
func (c *Config) RuleSelections() []RuleSelection {
	if !atLeast(c.version, fragmentsSince) {
		return nil
	}
	var all []RuleSelection
	for _, e := range c.items("rules") {
		for _, verb := range []string{"enable", "disable"} {
			match := e.get(verb)
			if match == nil {
				continue
			}
			s := RuleSelection{Enable: verb == "enable", Origin: e.origin}
			if r := match.get("rule"); r != nil {
				s.Rule = r.text
			}
			if t := match.get("tag"); t != nil {
				s.Tag = t.text
			}
			all = append(all, s)
			break // Falco looks at disable only if there is no enable
		}
	}
	return all
}

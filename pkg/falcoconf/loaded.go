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
		r := RulesEntry{Path: e.text, Origin: e.origin}
		info, err := fs.Stat(c.fsys, rooted(e.text))
		r.Dir = err == nil && info.IsDir()
		var found []string
		if r.Dir {
			found = c.regularFiles(e.text)
		} else if err == nil && e.text != "" {
			found = []string{e.text}
		}
		for _, file := range found {
			if c.isRulesName(file) {
				r.Files = append(r.Files, file)
			}
		}
		all = append(all, r)
	}
	return all
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

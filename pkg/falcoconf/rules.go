// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falcoconf

import (
	"io/fs"
	"path"
	"slices"
)

// rulesEntries returns the entries of rules_files, or of rules_file, which was
// its name up to 0.37 and is still heeded.
func (c *Config) rulesEntries() []*entry {
	var list *entry
	if atLeast(c.version, fragmentsSince) {
		list = c.root.get("rules_files")
	}
	if list == nil {
		list = c.root.get("rules_file")
	}
	switch {
	case list == nil || list.kind == mapKind || list.isNull():
		return nil
	case list.kind == scalarKind:
		return []*entry{list}
	default:
		return list.items
	}
}

// rulesFiles returns the paths of the rules files that Falco loads, in order.
func (c *Config) rulesFiles() []string {
	var files []string
	for _, e := range c.rulesEntries() {
		info, err := fs.Stat(c.fsys, rooted(e.text))
		switch {
		case err != nil || e.text == "":
		case !info.IsDir():
			if c.isRulesName(e.text) {
				files = append(files, e.text)
			}
		default:
			for _, file := range c.regularFiles(e.text) {
				if c.isRulesName(file) {
					files = append(files, file)
				}
			}
		}
	}
	return files
}

// isRulesName reports whether Falco loads rules from a file of that name: any
// name up to 0.40, *.yaml and *.yml since.
func (c *Config) isRulesName(file string) bool {
	return !atLeast(c.version, strategiesSince) || slices.Contains([]string{".yaml", ".yml"}, path.Ext(file))
}

// checkRules finds what keeps Falco from having any rules.
func (c *Config) checkRules() {
	const hint = "list /etc/falco/falco_rules.yaml in rules_files"
	newName, oldName := c.root.get("rules_files"), c.root.get("rules_file")
	plural := atLeast(c.version, fragmentsSince)
	switch {
	case plural && newName != nil && oldName != nil:
		o := oldName.origin
		c.fatal(o.File, o.Line, "both rules_files ("+newName.origin.String()+") and rules_file are set", "remove rules_file, and list its files in rules_files")
	case plural && oldName != nil:
		c.warn(oldName.origin.File, oldName.origin.Line, "rules_file is deprecated since Falco 0.38", "rename the key to rules_files")
	case !plural && oldName == nil && newName != nil:
		c.warn(newName.origin.File, newName.origin.Line, "rules_files is not known to Falco before 0.38", "rename the key to rules_file")
	}
	entries := c.rulesEntries()
	if len(entries) == 0 {
		c.fatal(c.main, 0, "no rules files are listed", hint)
		return
	}
	missing := 0
	for _, e := range entries {
		if _, err := fs.Stat(c.fsys, rooted(e.text)); err != nil || e.text == "" {
			missing++
			c.warn(e.origin.File, e.origin.Line, "rules file "+quote(e.text)+" is missing; Falco passes it over in silence", "restore the file, or remove the entry")
		} else if info, err := fs.Stat(c.fsys, rooted(e.text)); err == nil && !info.IsDir() && !c.isRulesName(e.text) {
			c.warn(e.origin.File, e.origin.Line, "rules file "+quote(e.text)+" is passed over; since 0.41 Falco loads *.yaml and *.yml only", "rename the file")
		}
	}
	if missing == len(entries) {
		c.warn(entries[0].origin.File, entries[0].origin.Line, "every rules file is missing; Falco runs and detects nothing", hint)
	}
}

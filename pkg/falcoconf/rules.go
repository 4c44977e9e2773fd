// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falcoconf

import (
	"io/fs"
	"path"
)

// rulesEntries returns the entries of rules_files, or of rules_file, its name up
// to 0.37, which Falco still reads.
func (c *Config) rulesEntries() []*entry {
	list := c.root.get("rules_file")
	if l := c.root.get("rules_files"); l != nil && atLeast(c.version, fragmentsSince) {
		list = l
	}
	if list == nil || list.isNull() {
		return nil
	}
	return list.sequence()
}

// rulesFiles returns the paths of the rules files that Falco loads, in order.
func (c *Config) rulesFiles() []string {
	var files []string
	for _, e := range c.rulesEntries() {
		name := e.string()
		info, err := fs.Stat(c.fsys, rooted(name))
		if err != nil || name == "" || e.unknown {
			continue
		}
		found := []string{name}
		if info.IsDir() {
			found = c.regularFiles(name)
		}
		for _, file := range found {
			if c.isRulesName(file) {
				files = append(files, file)
			}
		}
	}
	return files
}

// isRulesName reports whether Falco loads rules from a file of that name: any
// name up to 0.40, *.yaml and *.yml since.
func (c *Config) isRulesName(file string) bool {
	ext := path.Ext(file)
	return ext == ".yaml" || ext == ".yml" || !atLeast(c.version, strategiesSince)
}

// checkRules finds the reasons why Falco would load no rules.
func (c *Config) checkRules() {
	const hint = "list /etc/falco/falco_rules.yaml in rules_files"
	newKey, oldKey := c.root.get("rules_files"), c.root.get("rules_file")
	plural := atLeast(c.version, fragmentsSince)
	switch {
	case plural && newKey != nil && oldKey != nil:
		c.fatal(oldKey.origin, "both rules_files ("+newKey.origin.String()+") and rules_file are set", "remove rules_file, and list its files in rules_files")
	case plural && oldKey != nil:
		c.warn(oldKey.origin, "rules_file is deprecated since Falco 0.38", "rename the key to rules_files")
	case !plural && oldKey == nil && newKey != nil:
		c.warn(newKey.origin, "rules_files is not known to Falco before 0.38", "rename the key to rules_file")
	}
	entries := c.rulesEntries()
	if len(entries) == 0 {
		c.fatal(Origin{File: c.main}, "no rules files are listed", hint)
		return
	}
	missing := 0
	for _, e := range entries {
		info, err := fs.Stat(c.fsys, rooted(e.string()))
		switch {
		case e.unknown:
		case err != nil || e.text == "":
			missing++
			c.warn(e.origin, "rules file "+quote(e.string())+" is missing; Falco skips it silently", "restore the file, or remove the entry")
		case !info.IsDir() && !c.isRulesName(e.text):
			c.warn(e.origin, "rules file "+quote(e.text)+" is skipped; since 0.41 Falco loads only *.yaml and *.yml", "rename the file")
		}
	}
	switch {
	case missing == len(entries):
		c.warn(entries[0].origin, "every rules file is missing; Falco 0.44 does not start without one", hint)
	case !c.HasRules(): // a directory is enough to start with
		c.warn(entries[0].origin, "every rules file is missing; Falco runs and detects nothing", hint)
	}
}

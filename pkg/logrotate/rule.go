// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package logrotate

import (
	"io/fs"
	"slices"
	"strings"
)

// A Rule is a block whose names match a log.
type Rule struct {
	Name       string // the name or the pattern that matches the log
	File       string
	Line       int         // of the first name of the block
	Directives []Directive // the inherited ones first; the last of a name wins
	// Effective says that the block rotates the log.
	Effective bool
	// Duplicate says that logrotate reports "duplicate log entry" for the log
	// here, drops it from this block, and exits with 1.
	Duplicate bool
	// DroppedFor is another log that the pattern matches and that is a
	// duplicate: logrotate then drops every log that the pattern matches after
	// it, including this one.
	DroppedFor string
}

// Rules returns the blocks whose names match a log, in logrotate's order, as if
// the log existed. The first one rotates it. A later one is an error, unless an
// earlier one has ignoreduplicates (logrotate 3.21). logrotate takes another
// spelling of a log, such as with "//", for another log, and rotates it twice.
//
// Names that logrotate resolves against its working directory match nothing.
func (c *Config) Rules(path string) []Rule {
	return c.claim(clean(path)).rules
}

// duplicates returns the logs in two blocks that exist or are named without a
// pattern.
func (c *Config) duplicates() []Problem {
	return c.claim("").twice
}

// claims says which block has a log, and which logs the last block has.
type claims struct {
	rules []Rule
	twice []Problem
	last  []string
}

// claim gives each log to the first block that names it, as readConfigFile in
// config.c does.
func (c *Config) claim(path string) (all claims) {
	quiet := map[string]bool{} // a log that a block has: whether it has ignoreduplicates
	for _, b := range c.blocks {
		r := Rule{File: b.file, Line: b.line, Directives: b.directives}
		inherited := Rule{Directives: b.directives[:b.inherited]}
		var mine []string
		for _, name := range b.names {
			r.Name = name
			as, matches := expand(name, path)
			dropped := ""
			for _, log := range c.logs(name, as, matches) {
				hushed, before := quiet[log]
				rule := r
				switch {
				case dropped != "":
					rule.DroppedFor = dropped
				case !before:
					quiet[log] = c.ignoresDuplicates(inherited) // the rest of the block is not read yet
					mine = append(mine, log)
					rule.Effective = true
				case !hushed:
					rule.Duplicate = true
					all.twice = append(all.twice, Problem{b.file, b.line, "duplicate log entry for " + log})
					dropped = log
				}
				if matches && log == as {
					all.rules = append(all.rules, rule)
				}
			}
		}
		for _, log := range mine {
			quiet[log] = c.ignoresDuplicates(r)
		}
		all.last = mine
	}
	return all
}

func (c *Config) ignoresDuplicates(r Rule) bool {
	_, ok := r.Get("ignoreduplicates")
	return ok && c.since(3, 21)
}

// logs returns the logs that a name stands for. If matches is true they include
// as, even if it does not exist. A pattern that matches nothing stands for itself.
func (c *Config) logs(name, as string, matches bool) []string {
	if !isGlob(name) {
		if info, err := fs.Stat(c.fsys, rooted(name)); err == nil && info.IsDir() {
			return nil
		}
		return []string{name}
	}
	all := c.glob(name)
	if matches && !slices.Contains(all, as) {
		all = append(all, as)
	}
	if len(all) == 0 {
		return []string{name}
	}
	slices.Sort(all)
	return all
}

// Get returns the last directive of a name, and whether there is one.
func (r Rule) Get(name string) (Directive, bool) {
	for i := len(r.Directives) - 1; i >= 0; i-- {
		if r.Directives[i].Name == name {
			return r.Directives[i], true
		}
	}
	return Directive{}, false
}

// On reports whether a directive such as compress, create or copytruncate is on;
// "no" before its name turns it off. renamecopy and copytruncate turn each other
// off.
func (r Rule) On(name string) bool {
	on := name == "ifempty"
	for _, d := range r.Directives {
		switch d.Name {
		case name:
			on = true
		case "no" + name, opposite(name):
			on = false
		}
	}
	return on
}

func opposite(name string) string {
	switch name {
	case "ifempty":
		return "notifempty"
	case "copytruncate":
		return "renamecopy"
	case "renamecopy":
		return "copytruncate"
	case "mailfirst":
		return "maillast"
	}
	return "no" + name
}

// expand returns a log's path as glob(3) would spell it for a name that matches
// it. The name's own slashes stay.
func expand(name, path string) (string, bool) {
	name = home(name)
	if !strings.HasPrefix(name, "/") || !strings.HasPrefix(path, "/") {
		return "", false
	}
	want := strings.Split(strings.Trim(path, "/"), "/")
	parts := strings.Split(name, "/")
	var out []string
	for i, part := range parts {
		switch {
		case part == "" && i < len(parts)-1 || part == "." && i < len(parts)-1:
			out = append(out, part)
			continue
		case len(want) == 0 || !fnmatch(part, want[0]):
			return "", false
		}
		out = append(out, want[0])
		want = want[1:]
	}
	return strings.Join(out, "/"), len(want) == 0
}

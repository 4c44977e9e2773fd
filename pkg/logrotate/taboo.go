// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package logrotate

import (
	"fmt"
	"slices"
	"strings"
)

// A taboo is a pattern of names that logrotate does not read in a directory.
type taboo struct {
	pattern string
	from    Directive // zero for logrotate's own list
}

// defaultTaboo returns logrotate's own list: defTabooExts of config.c at
// r3-8-6, 3.14.0, 3.18.0, 3.21.0 and 3.22.0. 3.17 added .bak, 3.22 .new, .old
// and .orig; the .pac endings came after 3.22.
func defaultTaboo(release [3]int) []taboo {
	exts := []string{
		",v", ".cfsaved", ".disabled", ".dpkg-dist", ".dpkg-new", ".dpkg-old", ".rhn-cfg-tmp-*",
		".rpmnew", ".rpmorig", ".rpmsave", ".swp", ".ucf-dist", ".ucf-new", ".ucf-old", "~",
	}
	for _, later := range []struct {
		minor int
		exts  []string
	}{
		{13, []string{".dpkg-bak", ".dpkg-del", ".dpkg-tmp"}},
		{17, []string{".bak"}},
		{22, []string{".new", ".old", ".orig"}},
		{23, []string{".pacnew", ".pacorig", ".pacsave"}},
	} {
		if slices.Compare(release[:2], []int{3, later.minor}) >= 0 {
			exts = append(exts, later.exts...)
		}
	}
	var all []taboo
	for _, ext := range exts {
		all = append(all, taboo{pattern: "*" + ext})
	}
	return all
}

// match returns the first pattern that excludes a name.
func match(all []taboo, name string) (taboo, bool) {
	for _, t := range all {
		if fnmatch(t.pattern, name) {
			return t, true
		}
	}
	return taboo{}, false
}

// cause says why a name that matches is not read.
func (t taboo) cause() string {
	what := "its name matches " + t.pattern
	if ext, ok := strings.CutPrefix(t.pattern, "*"); ok && !strings.ContainsAny(ext, `*?[\`) {
		what = "its name ends in " + ext
	}
	if t.from.File == "" {
		return what + ", which logrotate ignores"
	}
	return fmt.Sprintf("%s, which %s in %s:%d excludes", what, t.from.Name, t.from.File, t.from.Line)
}

// exclude applies tabooext or taboopat, which replaces the list or, after a
// plus, adds to it. An empty extension is left out; an empty pattern matches
// nothing.
func (c *Config) exclude(d Directive) {
	text, add := strings.CutPrefix(d.Value, "+")
	all := []taboo{}
	if add {
		all = slices.Clone(c.taboo)
	}
	star := map[bool]string{true: "*"}[d.Name == "tabooext"]
	for _, s := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || isSpace(byte(r)) && r < 0x80 }) {
		all = append(all, taboo{star + s, d})
	}
	c.taboo = all
}

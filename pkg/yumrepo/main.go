// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package yumrepo

import "strings"

// The main configuration of dnf, and of yum 3 on Oracle Linux 7.
const (
	DNFConf = "/etc/dnf/dnf.conf"
	YumConf = "/etc/yum.conf"
)

// An Option is a key of [main] with its place.
type Option struct {
	Key   string
	Value string // without the quotes around it, which dnf removes
	Line  int
}

// A Main is the section [main] of dnf.conf or yum.conf. Other sections of the
// file are repositories, as in a .repo file.
type Main struct{ options []Option }

// ReadMain reads [main] with the reader of .repo files, as dnf does. yum 3 accepts
// more: keys in any case, and ":" for "=". A file without [main] has no keys.
func ReadMain(src []byte) (Main, error) {
	f, err := Parse(src)
	if err != nil {
		return Main{}, err
	}
	var m Main
	inMain := false
	for i, l := range f.lines {
		switch {
		case l.kind == section:
			inMain = l.name == "main"
		case l.kind == keyValue && inMain:
			m.options = append(m.options, Option{l.name, unquote(f.value(i)), i + 1})
		}
	}
	return m, nil
}

// unquote removes the quotes that libdnf has removed since 0.20.0
// (IniParser::trimValue), and makes "None" an empty value (dnf/conf/config.py).
func unquote(value string) string {
	value = strings.TrimRight(value, "\n")
	if n := len(value); n > 1 && value[0] == value[n-1] && (value[0] == '"' || value[0] == '\'') {
		value = value[1 : n-1]
	}
	if value == "None" {
		return ""
	}
	return value
}

// Get returns the last option with a key, and whether there is one. Variables
// such as $releasever stay; see [Expand].
func (m Main) Get(key string) (Option, bool) {
	for i := len(m.options) - 1; i >= 0; i-- {
		if m.options[i].Key == key {
			return m.options[i], true
		}
	}
	return Option{}, false
}

// Options returns every option in file order; a key may be there twice.
func (m Main) Options() []Option { return m.options }

// List returns the words of a list, and whether the key exists. An empty list
// replaces dnf's default.
func (m Main) List(key string) ([]string, bool) {
	o, ok := m.Get(key)
	return SplitList(o.Value), ok
}

// ReposDirs returns where dnf looks for .repo files, in order. yum 3 has the
// default /etc/yum/repos.d and then /etc/yum.repos.d.
func (m Main) ReposDirs() []string {
	return m.listOr("reposdir", "/etc/yum.repos.d", "/etc/yum/repos.d", "/etc/distro.repos.d")
}

// VarsDirs returns where dnf looks for variables, in order: a later directory
// wins.
func (m Main) VarsDirs() []string { return m.listOr("varsdir", "/etc/yum/vars", "/etc/dnf/vars") }

func (m Main) listOr(key string, standard ...string) []string {
	if all, ok := m.List(key); ok {
		return all
	}
	return standard
}

// Excludes returns the options that exclude packages. dnf adds them up, and reads
// "exclude", the only name that yum 3 knows, and "excludepkgs" as the same key; an
// empty one clears those above it.
func (m Main) Excludes() []Option {
	var all []Option
	for _, key := range []string{"exclude", "excludepkgs"} {
		if o, ok := m.Get(key); ok {
			all = append(all, o)
		}
	}
	if len(all) == 2 && all[1].Line < all[0].Line {
		all[0], all[1] = all[1], all[0]
	}
	switch {
	case len(all) == 2 && all[1].Value == "":
		return nil
	case len(all) > 0 && all[0].Value == "":
		return all[1:]
	}
	return all
}

// SplitList splits a list at spaces, commas and line ends, as libdnf's
// OptionStringList does.
func SplitList(value string) []string {
	return strings.FieldsFunc(value, func(r rune) bool { return r == ' ' || r == ',' || r == '\n' })
}

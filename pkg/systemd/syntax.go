// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package systemd

import (
	"bytes"
	"strings"
)

// A UnitFile is a unit's file or one of its drop-ins.
type UnitFile struct {
	Path    string
	Content []byte
}

// An Assignment is a line such as "UMask=0077" of a unit file.
type Assignment struct {
	File    string
	Line    int // the first one of several
	Section string
	Key     string
	Value   string // without the space around it; specifiers such as %i stay
}

// Assignments returns what the files of a unit, in the order of their effect,
// assign to a key of a section, empty values included. The order is the unit's
// FragmentPath and then its DropInPaths, as systemd gives them.
//
// It reads as systemd 239 and later do (src/shared/conf-parser.c): a comment
// between continued lines is skipped. For systemd 219 it is part of the value.
func Assignments(files []UnitFile, section, key string) []Assignment {
	var all []Assignment
	for _, f := range files {
		for _, a := range parseUnitFile(f) {
			if a.Section == section && a.Key == key {
				all = append(all, a)
			}
		}
	}
	return all
}

// List returns the assignments in force for a key that takes several, such as
// ExecStart or Environment: those after the last empty one.
func List(files []UnitFile, section, key string) []Assignment {
	var all []Assignment
	for _, a := range Assignments(files, section, key) {
		if all = append(all, a); a.Value == "" {
			all = nil
		}
	}
	return all
}

// Last returns the assignment in force for a key that takes one value, such as
// UMask or PrivateTmp, and whether there is one. An empty value means systemd's
// default. systemd ignores a value that it cannot read; to find out, compare it
// with systemd's property.
func Last(files []UnitFile, section, key string) (Assignment, bool) {
	all := Assignments(files, section, key)
	if len(all) == 0 {
		return Assignment{}, false
	}
	return all[len(all)-1], true
}

// parseUnitFile returns all assignments of a file. A section header that is not
// closed ends it, as it does for systemd.
func parseUnitFile(f UnitFile) []Assignment {
	var all []Assignment
	section, joined, first := "", "", 0
	src := bytes.TrimPrefix(f.Content, []byte("\xef\xbb\xbf"))
	lines := strings.Split(strings.ReplaceAll(string(src), "\r\n", "\n"), "\n")
	for i, line := range lines {
		if bare := trimSpace(line); bare != "" && (bare[0] == '#' || bare[0] == ';') {
			if i+1 < len(lines) {
				continue
			}
			line = ""
		}
		if first == 0 {
			first = i + 1
		}
		joined += line
		if endsInBackslash(joined) {
			joined = joined[:len(joined)-1] + " "
			if i+1 < len(lines) {
				continue
			}
		}
		text, at := trimSpace(joined), first
		joined, first = "", 0
		if strings.HasPrefix(text, "[") {
			if !strings.HasSuffix(text, "]") || len(text) < 2 {
				return all
			}
			section = text[1 : len(text)-1]
			continue
		}
		key, value, ok := strings.Cut(text, "=")
		if ok && section != "" && text[0] != '#' && text[0] != ';' {
			all = append(all, Assignment{f.Path, at, section, trimSpace(key), trimSpace(value)})
		}
	}
	return all
}

// endsInBackslash reports whether a line is continued. An escaped backslash does
// not continue it.
func endsInBackslash(line string) bool {
	escaped := false
	for i := range len(line) {
		escaped = !escaped && line[i] == '\\'
	}
	return escaped
}

func trimSpace(s string) string { return strings.Trim(s, " \t\n\r") }

// A Variable is an environment variable that a unit file sets.
type Variable struct {
	Name, Value string
	From        Assignment
}

// Environment returns the variables that Environment= sets, each once, with the
// assignment that wins, without those that UnsetEnvironment= removes. Specifiers
// stay as they are. It does not include what EnvironmentFile= and
// PassEnvironment= add, nor what the former overrides.
func Environment(files []UnitFile) []Variable {
	var all []Variable
	for _, a := range List(files, "Service", "Environment") {
		words, _ := Words(a.Value) // systemd keeps the words before a broken one
		for _, word := range words {
			name, value, ok := strings.Cut(word, "=")
			if !ok || !isVariable(name) {
				continue
			}
			all = append(without(all, name), Variable{name, value, a})
		}
	}
	for _, a := range List(files, "Service", "UnsetEnvironment") {
		words, _ := Words(a.Value)
		for _, word := range words {
			name, value, exact := strings.Cut(word, "=")
			for _, v := range all {
				if v.Name == name && (!exact || v.Value == value) {
					all = without(all, name)
				}
			}
		}
	}
	return all
}

// without returns all variables except one, in a new slice.
func without(all []Variable, name string) []Variable {
	var rest []Variable
	for _, v := range all {
		if v.Name != name {
			rest = append(rest, v)
		}
	}
	return rest
}

func isVariable(name string) bool {
	for i, r := range name {
		letter := r == '_' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return name != ""
}

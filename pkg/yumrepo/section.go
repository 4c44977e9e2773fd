// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package yumrepo

import "strings"

// A Section is one repository of a .repo file.
type Section struct {
	ID string // the text between the brackets

	line int // of its header, from 1
	keys []KeyValue
}

// A KeyValue is one key of a section and its value.
type KeyValue struct {
	Key   string
	Value string // the lines of a continued value joined by "\n"
}

// Sections returns the sections in file order. A section that appears twice is
// returned twice.
func (f *File) Sections() []Section {
	var all []Section
	for i, l := range f.lines {
		switch l.kind {
		case section:
			all = append(all, Section{ID: l.name, line: i + 1})
		case keyValue:
			s := &all[len(all)-1]
			s.keys = append(s.keys, KeyValue{Key: l.name, Value: f.value(i)})
		}
	}
	return all
}

// Section returns the section id as dnf sees it, and whether it exists. A section
// that appears several times has the keys of all of them in order.
func (f *File) Section(id string) (Section, bool) {
	var merged Section
	for _, s := range f.Sections() {
		switch {
		case s.ID != id:
		case merged.line == 0:
			merged = s
		default:
			merged.keys = append(merged.keys, s.keys...)
		}
	}
	return merged, merged.line != 0
}

// value returns the value of the key on line i with the lines that continue it.
// libdnf drops lines of spaces at its end.
func (f *File) value(i int) string {
	parts := []string{f.lines[i].value}
	for _, l := range f.lines[i+1:] {
		if l.kind != continuation {
			break
		}
		parts = append(parts, l.value)
	}
	return strings.TrimRight(strings.Join(parts, "\n"), "\n")
}

// Get returns the value of key, the last one if the key appears twice, and
// whether the key exists.
func (s Section) Get(key string) (string, bool) {
	for i := len(s.keys) - 1; i >= 0; i-- {
		if s.keys[i].Key == key {
			return s.keys[i].Value, true
		}
	}
	return "", false
}

// Enabled reports whether dnf uses the repository when its command line says
// nothing about it.
func (s Section) Enabled() bool { return s.Bool("enabled", true) }

// Bool returns the value of a key that is a boolean, as dnf reads it: unset if the key
// is missing or is no boolean, which dnf warns about and ignores. dnf removes quotes,
// yum 3 does not.
func (s Section) Bool(key string, unset bool) bool {
	value, _ := s.Get(key)
	if on, ok := parseBool(unquote(value)); ok {
		return on
	}
	return unset
}

// hasBool reports whether kv is a boolean that dnf already reads as wanted.
func (s Section) hasBool(kv KeyValue) bool {
	switch kv.Key {
	case "enabled", "gpgcheck", "repo_gpgcheck", "sslverify":
		value, _ := s.Get(kv.Key)
		is, known := parseBool(value)
		want, ok := parseBool(kv.Value)
		return known && ok && is == want
	}
	return false
}

// parseBool reads a boolean as yum and dnf do.
func parseBool(value string) (on, ok bool) {
	switch strings.ToLower(value) {
	case "1", "yes", "true", "on":
		return true, true
	case "0", "no", "false", "off":
		return false, true
	}
	return false, false
}

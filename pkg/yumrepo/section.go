// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package yumrepo

import "strings"

// A Section is one repository of a .repo file.
type Section struct {
	ID   string // what stands between the brackets
	Line int    // of its header, from 1

	keys []KeyValue
}

// A KeyValue is one setting of a section.
type KeyValue struct {
	Key   string
	Value string // the parts of a value over several lines joined by "\n"
}

// Sections returns the sections in their order. One that stands in the file
// twice is there twice.
func (f *File) Sections() []Section {
	var all []Section
	for i, l := range f.lines {
		switch l.kind {
		case section:
			all = append(all, Section{ID: l.name, Line: i + 1})
		case keyValue:
			s := &all[len(all)-1]
			s.keys = append(s.keys, KeyValue{Key: l.name, Value: f.value(i)})
		}
	}
	return all
}

// Section returns the section id as dnf sees it: if it stands in the file
// several times, the keys of all of them in order, under the first one's line.
func (f *File) Section(id string) (Section, bool) {
	var merged Section
	for _, s := range f.Sections() {
		switch {
		case s.ID != id:
		case merged.Line == 0:
			merged = s
		default:
			merged.keys = append(merged.keys, s.keys...)
		}
	}
	return merged, merged.Line != 0
}

// value returns the value of the key on line i, all parts of it.
func (f *File) value(i int) string {
	parts := []string{f.lines[i].value}
	for _, l := range f.lines[i+1:] {
		if l.kind == section || l.kind == keyValue {
			break
		}
		if l.kind == more {
			parts = append(parts, l.value)
		}
	}
	return strings.Join(parts, "\n")
}

// Keys returns the settings in their order, duplicates included.
func (s Section) Keys() []KeyValue { return append([]KeyValue(nil), s.keys...) }

// Get returns the value of key, the last one if the key stands there twice,
// and whether it is there.
func (s Section) Get(key string) (string, bool) {
	for i := len(s.keys) - 1; i >= 0; i-- {
		if s.keys[i].Key == key {
			return s.keys[i].Value, true
		}
	}
	return "", false
}

// Enabled reports whether dnf uses the repository when its command line says
// nothing about it. Without the key it does, and also with a value that is no
// boolean, which dnf warns about and ignores.
func (s Section) Enabled() bool {
	value, ok := s.Get("enabled")
	on, known := parseBool(value)
	return !ok || !known || on
}

// Bool reads the boolean value of key, and whether there is one.
func (s Section) Bool(key string) (on, known bool) {
	value, _ := s.Get(key)
	return parseBool(value)
}

// parseBool reads a boolean as yum and dnf do.
func parseBool(value string) (on, known bool) {
	switch strings.ToLower(value) {
	case "1", "yes", "true", "on":
		return true, true
	case "0", "no", "false", "off":
		return false, true
	}
	return false, false
}

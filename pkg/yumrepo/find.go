// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package yumrepo

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A Place is where a section stands.
type Place struct {
	File string
	Line int // from 1
}

func (p Place) String() string { return fmt.Sprintf("%s:%d", p.File, p.Line) }

// Places returns every place where the section id stands in files, which map a
// name to its content, by name and line. dnf uses one of several and warns; a
// setting in another has no effect. A file that dnf cannot read has no
// sections.
func Places(files map[string][]byte, id string) []Place {
	var all []Place
	for name, src := range files {
		f, err := Parse(src)
		if err != nil {
			continue
		}
		for _, s := range f.Sections() {
			if s.ID == id {
				all = append(all, Place{File: name, Line: s.Line})
			}
		}
	}
	slices.SortFunc(all, func(a, b Place) int {
		if c := strings.Compare(a.File, b.File); c != 0 {
			return c
		}
		return a.Line - b.Line
	})
	return all
}

// Oracle Linux 10 has one section per update release, and whether the newest
// update has one yet cannot be known from the version: seen as
// ol10_u1_developer_EPEL on a 10.2 host.
var epelID = regexp.MustCompile(`^ol\d+(_u\d+)?_developer_EPEL$`)

// EPEL returns the ids of Oracle's EPEL sections in a .repo file, each once. A
// file that dnf cannot read has none.
func EPEL(src []byte) []string {
	f, err := Parse(src)
	if err != nil {
		return nil
	}
	var ids []string
	for _, s := range f.Sections() {
		if epelID.MatchString(s.ID) && !slices.Contains(ids, s.ID) {
			ids = append(ids, s.ID)
		}
	}
	return ids
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package yumrepo

import (
	"maps"
	"regexp"
	"slices"
)

// FilesWith returns the names of the files that have the section id, sorted. If
// there are several, dnf warns and uses one; keys in the others have no effect.
// A file that dnf cannot read has no sections.
func FilesWith(files map[string][]byte, id string) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if f, err := Parse(files[name]); err == nil {
			if _, ok := f.Section(id); ok {
				names = append(names, name)
			}
		}
	}
	return names
}

// Oracle Linux 10 has one section per update release, but the newest update may
// not have one yet: ol10_u1_developer_EPEL was seen on a 10.2 host.
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

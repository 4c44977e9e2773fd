// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package yumrepo

import (
	"maps"
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

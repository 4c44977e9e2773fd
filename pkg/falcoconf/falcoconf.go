// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Package falcoconf edits and checks falco.yaml. [Set] changes it by path, with
// the promises of package yamledit. [Load] works out what a Falco of a given
// version reads, from falco.yaml, the fragments of config_files and the -o options
// of its unit, and what is wrong with that.
//
// The package takes bytes, or an [io/fs.FS], and returns bytes. It does not open
// other files, expand ${VARIABLES}, read rules, or replace Falco's own check of a
// configuration (--dry-run).
package falcoconf

import (
	"fmt"
	"slices"
	"strings"

	"github.com/falco-bootstrap/falco-bootstrap/pkg/yamledit"
)

// A Setting is one declared key of falco.yaml. Its path has the notation of
// Falco's own -o: file_output.filename, plugins[0].init_config.
type Setting = yamledit.Setting

// An Error is a refusal: where, why, and what to do about it.
type Error = yamledit.Error

// Set returns src with the settings applied, or src itself if all of them are
// applied already. See [yamledit.Set].
func Set(src []byte, settings ...Setting) ([]byte, error) {
	return yamledit.Set(src, settings...)
}

// ParseSetting reads "KEY=VALUE". An empty VALUE is the empty string, as for
// Falco's own -o. See [yamledit.ParseSetting].
func ParseSetting(s string) (Setting, error) { return yamledit.ParseSetting(s) }

// Flatten returns the settings of a map that is nested, dotted, or both, sorted
// by path. Leaves are scalars, lists and empty maps. A key with a dot is a path.
func Flatten(m map[string]any) []Setting {
	all := flatten(nil, "", m)
	sortByPath(all)
	return all
}

// flatten appends the leaves of m, whose keys begin with prefix.
func flatten(all []Setting, prefix string, m map[string]any) []Setting {
	for key, v := range m {
		if sub, ok := v.(map[string]any); ok && len(sub) > 0 {
			all = flatten(all, prefix+key+".", sub)
			continue
		}
		all = append(all, Setting{Path: prefix + key, Value: v})
	}
	return all
}

func sortByPath(all []Setting) {
	slices.SortStableFunc(all, func(a, b Setting) int { return strings.Compare(a.Path, b.Path) })
}

// LostEdits returns the leaves of saved, a file that an upgrade moved aside
// (.rpmsave), that the live file lacks or to which it gives another value, sorted
// by path. shipped is the file as the old release had it: what it has too is no edit.
// If that is nil, defaults that changed between the two releases are among them.
func LostEdits(live, saved, shipped []byte) ([]Setting, error) {
	var read [3]map[string]any
	for i, src := range [][]byte{live, saved, shipped} {
		var err error
		if read[i], err = yamledit.Decode(src); err != nil {
			return nil, fmt.Errorf("reading the %s file: %w", []string{"live", "saved", "shipped"}[i], err)
		}
	}
	lost := lostLeaves(nil, nil, read[1], read[0])
	if shipped != nil {
		edited := map[string]bool{}
		for _, s := range lostLeaves(nil, nil, read[1], read[2]) {
			edited[s.Path] = true
		}
		lost = slices.DeleteFunc(lost, func(s Setting) bool { return !edited[s.Path] })
	}
	sortByPath(lost)
	return lost, nil
}

// lostLeaves appends the leaves of old, the map at path, that differ in now.
func lostLeaves(lost []Setting, path yamledit.Path, old map[string]any, now any) []Setting {
	nowMap, _ := now.(map[string]any)
	for key, v := range old {
		if key == "" {
			continue // has no path
		}
		at := append(slices.Clip(path), yamledit.Step{Key: key})
		live, ok := nowMap[key]
		if sub, isMap := v.(map[string]any); isMap && len(sub) > 0 {
			lost = lostLeaves(lost, at, sub, live)
		} else if !ok || !readAlike(live, v) {
			lost = append(lost, Setting{Path: at.String(), Value: v})
		}
	}
	return lost
}

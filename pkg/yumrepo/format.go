// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package yumrepo

import (
	"fmt"
	"slices"
	"strings"
)

// NewSection returns a section for [Format], with its settings in order.
func NewSection(id string, keys ...KeyValue) Section {
	return Section{ID: id, keys: slices.Clone(keys)}
}

// Format returns a whole .repo file: the comment, each line of it behind "# ",
// and the sections with a blank line before each. A section or a setting that
// would not read back as it is given is an error.
func Format(comment string, sections ...Section) ([]byte, error) {
	var b strings.Builder
	if comment != "" {
		for text := range strings.SplitSeq(strings.TrimRight(comment, "\n"), "\n") {
			b.WriteString(strings.TrimRight("# "+text, " ") + "\n")
		}
	}
	for _, s := range sections {
		if b.Len() > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "[%s]\n", s.ID)
		for _, kv := range s.keys {
			if err := settable(kv.Key, kv.Value); err != nil {
				return nil, fmt.Errorf("[%s] %w", s.ID, err)
			}
			fmt.Fprintf(&b, "%s=%s\n", kv.Key, kv.Value)
		}
	}
	out := []byte(b.String())
	f, err := Parse(out)
	if err != nil {
		return nil, err
	}
	same := slices.EqualFunc(sections, f.Sections(), func(a, b Section) bool {
		return a.ID == b.ID && slices.Equal(a.keys, b.keys)
	})
	if !same {
		return nil, fmt.Errorf("formatting: %w", ErrUnproven)
	}
	return out, nil
}

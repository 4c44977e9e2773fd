// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package yumrepo

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// Add returns src with a new section at its end, after a blank line. A file
// that is empty or blank becomes a new one, which begins with the comment, each
// line of it after "# ".
//
// It fails if the section already exists, or if anything would read back
// differently.
func Add(src []byte, comment, id string, keys ...KeyValue) ([]byte, error) {
	f, err := Parse(src)
	if err != nil {
		return nil, err
	}
	if s, ok := f.Section(id); ok {
		return nil, fmt.Errorf("line %d: [%s]: %w", s.line, id, errSectionExists)
	}
	var added []item
	if len(bytes.TrimSpace(src)) == 0 {
		f = &File{}
		added = commentItems(comment)
	}
	if len(added)+len(f.lines) > 0 {
		added = append(added, item{})
	}
	added = append(added, item{kind: section, name: id})
	for _, kv := range keys {
		if err := checkKeyValue(kv); err != nil {
			return nil, fmt.Errorf("[%s] %w", id, err)
		}
		added = append(added, item{kind: keyValue, name: kv.Key, value: kv.Value})
	}
	if got, err := sectionID("[" + id + "]"); err != nil || got != id || strings.ContainsAny(id+comment, "\r\x00") || strings.Contains(id, "\n") {
		return nil, fmt.Errorf("[%s]: %w", id, errBadSection)
	}
	return f.proven(f.appendItems(added), append(f.items(), added...))
}

func commentItems(comment string) []item {
	if comment == "" {
		return nil
	}
	var all []item
	for text := range strings.SplitSeq(strings.TrimRight(comment, "\n"), "\n") {
		all = append(all, item{name: strings.TrimRight("# "+text, " \t")})
	}
	return all
}

// appendItems adds lines in the file's own line ends. A file without a final
// newline stays without one.
func (f *File) appendItems(added []item) []byte {
	last := len(f.lines) - 1
	eol, missing := f.lineEnd(last), f.missingEnd(last)
	texts := make([]string, len(added))
	for i, it := range added {
		texts[i] = it.String()
	}
	text := missing + strings.Join(texts, eol)
	if missing == "" {
		text += eol
	}
	return slices.Concat(f.src, []byte(text))
}

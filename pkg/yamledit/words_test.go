// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package yamledit

import (
	"errors"
	"strings"
	"testing"
)

// A refusal says which kind of text it is that no edit is made in.
func TestRefusalsInWords(t *testing.T) {
	deep := strings.Repeat("[", 2000) + strings.Repeat("]", 2000)
	for _, tt := range []struct {
		in, says string
		set      Setting
	}{
		{"\xff\xfea\x00", "file is UTF-16", Setting{"a", 2}},
		{"? [a]\n: 1\n", "key is not a plain name", Setting{"b", 2}},
		{"a: 1\u2028b: 2\n", "text holds characters about which YAML parsers disagree", Setting{"c", 2}},
		{"a: &x {k: 1}\nb: *x\n", "value is the alias *x", Setting{"b.k", 2}},
		{"a: [k: 1]\n", "map is written without braces inside a list", Setting{"a[0].k", 2}},
		{"a: " + deep + "\n", "nested too deeply", Setting{"b", 2}},
		{"a: &x\n  k: 1\n", "edits overlap", Setting{"a", 2}},
		{"a: !!map\n  k: 1\nb: 1\n", "value has a tag or an anchor before it", Setting{"a", []any{1}}},
		{"a: [1]\n", "path appends to a list each time it is applied", Setting{"a[]", 2}},
	} {
		_, err := Set([]byte(tt.in), tt.set)
		if err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("Set(%.40q, %v) = %v, want %q", tt.in, tt.set, err, tt.says)
		}
	}
	_, err := Set([]byte("a: [\n"), Setting{"a", 2})
	var told *Error
	if !errors.Is(err, ErrSyntax) || !errors.As(err, &told) || !strings.Contains(told.Hint, "correct the line, or restore the file") {
		t.Errorf("Set in what is no YAML = %v, want %v and what to do", err, ErrSyntax)
	}
	if _, err := ParseSetting("a=[1"); err == nil || !strings.Contains(err.Error(), "value is not YAML: ") {
		t.Errorf("ParseSetting = %v, want that the value is not YAML", err)
	}
}

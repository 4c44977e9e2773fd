// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package yumrepo

import (
	"errors"
	"strings"
	"testing"
)

func TestAdd(t *testing.T) {
	for _, test := range []struct{ name, in, comment, want string }{
		{name: "a new file", comment: "Mine.\n\nTwice.\n", want: "# Mine.\n#\n# Twice.\n\n[a]\nname=A\nenabled=1\n"},
		{name: "a new file without comment", want: "[a]\nname=A\nenabled=1\n"},
		{name: "a blank file", in: " \n\n", comment: "Mine.", want: "# Mine.\n\n[a]\nname=A\nenabled=1\n"},
		{name: "after another section", in: "[b]\nx=1\n", comment: "Mine.", want: "[b]\nx=1\n\n[a]\nname=A\nenabled=1\n"},
		{name: "after a blank line", in: "[b]\n\n", want: "[b]\n\n\n[a]\nname=A\nenabled=1\n"},
		{name: "after comments", in: "# c\n", comment: "Mine.", want: "# c\n\n[a]\nname=A\nenabled=1\n"},
		{name: "CRLF", in: "[b]\r\nx=1\r\n", want: "[b]\r\nx=1\r\n\r\n[a]\r\nname=A\r\nenabled=1\r\n"},
		{name: "no final newline", in: "[b]\nx=1", want: "[b]\nx=1\n\n[a]\nname=A\nenabled=1"},
		{name: "CRLF, no final newline", in: "[b]\r\nx=1", want: "[b]\r\nx=1\r\n\r\n[a]\r\nname=A\r\nenabled=1"},
		{name: "a carriage return at the end of the file", in: "[b]\r\nx=1\r", want: "[b]\r\nx=1\r\n\r\n[a]\r\nname=A\r\nenabled=1"},
		{name: "byte order mark", in: "\xef\xbb\xbf", comment: "Mine.", want: "\xef\xbb\xbf\n\n[a]\nname=A\nenabled=1"},
	} {
		got, err := Add([]byte(test.in), test.comment, "a", KeyValue{"name", "A"}, KeyValue{"enabled", "1"})
		if err != nil || string(got) != test.want {
			t.Errorf("%s: Add(%q) = %q, %v, want %q", test.name, test.in, got, err, test.want)
		}
	}
	if got, err := Add([]byte("[b]\n"), "", "a"); err != nil || string(got) != "[b]\n\n[a]\n" {
		t.Errorf("Add without keys = %q, %v, want %q", got, err, "[b]\n\n[a]\n")
	}
}

func TestAddRefuses(t *testing.T) {
	for _, test := range []struct {
		name, in, comment, id string
		kv                    KeyValue
		want                  error
		words                 string
	}{
		{name: "already there", in: "[b]\n[a]\n", id: "a", kv: KeyValue{"x", "1"}, want: errSectionExists, words: "line 2: [a]"},
		{name: "bracket in the id", id: "a]b", kv: KeyValue{"x", "1"}, want: errBadSection, words: "[a]b]"},
		{name: "no id", kv: KeyValue{"x", "1"}, want: errBadSection},
		{name: "id over two lines", id: "a]\n[b", kv: KeyValue{"x", "1"}, want: errBadSection},
		{name: "carriage return in the comment", comment: "a\rb", id: "a", kv: KeyValue{"x", "1"}, want: errBadSection},
		{name: "key with a space", id: "a", kv: KeyValue{"a b", "1"}, want: errBadKey, words: "[a]"},
		{name: "two lines", id: "a", kv: KeyValue{"a", "1\nb=2"}, want: errBadValue},
		{name: "space at the end", id: "a", kv: KeyValue{"a", "1 "}, want: errBadValue},
	} {
		got, err := Add([]byte(test.in), test.comment, test.id, test.kv)
		if got != nil || !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.words) {
			t.Errorf("%s: Add(%q) = %q, %v, want %v naming %q", test.name, test.in, got, err, test.want, test.words)
		}
	}
	if _, err := Add([]byte("[b]\njunk\n"), "", "a"); err == nil || !strings.HasPrefix(err.Error(), "line 2: neither") {
		t.Errorf("Add to a broken file = %v, want one that names line 2", err)
	}
}

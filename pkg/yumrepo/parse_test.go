// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package yumrepo

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func read(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestSections(t *testing.T) {
	const in = "\xef\xbb\xbf# comment\r\n[a]\r\nname = A b\r\nbaseurl=http://one/\r\n  http://two/\r\n\r\n\thttp://three/ \r\n\r\n# after\r\n" +
		"  [b] ; why\nenabled= \nx=1\nx=2=3\n[c ]\t\n"
	f, err := Parse([]byte(in))
	if err != nil {
		t.Fatalf("Parse(%q) = %v", in, err)
	}
	want := []Section{
		{ID: "a", line: 2, keys: []KeyValue{{"name", "A b"}, {"baseurl", "http://one/\nhttp://two/\n\nhttp://three/"}}},
		{ID: "b", line: 10, keys: []KeyValue{{"enabled", ""}, {"x", "1"}, {"x", "2=3"}}},
		{ID: "c ", line: 14},
	}
	if diff := cmp.Diff(want, f.Sections(), cmp.AllowUnexported(Section{})); diff != "" {
		t.Errorf("Sections (-want +got):\n%s", diff)
	}
	if v, ok := want[1].Get("x"); v != "2=3" || !ok {
		t.Errorf(`Get("x") = %q, %v, want the last, "2=3"`, v, ok)
	}
	if v, ok := want[1].Get("X"); ok {
		t.Errorf(`Get("X") = %q, want none: keys are case-sensitive`, v)
	}
}

func TestSectionMerges(t *testing.T) {
	f, err := Parse([]byte("[a]\nx=1\n[b]\nx=2\n[a]\nx=3\n"))
	if err != nil {
		t.Fatal(err)
	}
	s, ok := f.Section("a")
	if v, _ := s.Get("x"); !ok || s.line != 1 || v != "3" {
		t.Errorf("Section(a) = %+v, %v, want line 1 with x=3", s, ok)
	}
	if s, ok := f.Section("none"); ok {
		t.Errorf("Section(none) = %+v, want none", s)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, test := range []struct{ name, in, want string }{
		{"junk", "[a]\nx=1\njunk\n", "line 3: neither a section, a comment nor key=value"},
		{"dnf does not accept a colon for =", "[a]\nenabled: 0\n", "line 2: neither a section, a comment nor key=value"},
		{"no key", "[a]\n=1\n", "line 2: the key before = is missing"},
		{"open bracket", "\n[a\n", "line 2: the section's ] is missing"},
		{"no name", "[]\n", "line 1: the section has no name"},
		{"text after the bracket", "[a] bc\n", "line 1: text follows the section's ]"},
		{"a key after the bracket, old Macintosh", "[a]\renabled=1\r", "line 1: text follows the section's ]"},
		{"key before a section", "enabled=1\n[a]\n", "line 1: text before the first section"},
		{"indented before a section", " enabled=1\n[a]\n", "line 1: text before the first section"},
		{"indented after a header", "[a]\n enabled=1\n", "line 2: an indented line continues nothing"},
		{"continued after a comment", "[a]\nx=1\n# c\n  2\n", "line 4: an indented line continues nothing"},
		{"continued after an empty line", "[a]\nx=1\n\n  2\n", "line 4: an indented line continues nothing"},
		{"an indented comment is not one to dnf", "[a]\n # x\n", "line 2: an indented line continues nothing"},
	} {
		f, err := Parse([]byte(test.in))
		if f != nil || err == nil || err.Error() != test.want {
			t.Errorf("%s: Parse(%q) = %v, %v, want %q", test.name, test.in, f, err, test.want)
		}
	}
}

// What libdnf reads although it looks wrong, as libdnf 0.69 does.
func TestParseReads(t *testing.T) {
	for _, test := range []struct{ name, in, id, want string }{
		{"one character after the bracket", "[a]x\nk=1\n", "a", "1"},
		{"one after a space", "[a] x\nk=1\n", "a", "1"},
		{"a second bracket", "[a]]\nk=1\n", "a", "1"},
		{"a comment after the bracket", "[a]#xy\nk=1\n", "a", "1"},
		{"NUL in the name", "[a\x00b]\nk=1\n", "a\x00b", "1"},
		{"NUL in a value", "[a]\nk=1\x00\n", "a", "1\x00"},
		{"NUL in a comment", "[a]\n#\x00\nk=1\n", "a", "1"},
		{"a carriage return in a value", "[a]\nk=1\rk=2\n", "a", "1\rk=2"},
		{"two at the end", "[a]\r\r\nk=1\r\r\n", "a", "1"},
		{"a line of spaces in a value", "[a]\nk=1\n \t\n  2\n", "a", "1\n\n2"},
		{"an empty line of a file with CRLF", "[a]\r\nk=1\r\n\r\n  2\r\n", "a", "1\n\n2"},
		{"lines of spaces after a value", "[a]\r\nk=1\r\n\r\n \r\nx=2\r\n", "a", "1"},
		{"spaces before a carriage return", "[a]\r\nk= \r\n", "a", ""},
		{"a comment in the value", "[a]\nk=1\n  # c\n", "a", "1\n# c"},
	} {
		f, err := Parse([]byte(test.in))
		if err != nil {
			t.Errorf("%s: Parse(%q) = %v", test.name, test.in, err)
			continue
		}
		s, _ := f.Section(test.id)
		if got, ok := s.Get("k"); !ok || got != test.want {
			t.Errorf("%s: Parse(%q): k is %q, %v, want %q", test.name, test.in, got, ok, test.want)
		}
	}
}

func TestEnabled(t *testing.T) {
	for _, test := range []struct {
		in   string
		want bool
	}{
		{"", true},
		{"enabled=1\n", true},
		{"enabled=0\n", false},
		{"enabled = True\n", true},
		{"enabled = FALSE \n", false},
		{"enabled=yes\n", true},
		{"enabled=no\n", false},
		{"enabled=on\n", true},
		{"enabled=Off\n", false},
		{"enabled=\n", true},
		{"enabled=\"0\"\n", false},
		{"enabled='no'\n", false},
		{"enabled=\"0\n", true},
		{"enabled=maybe\n", true},
		{"enabled=0 # later\n", true}, // not a comment to dnf, so not a boolean
		{"Enabled=0\n", true},
		{"enabled=1\nenabled=0\n", false},
	} {
		f, err := Parse([]byte("[a]\n" + test.in))
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Sections()[0].Enabled(); got != test.want {
			t.Errorf("%q: Enabled() = %v, want %v", test.in, got, test.want)
		}
	}
}

func TestFilesWith(t *testing.T) {
	files := map[string][]byte{
		"b.repo":      []byte("[x]\n[falcosecurity-rpm]\n"),
		"a.repo":      []byte("[falcosecurity-rpm]\n[falcosecurity-rpm]\n"),
		"broken.repo": []byte("[falcosecurity-rpm]\njunk\n"),
		"other.repo":  []byte("#[falcosecurity-rpm]\n[falcosecurity-rpm-dev]\n"),
	}
	want := []string{"a.repo", "b.repo"}
	if diff := cmp.Diff(want, FilesWith(files, "falcosecurity-rpm")); diff != "" {
		t.Errorf("FilesWith (-want +got):\n%s", diff)
	}
}

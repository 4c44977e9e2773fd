// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package yumrepo

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// setTests are also the seeds of FuzzSet. An empty want means unchanged.
var setTests = []struct{ name, in, id, key, value, want string }{
	{name: "one byte", in: "[a]\nenabled=0\n", id: "a", key: "enabled", value: "1", want: "[a]\nenabled=1\n"},
	{name: "already set", in: "[a]\nenabled=1\n", id: "a", key: "enabled", value: "1"},
	{name: "spaces and CRLF survive", in: "[epel]\r\nenabled = 0\r\n", id: "epel", key: "enabled", value: "1", want: "[epel]\r\nenabled = 1\r\n"},
	{name: "tabs survive", in: "[a]\nenabled\t=\t0\t\n", id: "a", key: "enabled", value: "1", want: "[a]\nenabled\t=\t1\t\n"},
	{name: "no final newline", in: "[a]\nenabled=0", id: "a", key: "enabled", value: "1", want: "[a]\nenabled=1"},
	{name: "the other sections stay", in: "[a]\nenabled=0\n\n[b]\nenabled=0\n# c\n[c]\nenabled=0\n", id: "b", key: "enabled", value: "1", want: "[a]\nenabled=0\n\n[b]\nenabled=1\n# c\n[c]\nenabled=0\n"},
	{name: "a commented-out key does not count", in: "[a]\n#enabled=0\n;enabled=0\nx=1\n", id: "a", key: "enabled", value: "1", want: "[a]\n#enabled=0\n;enabled=0\nx=1\nenabled=1\n"},
	{name: "header with space and comment", in: "  [a]  # mine\nenabled=0\n", id: "a", key: "enabled", value: "1", want: "  [a]  # mine\nenabled=1\n"},
	{name: "byte order mark", in: "\xef\xbb\xbf[a]\nenabled=0\n", id: "a", key: "enabled", value: "1", want: "\xef\xbb\xbf[a]\nenabled=1\n"},
	{name: "empty value", in: "[a]\nenabled=\n", id: "a", key: "enabled", value: "1", want: "[a]\nenabled=1\n"},
	{name: "empty value with space", in: "[a]\nenabled = \r\n", id: "a", key: "enabled", value: "1", want: "[a]\nenabled = 1\r\n"},
	{name: "to an empty value", in: "[a]\nproxy = x\n", id: "a", key: "proxy", value: "", want: "[a]\nproxy = \n"},
	{name: "over continuation lines", in: "[a]\nbaseurl=http://1/\n  http://2/\n\thttp://3/\nenabled=1\n", id: "a", key: "baseurl", value: "http://4/", want: "[a]\nbaseurl=http://4/\nenabled=1\n"},
	{name: "lines of spaces between continuation lines", in: "[a]\nbaseurl=\n \n  http://1/\n \n  http://2/\n \n# two\nx=1\n", id: "a", key: "baseurl", value: "http://4/", want: "[a]\nbaseurl=http://4/\n \n# two\nx=1\n"},
	{name: "continuation without final newline", in: "[a]\nbaseurl=http://1/\n  http://2/", id: "a", key: "baseurl", value: "http://4/", want: "[a]\nbaseurl=http://4/"},
	{name: "line of spaces, continuation, no final newline", in: "[a]\nk=1\n \n  2", id: "a", key: "k", value: "3", want: "[a]\nk=3"},
	{name: "a value at a carriage return without a newline", in: "[epel]\r\n0=\r", id: "epel", key: "enabled", value: "0", want: "[epel]\r\n0=\r\nenabled=0"},
	{name: "empty line after a value with CRLF", in: "[a]\r\nk=1\r\n\r\n[b]\r\n", id: "a", key: "enabled", value: "0", want: "[a]\r\nk=1\r\nenabled=0\r\n\r\n[b]\r\n"},
	{name: "text that looks like a comment is the value", in: "[a]\nenabled=0 # for now\n", id: "a", key: "enabled", value: "1", want: "[a]\nenabled=1\n"},
	{name: "value with =", in: "[a]\nname=b=c\n", id: "a", key: "name", value: "=d=", want: "[a]\nname==d=\n"},
	{name: "inserted after the last key", in: "[a]\nname=A\n\n# about b\n[b]\nname=B\n", id: "a", key: "enabled", value: "0", want: "[a]\nname=A\nenabled=0\n\n# about b\n[b]\nname=B\n"},
	{name: "inserted in the same spelling", in: "[a]\r\nname = A\r\n", id: "a", key: "enabled", value: "0", want: "[a]\r\nname = A\r\nenabled = 0\r\n"},
	{name: "inserted after continuation lines", in: "[a]\nbaseurl=http://1/\n  http://2/\n#d\n", id: "a", key: "enabled", value: "0", want: "[a]\nbaseurl=http://1/\n  http://2/\nenabled=0\n#d\n"},
	{name: "inserted into an empty section", in: "[a]\n\n[b]\n", id: "a", key: "enabled", value: "0", want: "[a]\nenabled=0\n\n[b]\n"},
	{name: "inserted without final newline", in: "[a]\r\nname=A", id: "a", key: "enabled", value: "0", want: "[a]\r\nname=A\r\nenabled=0"},
	{name: "inserted after a lone header", in: "[a]", id: "a", key: "enabled", value: "0", want: "[a]\nenabled=0"},
	{name: "duplicates elsewhere do not matter", in: "[a]\nx=1\nx=2\nenabled=0\n[b]\n[b]\n", id: "a", key: "enabled", value: "1", want: "[a]\nx=1\nx=2\nenabled=1\n[b]\n[b]\n"},
	{name: "a carriage return at the end of the file", in: "[epel]\r\n0=\r", id: "epel", key: "x", value: "1", want: "[epel]\r\n0=\r\nx=1"},
	{name: "a carriage return at the end of the file stays", in: "[a]\nx=1\ny=2\r", id: "a", key: "x", value: "3", want: "[a]\nx=3\ny=2\r"},
	{name: "a boolean in a word", in: "[a]\nenabled = yes\n", id: "a", key: "enabled", value: "1"},
	{name: "a boolean in a word, off", in: "[a]\nsslverify=No\n", id: "a", key: "sslverify", value: "0"},
	{name: "a boolean that differs", in: "[a]\ngpgcheck = yes\n", id: "a", key: "gpgcheck", value: "0", want: "[a]\ngpgcheck = 0\n"},
	{name: "a value that is not a boolean", in: "[a]\nenabled=maybe\n", id: "a", key: "enabled", value: "0", want: "[a]\nenabled=0\n"},
	{name: "a boolean with text after it", in: "[a]\nenabled=0 # x\n", id: "a", key: "enabled", value: "0", want: "[a]\nenabled=0\n"},
	{name: "a boolean twice that dnf reads as wanted", in: "[a]\nenabled=0\nenabled=1\n", id: "a", key: "enabled", value: "1"},
	{name: "a number is not a boolean", in: "[a]\ncost=yes\n", id: "a", key: "cost", value: "1", want: "[a]\ncost=1\n"},
	{name: "bytes that are not UTF-8", in: "[a]\nname=\xff\xfe\nenabled=0\n", id: "a", key: "enabled", value: "1", want: "[a]\nname=\xff\xfe\nenabled=1\n"},
}

func TestSet(t *testing.T) {
	for _, test := range setTests {
		in := []byte(test.in)
		got, err := Set(in, test.id, KeyValue{test.key, test.value})
		want := test.want
		if want == "" {
			want = test.in
			if len(got) > 0 && &got[0] != &in[0] {
				t.Errorf("%s: Set returned a copy, want its input", test.name)
			}
		}
		if err != nil || string(got) != want {
			t.Errorf("%s: Set(%q, %q, %q, %q) = %q, %v, want %q", test.name, test.in, test.id, test.key, test.value, got, err, want)
		}
		if string(in) != test.in {
			t.Errorf("%s: Set changed its input to %q", test.name, in)
		}
	}
}

func TestSetRefuses(t *testing.T) {
	for _, test := range []struct {
		name, in, key, value string
		want                 error
		line                 string
	}{
		{"no such section", "[b]\n", "enabled", "1", ErrNoSection, "[a]"},
		{"only commented out", "#[a]\n[b]\n", "enabled", "1", ErrNoSection, "[a]"},
		{"in another case", "[A]\n", "enabled", "1", ErrNoSection, "[a]"},
		{"empty file", "", "enabled", "1", ErrNoSection, "[a]"},
		{"section twice", "[a]\n[b]\n[a]\nenabled=1\n", "enabled", "1", errDuplicateSection, "line 3"},
		{"key twice", "[a]\nx=0\ny=1\nx=1\n", "x", "1", errDuplicateKey, "line 4"},
		{"boolean twice", "[a]\nenabled=0\nx=1\nenabled=1\n", "enabled", "0", errDuplicateKey, "line 4"},
		{"key in another case", "[a]\nEnabled=0\n", "enabled", "1", errKeyCase, "line 2"},
		{"two lines", "[a]\n", "x", "1\n[b]", errBadValue, `"1\n[b]"`},
		{"carriage return", "[a]\n", "x", "1\r", errBadValue, "x"},
		{"NUL", "[a]\n", "x", "\x00", errBadValue, "x"},
		{"space before", "[a]\n", "x", " 1", errBadValue, "x"},
		{"no key", "[a]\n", "", "1", errBadKey, `""`},
		{"key with =", "[a]\n", "a=b", "1", errBadKey, "a=b"},
		{"key that is a section", "[a]\n", "[b]", "1", errBadKey, "[b]"},
		{"key that is a comment", "[a]\n", "#b", "1", errBadKey, "#b"},
	} {
		got, err := Set([]byte(test.in), "a", KeyValue{test.key, test.value})
		if got != nil || !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.line) {
			t.Errorf("%s: Set(%q) = %q, %v, want %v naming %s", test.name, test.in, got, err, test.want, test.line)
		}
	}
	if _, err := Set([]byte("[a]\njunk\n"), "a", KeyValue{"x", "1"}); err == nil || !strings.HasPrefix(err.Error(), "line 2: neither") {
		t.Errorf("Set in a broken file = %v, want one that names line 2", err)
	}
}

func TestSetSeveral(t *testing.T) {
	keys := []KeyValue{{"baseurl", "http://x/"}, {"enabled", "1"}, {"gpgcheck", "1"}}
	for _, test := range []struct{ name, in, want string }{
		{name: "all of them set", in: "[a]\ngpgcheck=on\nenabled = TRUE\nbaseurl=http://x/\n"},
		{name: "all of them missing", in: "[a]\r\n\r\n[b]\r\n", want: "[a]\r\nbaseurl=http://x/\r\nenabled=1\r\ngpgcheck=1\r\n\r\n[b]\r\n"},
		{name: "some of each, no final newline", in: "[a]\nenabled = no\n#c\nbaseurl = y\n  z", want: "[a]\nenabled = 1\n#c\nbaseurl = http://x/\ngpgcheck = 1"},
	} {
		in := []byte(test.in)
		got, err := Set(in, "a", keys...)
		want := test.want
		if want == "" {
			want = test.in
			if len(got) > 0 && &got[0] != &in[0] {
				t.Errorf("%s: Set returned a copy, want its input", test.name)
			}
		}
		if err != nil || string(got) != want {
			t.Errorf("%s: Set(%q) = %q, %v, want %q", test.name, test.in, got, err, want)
		}
	}
	if got, err := Set([]byte("[a]\n"), "a", KeyValue{"x", "1"}, KeyValue{"y", "1\n"}); got != nil || !errors.Is(err, errBadValue) {
		t.Errorf("Set of a good and a bad value = %q, %v, want %v", got, err, errBadValue)
	}
}

func TestSetOnShippedFiles(t *testing.T) {
	enabled := func(on bool) KeyValue {
		if on {
			return KeyValue{"enabled", "1"}
		}
		return KeyValue{"enabled", "0"}
	}
	for file, id := range map[string]string{
		"ol8.10.oracle-epel-ol8.repo":  "ol8_developer_EPEL",
		"ol9.6.oracle-epel-ol9.repo":   "ol9_developer_EPEL",
		"ol10.1.oracle-epel-ol10.repo": "ol10_u1_developer_EPEL",
		"ol8.10.oracle-linux-ol8.repo": "ol8_codeready_builder",
	} {
		src := read(t, file)
		f, err := Parse(src)
		if err != nil {
			t.Fatal(err)
		}
		s, _ := f.Section(id)
		there, err := Set(src, id, enabled(!s.Enabled()))
		if err != nil {
			t.Errorf("Set(%s, %s) = %v", file, id, err)
			continue
		}
		if n := differing(src, there); n != 1 {
			t.Errorf("Set(%s, %s) changed %d bytes, want 1", file, id, n)
		}
		back, err := Set(there, id, enabled(s.Enabled()))
		if diff := cmp.Diff(string(src), string(back)); diff != "" || err != nil {
			t.Errorf("Set(%s, %s) there and back: %v (-want +got):\n%s", file, id, err, diff)
		}
	}
}

func TestUnset(t *testing.T) {
	for _, test := range []struct{ name, in, want string }{
		{"a line", "[a]\nx=1\nmirrorlist=m\ny=2\n", "[a]\nx=1\ny=2\n"},
		{"not there", "[a]\nx=1\n", "[a]\nx=1\n"},
		{"in another section", "[b]\nmirrorlist=m\n[a]\n", "[b]\nmirrorlist=m\n[a]\n"},
		{"several lines", "[a]\nmirrorlist=m\n\t\n  n\n# c\n[b]\n", "[a]\n# c\n[b]\n"},
		{"no final newline", "[a]\nx=1\nmirrorlist=m", "[a]\nx=1"},
		{"blank line before, no final newline", "[a]\n\nmirrorlist=m", "[a]\n\n"},
		{"two keys", "[a]\r\nmetalink=n\r\nx=1\r\nmirrorlist=m", "[a]\r\nx=1"},
		{"a carriage return at the end of the file", "[a]\nmirrorlist=m\nx=1\r", "[a]\nx=1\r"},
	} {
		got, err := Unset([]byte(test.in), "a", "mirrorlist", "metalink")
		if err != nil || string(got) != test.want {
			t.Errorf("%s: Unset(%q) = %q, %v, want %q", test.name, test.in, got, err, test.want)
		}
	}
}

func TestUnsetRefuses(t *testing.T) {
	for _, test := range []struct {
		name, in string
		want     error
		line     string
	}{
		{"no such section", "[b]\n", ErrNoSection, "[a]"},
		{"key twice", "[a]\nx=1\nx=1\n", errDuplicateKey, "line 3: [a] x"},
		{"key in another case", "[a]\nX=1\n", errKeyCase, "line 2: [a] X"},
	} {
		got, err := Unset([]byte(test.in), "a", "x")
		if got != nil || !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.line) {
			t.Errorf("%s: Unset(%q) = %q, %v, want %v naming %s", test.name, test.in, got, err, test.want, test.line)
		}
	}
}

func TestRemove(t *testing.T) {
	for _, test := range []struct{ name, in, want string }{
		{"the only one", "# mine\n[a]\nx=1\n", "# mine\n"},
		{"the first", "[a]\nx=1\n\n# about b\n[b]\ny=1\n", "# about b\n[b]\ny=1\n"},
		{"the last", "[b]\ny=1\n\n[a]\n#c\nx=1\n  2\n", "[b]\ny=1\n\n"},
		{"comments after it stay", "[a]\nx=1\n#z=2\n[b]\n", "#z=2\n[b]\n"},
		{"without settings", "[a]\n[b]\n", "[b]\n"},
		{"twice", "[a]\nx=1\n[b]\ny=1\n[a]\nx=2\n", "[b]\ny=1\n"},
		{"no final newline", "[a]\nx=1\n[b]\ny=1\n[a]\nx=2", "[b]\ny=1"},
		{"a blank line before, no final newline", "[b]\n\n[a]\nx=2", "[b]\n\n"},
		{"a carriage return at the end of the file", "[a]\n[b]\ny=1\r", "[b]\ny=1\r"},
		{"byte order mark", "\xef\xbb\xbf[a]\nx=1\n[b]\n", "\xef\xbb\xbf[b]\n"},
		{"byte order mark, then a comment", "\xef\xbb\xbf[a]\nx=1\n#c\n[b]\n", "\xef\xbb\xbf#c\n[b]\n"},
		{"not there", "[b]\n", "[b]\n"},
		{"CRLF", "[a]\r\nx=1\r\n\r\n[b]\r\n", "[b]\r\n"},
	} {
		got, err := Remove([]byte(test.in), "a")
		if err != nil || string(got) != test.want {
			t.Errorf("%s: Remove(%q) = %q, %v, want %q", test.name, test.in, got, err, test.want)
		}
	}
	if got, err := Remove([]byte("[a]\njunk\n"), "a"); got != nil || err == nil {
		t.Errorf("Remove in a broken file = %q, %v, want an error", got, err)
	}
}

// differing counts the bytes that differ between two of the same length.
func differing(a, b []byte) int {
	if len(a) != len(b) {
		return -1
	}
	n := 0
	for i := range a {
		if a[i] != b[i] {
			n++
		}
	}
	return n
}

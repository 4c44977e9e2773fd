// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package yumrepo

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// setTests are also the seeds of FuzzSet. An empty want means unchanged.
var setTests = []struct{ name, in, id, key, value, want string }{
	{name: "one byte", in: "[a]\nenabled=0\n", id: "a", key: "enabled", value: "1", want: "[a]\nenabled=1\n"},
	{name: "already so", in: "[a]\nenabled=1\n", id: "a", key: "enabled", value: "1"},
	{name: "spaces and CRLF survive", in: "[epel]\r\nenabled = 0\r\n", id: "epel", key: "enabled", value: "1", want: "[epel]\r\nenabled = 1\r\n"},
	{name: "tabs survive", in: "[a]\nenabled\t=\t0\t\n", id: "a", key: "enabled", value: "1", want: "[a]\nenabled\t=\t1\t\n"},
	{name: "no final newline", in: "[a]\nenabled=0", id: "a", key: "enabled", value: "1", want: "[a]\nenabled=1"},
	{name: "the other sections stay", in: "[a]\nenabled=0\n\n[b]\nenabled=0\n# c\n[c]\nenabled=0\n", id: "b", key: "enabled", value: "1", want: "[a]\nenabled=0\n\n[b]\nenabled=1\n# c\n[c]\nenabled=0\n"},
	{name: "a commented-out key is none", in: "[a]\n#enabled=0\n;enabled=0\nx=1\n", id: "a", key: "enabled", value: "1", want: "[a]\n#enabled=0\n;enabled=0\nx=1\nenabled=1\n"},
	{name: "header with space and comment", in: "  [a]  # mine\nenabled=0\n", id: "a", key: "enabled", value: "1", want: "  [a]  # mine\nenabled=1\n"},
	{name: "byte order mark", in: "\xef\xbb\xbf[a]\nenabled=0\n", id: "a", key: "enabled", value: "1", want: "\xef\xbb\xbf[a]\nenabled=1\n"},
	{name: "empty value", in: "[a]\nenabled=\n", id: "a", key: "enabled", value: "1", want: "[a]\nenabled=1\n"},
	{name: "empty value with space", in: "[a]\nenabled = \r\n", id: "a", key: "enabled", value: "1", want: "[a]\nenabled = 1\r\n"},
	{name: "to an empty value", in: "[a]\nproxy = x\n", id: "a", key: "proxy", value: "", want: "[a]\nproxy = \n"},
	{name: "over continuation lines", in: "[a]\nbaseurl=http://1/\n  http://2/\n\thttp://3/\nenabled=1\n", id: "a", key: "baseurl", value: "http://4/", want: "[a]\nbaseurl=http://4/\nenabled=1\n"},
	{name: "comments between continuation lines", in: "[a]\nbaseurl=\n# one\n  http://1/\n\n# two\n  http://2/\nx=1\n", id: "a", key: "baseurl", value: "http://4/", want: "[a]\nbaseurl=http://4/\n# one\n\n# two\nx=1\n"},
	{name: "continuation without final newline", in: "[a]\nbaseurl=http://1/\n  http://2/", id: "a", key: "baseurl", value: "http://4/", want: "[a]\nbaseurl=http://4/"},
	{name: "blank line, continuation, no final newline", in: "[a]\nk=1\n\n  2", id: "a", key: "k", value: "3", want: "[a]\nk=3\n\n"},
	{name: "text that looks like a comment is the value", in: "[a]\nenabled=0 # for now\n", id: "a", key: "enabled", value: "1", want: "[a]\nenabled=1\n"},
	{name: "value with =", in: "[a]\nname=b=c\n", id: "a", key: "name", value: "=d=", want: "[a]\nname==d=\n"},
	{name: "inserted behind the last key", in: "[a]\nname=A\n\n# about b\n[b]\nname=B\n", id: "a", key: "enabled", value: "0", want: "[a]\nname=A\nenabled=0\n\n# about b\n[b]\nname=B\n"},
	{name: "inserted in the same spelling", in: "[a]\r\nname = A\r\n", id: "a", key: "enabled", value: "0", want: "[a]\r\nname = A\r\nenabled = 0\r\n"},
	{name: "inserted behind continuation lines", in: "[a]\nbaseurl=http://1/\n#c\n  http://2/\n#d\n", id: "a", key: "enabled", value: "0", want: "[a]\nbaseurl=http://1/\n#c\n  http://2/\nenabled=0\n#d\n"},
	{name: "inserted into an empty section", in: "[a]\n\n[b]\n", id: "a", key: "enabled", value: "0", want: "[a]\nenabled=0\n\n[b]\n"},
	{name: "inserted without final newline", in: "[a]\r\nname=A", id: "a", key: "enabled", value: "0", want: "[a]\r\nname=A\r\nenabled=0"},
	{name: "inserted behind a lone header", in: "[a]", id: "a", key: "enabled", value: "0", want: "[a]\nenabled=0"},
	{name: "duplicates elsewhere do not matter", in: "[a]\nx=1\nx=2\nenabled=0\n[b]\n[b]\n", id: "a", key: "enabled", value: "1", want: "[a]\nx=1\nx=2\nenabled=1\n[b]\n[b]\n"},
	{name: "bytes that are no UTF-8", in: "[a]\nname=\xff\xfe\nenabled=0\n", id: "a", key: "enabled", value: "1", want: "[a]\nname=\xff\xfe\nenabled=1\n"},
}

func TestSet(t *testing.T) {
	for _, test := range setTests {
		in := []byte(test.in)
		got, err := Set(in, test.id, test.key, test.value)
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
		{"in other letters", "[A]\n", "enabled", "1", ErrNoSection, "[a]"},
		{"empty file", "", "enabled", "1", ErrNoSection, "[a]"},
		{"section twice", "[a]\n[b]\n[a]\nenabled=1\n", "enabled", "1", ErrDuplicateSection, "line 3"},
		{"key twice", "[a]\nenabled=0\nx=1\nenabled=1\n", "enabled", "1", ErrDuplicateKey, "line 4"},
		{"key in other letters", "[a]\nEnabled=0\n", "enabled", "1", ErrKeyCase, "line 2"},
		{"two lines", "[a]\n", "x", "1\n[b]", ErrBadValue, `"1\n[b]"`},
		{"carriage return", "[a]\n", "x", "1\r", ErrBadValue, "x"},
		{"NUL", "[a]\n", "x", "\x00", ErrBadValue, "x"},
		{"space before", "[a]\n", "x", " 1", ErrBadValue, "x"},
		{"no key", "[a]\n", "", "1", ErrBadKey, `""`},
		{"key with =", "[a]\n", "a=b", "1", ErrBadKey, "a=b"},
		{"key that is a section", "[a]\n", "[b]", "1", ErrBadKey, "[b]"},
		{"key that is a comment", "[a]\n", "#b", "1", ErrBadKey, "#b"},
	} {
		got, err := Set([]byte(test.in), "a", test.key, test.value)
		if got != nil || !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.line) {
			t.Errorf("%s: Set(%q) = %q, %v, want %v naming %s", test.name, test.in, got, err, test.want, test.line)
		}
	}
	var syntax *SyntaxError
	if _, err := Set([]byte("[a]\njunk\n"), "a", "x", "1"); !errors.As(err, &syntax) || syntax.Line != 2 {
		t.Errorf("Set in a broken file = %v, want a SyntaxError on line 2", err)
	}
}

func TestSetEnabled(t *testing.T) {
	for _, test := range []struct {
		name, in string
		on       bool
		want     string
	}{
		{"on", "[a]\nenabled=0\n", true, "[a]\nenabled=1\n"},
		{"off", "[a]\nenabled = 1\n", false, "[a]\nenabled = 0\n"},
		{"already on", "[a]\nenabled=1\n", true, ""},
		{"already on in a word", "[a]\nenabled=True\n", true, ""},
		{"already off in a word", "[a]\nenabled=no\n", false, ""},
		{"on without the key", "[a]\nname=A\n", true, ""},
		{"off without the key", "[a]\nname=A\n", false, "[a]\nname=A\nenabled=0\n"},
		{"off where the value is no boolean", "[a]\nenabled=maybe\n", false, "[a]\nenabled=0\n"},
		{"on where the value is no boolean", "[a]\nenabled=0 # x\n", true, "[a]\nenabled=1\n"},
	} {
		want := test.want
		if want == "" {
			want = test.in
		}
		got, err := SetEnabled([]byte(test.in), "a", test.on)
		if err != nil || string(got) != want {
			t.Errorf("%s: SetEnabled(%q, %v) = %q, %v, want %q", test.name, test.in, test.on, got, err, want)
		}
	}
	if got, err := SetEnabled([]byte("[b]\n"), "a", true); got != nil || !errors.Is(err, ErrNoSection) {
		t.Errorf("SetEnabled without the section = %q, %v, want %v", got, err, ErrNoSection)
	}
}

func TestSetEnabledOnShippedFiles(t *testing.T) {
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
		there, err := SetEnabled(src, id, !s.Enabled())
		if err != nil {
			t.Errorf("SetEnabled(%s, %s) = %v", file, id, err)
			continue
		}
		if n := differing(src, there); n != 1 {
			t.Errorf("SetEnabled(%s, %s) changed %d bytes, want 1", file, id, n)
		}
		back, err := SetEnabled(there, id, s.Enabled())
		if diff := cmp.Diff(string(src), string(back)); diff != "" || err != nil {
			t.Errorf("SetEnabled(%s, %s) there and back: %v (-want +got):\n%s", file, id, err, diff)
		}
	}
}

func TestUnset(t *testing.T) {
	for _, test := range []struct{ name, in, want string }{
		{"a line", "[a]\nx=1\nmirrorlist=m\ny=2\n", "[a]\nx=1\ny=2\n"},
		{"not there", "[a]\nx=1\n", "[a]\nx=1\n"},
		{"in another section", "[b]\nmirrorlist=m\n[a]\n", "[b]\nmirrorlist=m\n[a]\n"},
		{"several lines", "[a]\nmirrorlist=m\n# c\n  n\n[b]\n", "[a]\n# c\n[b]\n"},
		{"no final newline", "[a]\nx=1\nmirrorlist=m", "[a]\nx=1"},
		{"blank line before, no final newline", "[a]\n\nmirrorlist=m", "[a]\n\n"},
	} {
		got, err := Unset([]byte(test.in), "a", "mirrorlist")
		if err != nil || string(got) != test.want {
			t.Errorf("%s: Unset(%q) = %q, %v, want %q", test.name, test.in, got, err, test.want)
		}
	}
}

func TestRemove(t *testing.T) {
	for _, test := range []struct{ name, in, want string }{
		{"the only one", "# mine\n[a]\nx=1\n", "# mine\n"},
		{"the first", "[a]\nx=1\n\n# about b\n[b]\ny=1\n", "# about b\n[b]\ny=1\n"},
		{"the last", "[b]\ny=1\n\n[a]\n#c\nx=1\n  2\n", "[b]\ny=1\n\n"},
		{"comments behind it stay", "[a]\nx=1\n#z=2\n[b]\n", "#z=2\n[b]\n"},
		{"without settings", "[a]\n[b]\n", "[b]\n"},
		{"twice", "[a]\nx=1\n[b]\ny=1\n[a]\nx=2", "[b]\ny=1\n"},
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

// An edit yields a file that reads as before but for the one value, with every
// comment line and every other line still there; twice is once; an error means
// no output.
func FuzzSet(f *testing.F) {
	for _, test := range setTests {
		f.Add([]byte(test.in), test.id, test.key, test.value)
	}
	f.Fuzz(func(t *testing.T, in []byte, id, key, value string) {
		before := bytes.Clone(in)
		out, err := Set(in, id, key, value)
		if !bytes.Equal(in, before) {
			t.Fatalf("Set changed its input from %q to %q", before, in)
		}
		if err != nil {
			if out != nil {
				t.Fatalf("Set = %q beside %v", out, err)
			}
			if errors.Is(err, ErrUnproven) {
				t.Fatalf("Set(%q, %q, %q, %q) could not prove its edit: %v", in, id, key, value, err)
			}
			return
		}
		if again, err := Set(out, id, key, value); err != nil || !bytes.Equal(again, out) {
			t.Fatalf("Set twice: %q then %q (%v)", out, again, err)
		}
		old, got := settings(t, in), settings(t, out)
		name := id + "\x00" + key
		if v := got[name]; len(v) != 1 || v[0] != value {
			t.Fatalf("Set(%q, %q, %q, %q): the value is %q", in, id, key, value, v)
		}
		delete(old, name)
		delete(got, name)
		if diff := cmp.Diff(old, got); diff != "" {
			t.Fatalf("Set(%q, %q, %q, %q) changed more (-want +got):\n%s", in, id, key, value, diff)
		}
		continued := bytes.Contains(in, []byte("\n ")) || bytes.Contains(in, []byte("\n\t"))
		if lost := lostLines(in, out); lost > 1 && !continued {
			t.Fatalf("Set(%q, %q, %q, %q) = %q changed %d lines", in, id, key, value, out, lost)
		}
	})
}

// settings reads every value of a file by its section and key, on its own.
func settings(t *testing.T, src []byte) map[string][]string {
	f, err := Parse(src)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]string{}
	for _, s := range f.Sections() {
		for _, kv := range s.Keys() {
			name := s.ID + "\x00" + kv.Key
			all[name] = append(all[name], kv.Value)
		}
	}
	return all
}

// lostLines counts the lines of a that b does not have.
func lostLines(a, b []byte) int {
	have := map[string]int{}
	for l := range bytes.SplitSeq(b, []byte("\n")) {
		have[strings.TrimSuffix(string(l), "\r")]++
	}
	lost := 0
	for l := range bytes.SplitSeq(a, []byte("\n")) {
		if s := strings.TrimSuffix(string(l), "\r"); have[s] > 0 {
			have[s]--
		} else {
			lost++
		}
	}
	return lost
}

// A file that is written is one that is read, and again to the same bytes.
func FuzzParse(f *testing.F) {
	for _, test := range setTests {
		f.Add([]byte(test.in))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		file, err := Parse(in)
		if err != nil {
			if file != nil {
				t.Fatalf("Parse = %v beside %v", file, err)
			}
			return
		}
		var out []byte
		for _, l := range file.lines {
			out = append(out, in[l.start:l.end]...)
			if l.kind == keyValue || l.kind == more {
				if got := string(in[l.vstart:l.vend]); got != l.value {
					t.Fatalf("Parse(%q): the value %q lies at %q", in, l.value, got)
				}
			}
		}
		if !bytes.Equal(in, out) {
			t.Fatalf("Parse(%q) has the lines %q", in, out)
		}
	})
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package osrelease

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseOracleRelease(t *testing.T) {
	ol := func(major, minor int, pretty string) Release {
		return Release{ID: "ol", Major: major, Minor: minor, Pretty: pretty}
	}
	for _, test := range []struct {
		name, in string
		want     Release
	}{
		{"one digit each", "Oracle Linux Server release 7.9\n", ol(7, 9, "Oracle Linux Server 7.9")},
		{"two digits after the dot", "Oracle Linux Server release 8.10\n", ol(8, 10, "Oracle Linux Server 8.10")},
		{"two digits before the dot", "Oracle Linux Server release 10.0\n", ol(10, 0, "Oracle Linux Server 10.0")},
		{"trailing space", "Oracle Linux Server release 7.9 \n\n", ol(7, 9, "Oracle Linux Server 7.9")},
		{"no final newline", "Oracle Linux Server release 9.6", ol(9, 6, "Oracle Linux Server 9.6")},
		{"CRLF", "Oracle Linux Server release 9.6\r\n", ol(9, 6, "Oracle Linux Server 9.6")},
		{"a code name", "Oracle Linux Server release 9.6 (Plow)\n", ol(9, 6, "Oracle Linux Server 9.6")},
	} {
		got, err := ParseOracleRelease([]byte(test.in))
		if err != nil || got != test.want {
			t.Errorf("%s: ParseOracleRelease(%q) = %+v, %v, want %+v", test.name, test.in, got, err, test.want)
		}
	}
}

func TestParseOracleReleaseRefuses(t *testing.T) {
	for _, test := range []struct{ name, in, want string }{
		{"empty", "", `reading /etc/oracle-release: it is empty: ""`},
		{"blank", " \n", `reading /etc/oracle-release: it is empty: " \n"`},
		{"another distribution", "Red Hat Enterprise Linux release 8.10 (Ootpa)\n", `"Red Hat Enterprise Linux release 8.10 (Ootpa)"`},
		{"no minor", "Oracle Linux Server release 8\n", `"Oracle Linux Server release 8"`},
		{"no version", "Oracle Linux Server release\n", `want "Oracle Linux Server release X.Y"`},
		{"a third number", "Oracle Linux Server release 8.10.1\n", `8.10.1`},
		{"two lines", "Oracle Linux Server release 8.9\nOracle Linux Server release 8.10\n", `8.9\nOracle`},
		{"no major", "Oracle Linux Server release 0.0\n", `"Oracle Linux Server release 0.0"`},
		{"absurd number", "Oracle Linux Server release 8888.1\n", `8888.1`},
		{"NUL bytes, as after a crash", strings.Repeat("\x00", 500), `\x00..."`},
		{"long", strings.Repeat("A", 5000), `"` + strings.Repeat("A", 80) + `..."`},
	} {
		got, err := ParseOracleRelease([]byte(test.in))
		if err == nil || got != (Release{}) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: ParseOracleRelease(%q) = %+v, %v, want an error with %s", test.name, test.in, got, err, test.want)
		}
	}
}

func TestParseOSRelease(t *testing.T) {
	os := func(id string, major, minor int, pretty string) Release {
		return Release{ID: id, Major: major, Minor: minor, Pretty: pretty}
	}
	for _, test := range []struct {
		name, in string
		want     Release
	}{
		{"double quotes", "ID=\"ol\"\nVERSION_ID=\"8.10\"\nPRETTY_NAME=\"Oracle Linux Server 8.10\"\n", os("ol", 8, 10, "Oracle Linux Server 8.10")},
		{"single quotes", "ID='ol'\nVERSION_ID='9.6'\nPRETTY_NAME='Oracle $x'\n", os("ol", 9, 6, "Oracle $x")},
		{"no quotes", "ID=debian\nVERSION_ID=12\nNAME=Debian\n", os("debian", 12, 0, "Debian")},
		{"escapes", `PRETTY_NAME="a \"b\" \$c \\ \n"` + "\nID=x\\ y\n", os("x y", 0, 0, `a "b" $c \ \n`)},
		{"comments, CRLF, spaces", "# c\r\n\r\n  ID=ol  # the id\r\nVERSION_ID=\"10.1\"\r\n", os("ol", 10, 1, "ol")},
		{"the last one wins", "ID=a\nID=b\n", os("b", 0, 0, "b")},
		{"upper case", "ID=OL\nVERSION_ID=8.10\n", os("ol", 8, 10, "OL")},
		{"three numbers", "ID=centos\nVERSION_ID=7.9.2009\n", os("centos", 7, 9, "centos")},
		{"no number", "ID=arch\nVERSION_ID=TEMPLATE\n", os("arch", 0, 0, "arch")},
		{"nothing", "", os("linux", 0, 0, "Linux")},
		{"adjacent words", "ID='o'\"l\"\n", os("ol", 0, 0, "ol")},
		{"empty value", "ID=ol\nVARIANT=\n", os("ol", 0, 0, "ol")},
	} {
		got, err := parseOSRelease([]byte(test.in))
		if err != nil || got != test.want {
			t.Errorf("%s: parseOSRelease(%q) = %+v, %v, want %+v", test.name, test.in, got, err, test.want)
		}
	}
}

func TestParseOSReleaseRefuses(t *testing.T) {
	for _, test := range []struct{ name, in, want string }{
		{"prose", "ID=ol\nhello there\n", `line 2 is not an assignment: "hello there"`},
		{"bad name", "9ID=ol\n", `line 1 is not an assignment`},
		{"space before =", "ID =ol\n", `line 1 is not an assignment`},
		{"open double quote", "ID=\"ol\n", `line 1: a quote is not closed`},
		{"open single quote", "ID='ol\n", `line 1: a quote is not closed`},
		{"lone backslash", "ID=ol\\\n", `line 1: a quote is not closed`},
		{"two words", "ID=oracle linux\n", `line 1: text follows the value`},
		{"NUL bytes", "\x00\x00\x00", `line 1 is not an assignment`},
	} {
		got, err := parseOSRelease([]byte(test.in))
		if err == nil || got != (Release{}) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: parseOSRelease(%q) = %+v, %v, want an error with %s", test.name, test.in, got, err, test.want)
		}
	}
}

func TestDetect(t *testing.T) {
	file := func(name string) []byte {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for _, test := range []struct {
		oracle, os string // files in testdata, or ""
		want       Release
		err        string
	}{
		{oracle: "ol7.9.oracle-release", os: "ol7.9.os-release", want: Release{"ol", 7, 9, "Oracle Linux Server 7.9"}},
		{oracle: "ol8.10.oracle-release", os: "ol8.10.os-release", want: Release{"ol", 8, 10, "Oracle Linux Server 8.10"}},
		{oracle: "ol9.6.oracle-release", os: "ol9.6.os-release", want: Release{"ol", 9, 6, "Oracle Linux Server 9.6"}},
		{oracle: "ol10.1.oracle-release", want: Release{"ol", 10, 1, "Oracle Linux Server 10.1"}},
		{os: "ol7.9.os-release", want: Release{"ol", 7, 9, "Oracle Linux Server 7.9"}},
		{os: "ol8.10.os-release", want: Release{"ol", 8, 10, "Oracle Linux Server 8.10"}},
		{os: "ol10.1.os-release", want: Release{"ol", 10, 1, "Oracle Linux Server 10.1"}},
		{oracle: "ol8.10.oracle-release", os: "debian12.os-release", want: Release{"ol", 8, 10, "Oracle Linux Server 8.10"}},
		{os: "debian12.os-release", err: "not Oracle Linux but Debian GNU/Linux 12 (bookworm)"},
		{os: "rocky9.6.os-release", err: "not Oracle Linux but Rocky Linux 9.6 (Blue Onyx)"},
		{oracle: "debian12.os-release", os: "ol8.10.os-release", err: `reading /etc/oracle-release: want "Oracle Linux Server release X.Y"`},
		{err: "neither /etc/oracle-release nor /etc/os-release exists"},
	} {
		var a, b []byte
		if test.oracle != "" {
			a = file(test.oracle)
		}
		if test.os != "" {
			b = file(test.os)
		}
		got, err := Detect(a, b)
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("Detect(%s, %s) (-want +got):\n%s", test.oracle, test.os, diff)
		}
		if test.err == "" && err != nil || test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)) {
			t.Errorf("Detect(%s, %s) = %v, want error %q", test.oracle, test.os, err, test.err)
		}
	}
	if _, err := Detect([]byte{}, file("ol8.10.os-release")); err == nil {
		t.Error("Detect with an empty oracle-release succeeded, want an error: only nil means absent")
	}
	if _, err := Detect(nil, []byte("ID=ol\n")); err == nil {
		t.Error("Detect(ID=ol without a version) succeeded, want an error")
	}
}

// A release without an error is an Oracle Linux with a version, read from the
// file that decides.
func FuzzDetect(f *testing.F) {
	f.Add([]byte("Oracle Linux Server release 8.10\n"), []byte("ID=\"ol\"\nVERSION_ID=\"8.10\"\n"), true)
	f.Add([]byte("Oracle Linux Server release 10.0"), []byte("ID=debian\n"), true)
	f.Add([]byte("Oracle Linux Server release 0.0"), []byte(nil), true)
	f.Add([]byte(""), []byte("ID=debian\nNAME=\""+strings.Repeat("x", 1000)+"\""), false)
	f.Add([]byte(""), []byte("ID='o'\"l\"\nVERSION_ID=9\\.6\n# c"), false)
	f.Fuzz(func(t *testing.T, oracle, os []byte, present bool) {
		want, _ := ParseOracleRelease(oracle)
		if !present {
			oracle = nil
			want, _ = parseOSRelease(os)
		} else if oracle == nil {
			oracle = []byte{}
		}
		r, err := Detect(oracle, os)
		switch {
		case err != nil && r != (Release{}):
			t.Fatalf("Detect = %+v, %v, want no release with an error", r, err)
		case err != nil && len(err.Error()) > 600:
			t.Fatalf("Detect's error has %d bytes", len(err.Error()))
		case err == nil && (r.ID != "ol" || r.Major < 1 || r != want):
			t.Fatalf("Detect = %+v, want %+v, an Oracle Linux", r, want)
		}
	})
}

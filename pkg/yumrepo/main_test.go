// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package yumrepo

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var mainTests = []struct {
	name, in string
	want     []Option
}{
	{name: "nothing"},
	{name: "Oracle's", in: "[main]\ngpgcheck=1\ninstallonly_limit=3\nbest=True\nexclude=kernel-uek-headers\n", want: []Option{
		{"gpgcheck", "1", 2}, {"installonly_limit", "3", 3}, {"best", "True", 4}, {"exclude", "kernel-uek-headers", 5},
	}},
	{name: "other sections are repositories", in: "[a]\nbest=0\n[main]\nbest=1\n[b]\nbest=0\n", want: []Option{{"best", "1", 4}}},
	{name: "no main", in: "[Main]\nbest=1\n"},
	{name: "quotes", in: "[main]\nproxy = \"http://p/\"\nreposdir='/a /b'\nx=\"\n", want: []Option{{"proxy", "http://p/", 2}, {"reposdir", "/a /b", 3}, {"x", `"`, 4}}},
	{name: "None", in: "[main]\nproxy=None\n", want: []Option{{"proxy", "", 2}}},
	{name: "several lines", in: "[main]\nexclude=a\n  b,c\n", want: []Option{{"exclude", "a\nb,c", 2}}},
}

func TestReadMain(t *testing.T) {
	for _, test := range mainTests {
		m, err := ReadMain([]byte(test.in))
		if diff := cmp.Diff(test.want, m.options); diff != "" || err != nil {
			t.Errorf("%s: ReadMain(%q) = %v (-want +got):\n%s", test.name, test.in, err, diff)
		}
	}
	if m, err := ReadMain([]byte("[main]\njunk\n")); err == nil || !strings.HasPrefix(err.Error(), "line 2: ") || m.options != nil {
		t.Errorf("ReadMain of a broken file = %v, %v, want an error for line 2", m, err)
	}
}

func TestMainValues(t *testing.T) {
	m, err := ReadMain([]byte("[main]\nreposdir=/a, /b\nvarsdir=\nstrict = False\nbest=maybe\ncolor=always\ncolor=never\nproxy=_None_\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got := m.ReposDirs(); !slices.Equal(got, []string{"/a", "/b"}) {
		t.Errorf("ReposDirs() = %q, want those of the file", got)
	}
	if got := m.VarsDirs(); len(got) != 0 {
		t.Errorf("VarsDirs() = %q, want none: the list is empty", got)
	}
	if got := (Main{}).ReposDirs(); !slices.Contains(got, "/etc/yum.repos.d") {
		t.Errorf("ReposDirs() of an empty file = %q, want dnf's own", got)
	}
	if o, ok := m.Get("color"); o != (Option{"color", "never", 7}) || !ok {
		t.Errorf("Get(color) = %v, %v, want the last", o, ok)
	}
}

func TestExcludes(t *testing.T) {
	for _, test := range []struct {
		in   string
		want []Option
	}{
		{"", nil},
		{"exclude=a\n", []Option{{"exclude", "a", 2}}},
		{"excludepkgs=b\nexclude=a\n", []Option{{"excludepkgs", "b", 2}, {"exclude", "a", 3}}},
		{"exclude=a\nexclude=b\n", []Option{{"exclude", "b", 3}}},
		{"exclude=a\nexcludepkgs=\n", nil},
		{"exclude=\nexcludepkgs=b\n", []Option{{"excludepkgs", "b", 3}}},
	} {
		m, err := ReadMain([]byte("[main]\n" + test.in))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, m.Excludes(), cmp.Transformer("empty", func(all []Option) []Option { return append([]Option{}, all...) })); diff != "" {
			t.Errorf("Excludes of %q (-want +got):\n%s", test.in, diff)
		}
	}
}

var expandTests = []struct{ in, want string }{
	{"", ""},
	{"a", "a"},
	{"$releasever", "9.6"},
	{"${releasever}x", "9.6x"},
	{"$releaseverx", "$releaseverx"},
	{"$RELEASEVER", "$RELEASEVER"},
	{"https://yum$ociregion.$ocidomain/OL9/$basearch/", "https://yum.us-ashburn-1.oci.oraclecloud.com/OL9/x86_64/"},
	{"${releasever_major}.$releasever_minor", "9.6"},
	{"$none ${none}", "$none ${none}"},
	{"${none:-x} ${empty:-y} ${basearch:-z}", "x y x86_64"},
	{"${none:+x}|${empty:+y}|${basearch:+z}", "||z"},
	{"${none:-${basearch}/$none}", "x86_64/$none"},
	{"${none:-a${none:-b}c}d", "abcd"},
	{`\$basearch \\ \`, `$basearch \ \`},
	{"${none:-a", "${none:-a"},
	{"${basearch", "${basearch"},
	{"${basearch-x}", "${basearch-x}"},
	{"${basearch:x}", "${basearch:x}"},
	{"$", "$"},
	{"${", "${"},
	{"$$basearch", "$x86_64"},
}

func testVars() map[string]string {
	vars := Variables(map[string][]byte{"ociregion": []byte(".us-ashburn-1\n"), "ocidomain": []byte("oci.oraclecloud.com\nmore\n"), "empty": nil})
	vars["releasever"], vars["basearch"] = "9.6", "x86_64"
	return vars
}

func TestExpand(t *testing.T) {
	for _, test := range expandTests {
		if got := Expand(test.in, testVars()); got != test.want {
			t.Errorf("Expand(%q) = %q, want %q", test.in, got, test.want)
		}
	}
}

// Without variables, a text without a backslash or colon stays as it is. With any
// variables, a text without a dollar sign or backslash does.
func FuzzExpand(f *testing.F) {
	for _, test := range expandTests {
		f.Add(test.in)
	}
	f.Fuzz(func(t *testing.T, in string) {
		if out := Expand(in, nil); !strings.ContainsAny(in, `\:`) && out != in {
			t.Fatalf("Expand(%q) without variables = %q", in, out)
		}
		if out := Expand(in, testVars()); !strings.ContainsAny(in, `\$`) && out != in {
			t.Fatalf("Expand(%q) = %q", in, out)
		}
	})
}

// Every option is on the line in its Line field.
func FuzzReadMain(f *testing.F) {
	for _, test := range mainTests {
		f.Add([]byte(test.in))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		m, err := ReadMain(in)
		if err != nil && m.options != nil {
			t.Fatalf("%q: %v with the error %v", in, m, err)
		}
		lines := strings.Split(string(in), "\n")
		for _, o := range m.options {
			if o.Line < 1 || o.Line > len(lines) || !strings.Contains(lines[o.Line-1], o.Key) {
				t.Fatalf("%q: %+v", in, o)
			}
			for _, word := range SplitList(o.Value) {
				if word == "" || strings.ContainsAny(word, " ,\n") {
					t.Fatalf("%q: the word %q", in, word)
				}
			}
		}
	})
}

func TestIsEPEL(t *testing.T) {
	for _, test := range []struct {
		name, in    string
		epel, plain bool
	}{
		{"Oracle Linux 7's", "[ol7_developer_EPEL]\n", true, true},
		{"Oracle Linux 10's", "[ol10_u1_developer_EPEL]\n", true, true},
		{"modular", "[ol8_developer_EPEL_modular]\n", true, false},
		{"Fedora's", "[epel]\nname=Extra Packages for Enterprise Linux $releasever - $basearch\nmetalink=https://mirrors.fedoraproject.org/metalink?repo=epel-$releasever&arch=$basearch\n", true, true},
		{"Fedora's testing", "[epel-testing]\n", true, false},
		{"Fedora's next", "[epel-next]\n", true, false},
		{"Fedora's sources", "[epel-source]\n", true, false},
		{"Fedora's debug packages", "[epel-debuginfo]\n", true, false},
		{"Cisco's", "[epel-cisco-openh264]\nname=Extra Packages for Enterprise Linux $releasever openh264 (From Cisco) - $basearch\nmetalink=https://mirrors.fedoraproject.org/metalink?repo=epel-cisco-openh264-$releasever&arch=$basearch\n", false, false},
		{"Cisco's by the metalink", "[h]\nmetalink=https://mirrors.fedoraproject.org/metalink?repo=epel-cisco-openh264-9&arch=x86_64\n", false, false},
		{"OS Management Hub's", "[ol8_developer_epel-ol8-x86_64]\n", true, true},
		{"another id", "[extras9]\nname=EPEL Packages\n", true, true},
		{"Oracle's name", "[mirror]\nname=Oracle Linux 8 EPEL Packages for Development (x86_64)\n", true, true},
		{"Oracle's modular name", "[mirror]\nname=Oracle Linux 8 EPEL Modular Packages for Development (x86_64)\n", true, false},
		{"by the metalink", "[x]\nmetalink=https://mirrors.fedoraproject.org/metalink?repo=epel-9&arch=x86_64\n", true, true},
		{"by the mirror list", "[x]\nmirrorlist=\"https://mirrors.fedoraproject.org/mirrorlist?repo=epel-8&arch=$basearch\"\n", true, true},
		{"by the path", "[x]\nbaseurl=https://mirror.example.com/pub/epel/9/Everything/x86_64/\n", true, true},
		{"by Oracle's path", "[x]\nbaseurl=https://yum$ociregion.$ocidomain/repo/OracleLinux/OL8/developer/EPEL/$basearch/\n", true, true},
		{"by the second URL", "[x]\nbaseurl=http://a/b/\n  http://c/epel8/\n", true, true},
		{"by the path, testing", "[x]\nbaseurl=http://m/pub/epel/testing/9/\n", true, false},
		{"by the host", "[x]\nbaseurl=https://epel.mirror.example.com/9/\n", true, true},
		{"a Copr", "[copr:copr.fedorainfracloud.org:a:epel-tools]\nbaseurl=https://download.copr.fedorainfracloud.org/results/a/b/epel-9-$basearch/\n", false, false},
		{"built for EPEL", "[vendor]\nname=Vendor\nbaseurl=https://vendor.example.com/epel-9-x86_64/\n", false, false},
		{"one that needs it", "[vendor]\nname=Vendor (requires EPEL)\nbaseurl=https://vendor.example.com/9/\n", false, false},
		{"a word that only begins so", "[epeler]\n", false, false},
		{"none", "[ol8_baseos_latest]\nbaseurl=https://yum.oracle.com/repo/OracleLinux/OL8/baseos/latest/x86_64/\n", false, false},
	} {
		f, err := Parse([]byte(test.in))
		if err != nil {
			t.Fatal(err)
		}
		s := f.Sections()[0]
		if epel, plain := IsEPEL(s), IsPlainEPEL(s); epel != test.epel || plain != test.plain {
			t.Errorf("%s: IsEPEL = %v, IsPlainEPEL = %v, want %v, %v", test.name, epel, plain, test.epel, test.plain)
		}
	}
}

// Each EPEL section of a file that Oracle ships is recognised, and no other.
func TestIsEPELOnShippedFiles(t *testing.T) {
	for _, file := range []string{"ol8.10.oracle-epel-ol8.repo", "ol9.6.oracle-epel-ol9.repo", "ol10.1.oracle-epel-ol10.repo", "ol8.10.oracle-linux-ol8.repo"} {
		f, err := Parse(read(t, file))
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range f.Sections() {
			if got, want := IsEPEL(s), strings.Contains(s.ID, "EPEL"); got != want {
				t.Errorf("%s: IsEPEL(%s) = %v, want %v", file, s.ID, got, want)
			}
		}
	}
}

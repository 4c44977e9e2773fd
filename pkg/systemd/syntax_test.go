// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package systemd

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var syntaxTests = []struct {
	name, in string
	want     []string // "line:value" of [Service] Key
}{
	{name: "a value", in: "[Service]\nKey=a\n", want: []string{"2:a"}},
	{name: "space around it", in: "  [Service]  \n \t Key \t=  a b \t\n", want: []string{"2:a b"}},
	{name: "no final newline", in: "[Service]\nKey=a", want: []string{"2:a"}},
	{name: "CRLF", in: "[Service]\r\nKey=a\\\r\nb\r\n", want: []string{"2:a b"}},
	{name: "byte order mark", in: "\xef\xbb\xbf[Service]\nKey=a\n", want: []string{"2:a"}},
	{name: "comments", in: "# x\n[Service]\n  ; Key=a\n#Key=b\nKey=c # not one\n", want: []string{"5:c # not one"}},
	{name: "another section", in: "[Unit]\nKey=a\n[Service]\nkey=b\n[Install]\nKey=c\n"},
	{name: "outside of a section", in: "Key=a\n[Service]\n"},
	{name: "the section twice", in: "[Service]\nKey=a\n[Unit]\n[Service]\nKey=b\n", want: []string{"2:a", "5:b"}},
	{name: "an empty value", in: "[Service]\nKey=a\nKey=\n", want: []string{"2:a", "3:"}},
	{name: "an equals sign in the value", in: "[Service]\nKey=a=b\n", want: []string{"2:a=b"}},
	{name: "continued", in: "[Service]\nKey=a \\\n  b \\\n  c\nKey=d\n", want: []string{"2:a    b    c", "5:d"}},
	{name: "a comment among continued lines", in: "[Service]\nKey=a \\\n# b \\\n  ; c\n  d\n", want: []string{"2:a    d"}},
	{name: "a comment does not continue", in: "[Service]\n# a \\\nKey=b\n", want: []string{"3:b"}},
	{name: "an escaped backslash does not continue", in: "[Service]\nKey=a\\\\\nKey=b\n", want: []string{`2:a\\`, "3:b"}},
	{name: "a continuation swallows the next key", in: "[Service]\nKey=a\\\nOther=b\n", want: []string{"2:a Other=b"}},
	{name: "a continuation at the end", in: "[Service]\nKey=a\\", want: []string{"2:a"}},
	{name: "a continuation, then a comment at the end", in: "[Service]\nKey=a\\\n# b", want: []string{"2:a"}},
	{name: "a blank line ends it", in: "[Service]\nKey=a\\\n\nKey=b\n", want: []string{"2:a", "4:b"}},
	{name: "no equals sign", in: "[Service]\nKey\nKey=a\n", want: []string{"3:a"}},
	{name: "a section that is not closed ends the file", in: "[Service]\nKey=a\n[Service\nKey=b\n", want: []string{"2:a"}},
	{name: "specifiers stay", in: "[Service]\nKey=%i %%\n", want: []string{"2:%i %%"}},
}

func TestAssignments(t *testing.T) {
	for _, test := range syntaxTests {
		var got []string
		for _, a := range Assignments([]UnitFile{{"f", []byte(test.in)}}, "Service", "Key") {
			got = append(got, fmt.Sprintf("%d:%s", a.Line, a.Value))
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: Assignments(%q) = %q, want %q", test.name, test.in, got, test.want)
		}
	}
}

// unitFiles returns the unit and two drop-ins, one of them not the agent's.
func unitFiles(texts ...string) []UnitFile {
	names := []string{"/usr/lib/systemd/system/falco.service", "/etc/systemd/system/falco.service.d/50-falco-bootstrap.conf", "/etc/systemd/system/falco.service.d/90-site.conf"}
	var all []UnitFile
	for i, text := range texts {
		all = append(all, UnitFile{names[i], []byte("[Service]\n" + text)})
	}
	return all
}

func TestListAndLast(t *testing.T) {
	in := unitFiles("UMask=0077\nExecStart=/usr/bin/falco\n", "ExecStart=\nExecStart=/usr/bin/falco -c a\n", "UMask=0022\n")
	last, ok := Last(in, "Service", "UMask")
	if want := (Assignment{in[2].Path, 2, "Service", "UMask", "0022"}); last != want || !ok {
		t.Errorf("Last(UMask) = %v, %v, want %v", last, ok, want)
	}
	want := []Assignment{{in[1].Path, 3, "Service", "ExecStart", "/usr/bin/falco -c a"}}
	if diff := cmp.Diff(want, List(in, "Service", "ExecStart")); diff != "" {
		t.Errorf("List(ExecStart) (-want +got):\n%s", diff)
	}
	if a, ok := Last(in, "Service", "Group"); ok {
		t.Errorf("Last(Group) = %v, want none", a)
	}
	if all := List(unitFiles("Key=a\n", "Key=\n"), "Service", "Key"); all != nil {
		t.Errorf("List after an empty value = %v, want none", all)
	}
}

func TestEnvironment(t *testing.T) {
	for _, test := range []struct {
		name string
		in   []UnitFile
		want []string // "NAME=VALUE file:line"
	}{
		{"one", unitFiles("Environment=A=1\n"), []string{"A=1 falco.service:2"}},
		{"quotes", unitFiles("Environment=\"A=1 2\" B='x' C=\"y\"z\n"), []string{"A=1 2 falco.service:2", "B=x falco.service:2", "C=yz falco.service:2"}},
		{"escapes", unitFiles("Environment=A=\\x41\\t\"\\101\" B=\\u00e4\n"), []string{"A=A\tA falco.service:2", "B=ä falco.service:2"}},
		{"the later one wins", unitFiles("Environment=A=1 B=2\n", "Environment=A=3\n", "Environment=LD_PRELOAD=/x.so\n"), []string{"B=2 falco.service:2", "A=3 50-falco-bootstrap.conf:2", "LD_PRELOAD=/x.so 90-site.conf:2"}},
		{"reset", unitFiles("Environment=A=1\n", "Environment=\nEnvironment=B=2\n"), []string{"B=2 50-falco-bootstrap.conf:3"}},
		{"what is not an assignment is left out", unitFiles("Environment=A 1B=2 C=3\n"), []string{"C=3 falco.service:2"}},
		{"a broken word drops the rest", unitFiles("Environment=A=1 \"B=2\n"), []string{"A=1 falco.service:2"}},
		{"unset", unitFiles("Environment=A=1 B=2 C=3\nUnsetEnvironment=A B=2 C=x\n"), []string{"C=3 falco.service:2"}},
	} {
		var got []string
		for _, v := range Environment(test.in) {
			got = append(got, fmt.Sprintf("%s=%s %s:%d", v.Name, v.Value, v.From.File[strings.LastIndex(v.From.File, "/")+1:], v.From.Line))
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: Environment = %q, want %q", test.name, got, test.want)
		}
	}
}

var wordTests = []struct {
	name, in string
	want     []string
	err      error
}{
	{name: "nothing", in: " \t"},
	{name: "blanks", in: " a  b\tc ", want: []string{"a", "b", "c"}},
	{name: "quotes", in: `"a b" 'c d' e"f g"h`, want: []string{"a b", "c d", "ef gh"}},
	{name: "an empty word", in: `a "" ''`, want: []string{"a", "", ""}},
	{name: "a quote in the other one", in: `"it's" '"'`, want: []string{"it's", `"`}},
	{name: "escapes", in: `\s\t\n \x41 \101 "\x42" '\x43'`, want: []string{" \t\n", "A", "A", "B", "C"}},
	{name: "escaped quotes", in: `\"a\' "\""`, want: []string{`"a'`, `"`}},
	{name: "a byte", in: `\xff`, want: []string{"\xff"}},
	{name: "Unicode", in: `\u20ac \U0001f600`, want: []string{"€", "😀"}},
	{name: "a quote is not closed", in: `a "b`, want: []string{"a"}, err: errUnbalanced},
	{name: "an unknown escape", in: `a \q b`, want: []string{"a"}, err: errBadEscape},
	{name: "a backslash at the end", in: `a\`, err: errBadEscape},
	{name: "a NUL", in: `\x00`, err: errBadEscape},
	{name: "an octal that is too large", in: `\777`, err: errBadEscape},
	{name: "too few digits", in: `\x4`, err: errBadEscape},
}

func TestWords(t *testing.T) {
	for _, test := range wordTests {
		got, err := Words(test.in)
		if !slices.Equal(got, test.want) || !errors.Is(err, test.err) {
			t.Errorf("%s: Words(%q) = %q, %v, want %q, %v", test.name, test.in, got, err, test.want, test.err)
		}
	}
}

func TestExpand(t *testing.T) {
	environment := []string{"A=1", "OPTS=-o 'a b' -c f", "E=", "A=2"}
	for _, test := range []struct {
		in   string
		want []string
	}{
		{"falco -x", []string{"falco", "-x"}},
		{"$A $A", []string{"$A", "2"}},
		{"f $OPTS", []string{"f", "-o", "a b", "-c", "f"}},
		{"f ${OPTS}", []string{"f", "-o 'a b' -c f"}},
		{"f $E $NONE ${NONE} x", []string{"f", "", "x"}},
		{"f a$A a${A}b", []string{"f", "a$A", "a2b"}},
		{"f $$A a$$ $", []string{"f", "$A", "a$"}},
		{"f ${A ${}", []string{"f", "${A", ""}},
	} {
		if got := Expand(strings.Fields(test.in), environment); !slices.Equal(got, test.want) {
			t.Errorf("Expand(%q) = %q, want %q", test.in, got, test.want)
		}
	}
}

// An assignment is on the line in its Line field, and reads the same on its own.
func FuzzAssignments(f *testing.F) {
	for _, test := range syntaxTests {
		f.Add([]byte(test.in))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		lines := strings.Split(string(in), "\n")
		for _, a := range parseUnitFile(UnitFile{"f", in}) {
			if a.Line < 1 || a.Line > len(lines) || !strings.Contains(string(in), "=") {
				t.Fatalf("%q: %+v", in, a)
			}
			if begin := trimSpace(strings.TrimPrefix(lines[a.Line-1], "\xef\xbb\xbf")); begin != "" && !strings.ContainsAny(begin, `\=`) {
				t.Fatalf("%q: %+v begins on the line %q", in, a, begin)
			}
			if strings.ContainsAny(a.Section+a.Key+a.Value, "\r\n") || strings.HasSuffix(a.Value, `\`) {
				continue
			}
			alone := UnitFile{"f", []byte("[" + a.Section + "]\n" + a.Key + "=" + a.Value + "\n")}
			again := Assignments([]UnitFile{alone}, a.Section, a.Key)
			if strings.HasPrefix(a.Key, "[") || a.Key == "" || a.Section == "" {
				continue
			}
			if len(again) != 1 || again[0].Value != a.Value {
				t.Fatalf("%q: %+v reads again as %+v", in, a, again)
			}
		}
	})
}

// Quoted words read back as they were.
func TestCommandWords(t *testing.T) {
	for value, want := range map[string]string{
		`/a \q "\q"`: `["/a" "\\q" "\\q"]`, `/a b\`: `["/a" "b\\"]`, `/a \x41\s`: `["/a" "A "]`, `/a "b`: `["/a"]`,
	} {
		words, err := CommandWords(value)
		if got := fmt.Sprintf("%q", words); got != want || (err != nil) != strings.Contains(value, `"b`) {
			t.Errorf("CommandWords(%s) = %s, %v; want %s", value, got, err, want)
		}
	}
}

func FuzzWords(f *testing.F) {
	for _, test := range wordTests {
		f.Add(test.in)
	}
	f.Fuzz(func(t *testing.T, in string) {
		words, err := Words(in)
		var quoted []string
		for _, word := range words {
			quoted = append(quoted, `"`+strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(word)+`"`)
		}
		again, failed := Words(strings.Join(quoted, " "))
		if failed != nil || !slices.Equal(words, again) {
			t.Fatalf("Words(%q) = %q, %v; quoted %q, %v", in, words, err, again, failed)
		}
	})
}

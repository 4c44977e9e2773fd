// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package yamledit

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// An editCase is a text before and after. An empty want means unchanged.
type editCase struct {
	name string
	in   string
	set  []Setting
	want string
	err  error // instead of want
}

func one(path string, v any) []Setting { return []Setting{{path, v}} }

func fileOutput(name string) []Setting {
	return []Setting{{"file_output.enabled", true}, {"file_output.filename", name}}
}

const shipped = `# Where alerts go.
file_output:
  enabled: false
  keep_alive: false
  filename: ./events.txt

stdout_output:
  enabled: true
`

func editCases() []editCase {
	return []editCase{
		{name: "the two lines of file_output", in: shipped, set: fileOutput("/var/log/falco.log"), want: `# Where alerts go.
file_output:
  enabled: true
  keep_alive: false
  filename: /var/log/falco.log

stdout_output:
  enabled: true
`},
		{name: "already set", in: shipped, set: []Setting{{"file_output.enabled", false}, {"stdout_output", map[string]any{"enabled": true}}}},
		{name: "enabled: no is false already", in: "a:\n  enabled: no\n", set: one("a.enabled", false)},
		{name: "enabled: no becomes true", in: "a:\n  enabled: no # off\n", set: one("a.enabled", true), want: "a:\n  enabled: true # off\n"},
		{name: "two spaces after the colon stay", in: "a:\n  enabled:  false\n  name:\t x  # c\n", set: []Setting{{"a.enabled", true}, {"a.name", "q"}}, want: "a:\n  enabled:  true\n  name:\t q  # c\n"},
		{name: "double quotes stay", in: `a: "x y" # c` + "\n", set: one("a", "z"), want: `a: "z" # c` + "\n"},
		{name: "single quotes stay", in: "a: 'x'\n", set: one("a", "it's"), want: "a: 'it''s'\n"},
		{name: "quotes are dropped for a boolean", in: `a: "true"` + "\n", set: one("a", true), want: "a: true\n"},
		{name: "a string that looks like a boolean is quoted", in: "a: x\n", set: one("a", "no"), want: `a: "no"` + "\n"},
		{name: "a string that looks like a number is quoted", in: "a: x\n", set: one("a", "0x1F"), want: `a: "0x1F"` + "\n"},
		{name: "a string with quotes within", in: "a: x\n", set: one("a", `say "hi"`), want: `a: 'say "hi"'` + "\n"},
		{name: "control characters are escaped", in: "a: x\n", set: one("a", "l1\nl2\tx\x01é"), want: `a: "l1\nl2\tx\x01é"` + "\n"},
		{name: "numbers of every kind", in: "a: 1\nb: 1\nc: 1\nd: 1\n", set: []Setting{{"a", -5}, {"b", uint64(18446744073709551615)}, {"c", 2.0}, {"d", 1e30}}, want: "a: -5\nb: 18446744073709551615\nc: 2.0\nd: 1e+30\n"},
		{name: "1 is not 1.0", in: "a: 1.0\n", set: one("a", 1), want: "a: 1\n"},
		{name: "null is written", in: "a: x # c\n", set: one("a", nil), want: "a: null # c\n"},
		{name: "a key without a value gets one", in: "a: # c\nb: 1\n", set: one("a", 5), want: "a: 5 # c\nb: 1\n"},
		{name: "a null block gets children", in: "a: # c\nb: 1\n", set: one("a.x", 5), want: "a: # c\n  x: 5\nb: 1\n"},
		{name: "a missing leaf goes below its siblings", in: "a:\n  x: 1 # one\n\n  # about b\n# more\nb: 1\n", set: one("a.q", 2), want: "a:\n  x: 1 # one\n  q: 2\n\n  # about b\n# more\nb: 1\n"},
		{name: "a missing leaf goes below its nested siblings", in: "a:\n    x:\n        z: 1\nb: 1\n", set: one("a.q", 2), want: "a:\n    x:\n        z: 1\n    q: 2\nb: 1\n"},
		{name: "missing leaves at two depths", in: "a:\n  x:\n    z: 1\nb: 1\n", set: []Setting{{"a.q", 2}, {"a.x.w", 3}}, want: "a:\n  x:\n    z: 1\n    w: 3\n  q: 2\nb: 1\n"},
		{name: "a missing leaf goes to its commented-out example", in: "a:\n  x: 1\n  # q: 0\n  # z\n  w: 2\n", set: one("a.q", 2), want: "a:\n  x: 1\n  # q: 0\n  q: 2\n  # z\n  w: 2\n"},
		{name: "a missing block goes to the end", in: "a: 1\n", set: fileOutput("/x"), want: "a: 1\n\nfile_output:\n  enabled: true\n  filename: /x\n"},
		{name: "a missing block after a blank line", in: "a: 1\n\n", set: one("b.c", 1), want: "a: 1\n\nb:\n  c: 1\n"},
		{name: "a missing block goes to its commented-out example", in: "a: 1\n# static_fields:\n#   foo: bar\n#   foo2: x\n# about c\nc: 1\n", set: one("static_fields.k", "v"), want: "a: 1\n# static_fields:\n#   foo: bar\n#   foo2: x\nstatic_fields:\n  k: v\n# about c\nc: 1\n"},
		{name: "a comment that mentions the key is not an example", in: "# see file_output: below\na: 1\n#file_output: is gone\n", set: one("file_output.enabled", true), want: "# see file_output: below\na: 1\n#file_output: is gone\nfile_output:\n  enabled: true\n"},
		{name: "a missing top-level leaf", in: "a: 1\n# end\n", set: one("b", true), want: "a: 1\nb: true\n# end\n"},
		{name: "no final newline, value at the end", in: "a:\n  b: 1", set: one("a.b", 2), want: "a:\n  b: 2"},
		{name: "no final newline, leaf and block at the end", in: "a:\n  b: 1", set: []Setting{{"a.c", 2}, {"d.e", 3}}, want: "a:\n  b: 1\n  c: 2\n\nd:\n  e: 3"},
		{name: "CRLF", in: "a:\r\n  b: 1 # x\r\n", set: []Setting{{"a.b", 2}, {"a.c", []any{"x"}}}, want: "a:\r\n  b: 2 # x\r\n  c:\r\n    - x\r\n"},
		{name: "byte order mark and non-ASCII", in: "\ufeff# größe – x\né: {ß: 1, a: 2}\n", set: one("é.a", 3), want: "\ufeff# größe – x\né: {ß: 1, a: 3}\n"},
		{name: "byte order mark alone", in: "\ufeff", set: one("a", 3), want: "\ufeffa: 3\n"},
		{name: "empty file", in: "", set: one("a.b", 3), want: "a:\n  b: 3\n"},
		{name: "comments only", in: "# nothing", set: one("a", 3), want: "# nothing\na: 3"},
		{name: "document markers", in: "---\na: 1\n...\n", set: one("b.c", 3), want: "---\na: 1\n\nb:\n  c: 3\n...\n"},
		{name: "flow map", in: "file_output: {enabled: false, filename: ./e.txt} # c\n", set: fileOutput("/var/log/falco.log"), want: "file_output: {enabled: true, filename: /var/log/falco.log} # c\n"},
		{name: "flow map gets a key", in: "a: {x: 1, }\n", set: []Setting{{"a.q", []any{1, "b"}}, {"a.z.w", true}}, want: "a: {x: 1, q: [1, b], z: {w: true}, }\n"},
		{name: "flow map loses a key", in: "a: {x: 1, k: 2, z: 3}\n", set: one("a", map[string]any{"x": 1}), want: "a: {x: 1}\n"},
		{name: "flow list", in: "a: [x, 'y', z]\n", set: one("a", []any{"x", "q", "z", "w"}), want: "a: [x, 'q', z, w]\n"},
		{name: "flow list loses its first", in: "a: [x, 'y', z]\n", set: one("a", []any{"y", "z"}), want: "a: ['y', z]\n"},
		{name: "flow list over lines", in: "a: [x, # one\n    y]\n", set: one("a[1]", "z"), want: "a: [x, # one\n    z]\n"},
		{name: "empty flow list gets scalars", in: "load_plugins: [] # c\n", set: one("load_plugins", []any{"container"}), want: "load_plugins: [container] # c\n"},
		{name: "empty flow list gets a map", in: "plugins: [] # c\n", set: one("plugins", []any{map[string]any{"name": "json", "init_config": map[string]any{"x": 1}}}), want: "plugins: # c\n  - init_config:\n      x: 1\n    name: json\n"},
		{name: "empty flow map gets a key", in: "a: {}\n", set: one("a.b", 1), want: "a:\n  b: 1\n"},
		{name: "root in flow style", in: "{a: 1}\n", set: one("b", 2), want: "{a: 1, b: 2}\n"},
		{name: "list gets an entry between", in: "rules_files:\n - a.yaml\n # local\n - c.yaml\n", set: one("rules_files", []any{"a.yaml", "b.yaml", "c.yaml"}), want: "rules_files:\n - a.yaml\n - b.yaml\n # local\n - c.yaml\n"},
		{name: "list gets a first entry", in: "l:\n- a\n- b\n", set: one("l", []any{"z", "a", "b"}), want: "l:\n- z\n- a\n- b\n"},
		{name: "list loses entries", in: "l:\n  - a\n  - b # b\n  - c\nx: 1\n", set: one("l", []any{"b"}), want: "l:\n  - b # b\nx: 1\n"},
		{name: "list becomes empty", in: "l: # c\n  - a\n  - b\nx: 1\n", set: one("l", []any{}), want: "l: [] # c\nx: 1\n"},
		{name: "list becomes a map", in: "l:\n- a\n- b\nm:\n   n: 1\n", set: one("l", map[string]any{"k": "v"}), want: "l:\n   k: v\nm:\n   n: 1\n"},
		{name: "map becomes a scalar", in: "m:\n   n: 1\n   o: 2\nx: 1\n", set: one("m", 5), want: "m: 5\nx: 1\n"},
		{name: "scalar becomes a map", in: "m: 5 # five\nx: 1\n", set: one("m", map[string]any{"a": 1, "b": []any{}}), want: "m: # five\n  a: 1\n  b: []\nx: 1\n"},
		{name: "key of a list entry", in: "plugins:\n  - name: a\n    init_config:\n    open: x\n  - name: b\n", set: []Setting{{"plugins[0].init_config", map[string]any{"k": 1}}, {"plugins[1].lib", "b.so"}, {"plugins[2].name", "c"}}, want: "plugins:\n  - name: a\n    init_config:\n      k: 1\n    open: x\n  - name: b\n    lib: b.so\n  - name: c\n"},
		{name: "first key of a list entry goes", in: "p:\n  - a: 1\n    b: 2\n", set: one("p[0]", map[string]any{"b": 2}), want: "p:\n  - b: 2\n"},
		{name: "list entry is another map", in: "p:\n  - a: 1\n    c: 1\n  - x\n", set: one("p[0]", map[string]any{"b": 2}), want: "p:\n  - b: 2\n  - x\n"},
		{name: "dash alone", in: "p:\n  -\n  - x\n", set: one("p[0].b", 2), want: "p:\n  - b: 2\n  - x\n"},
		{name: "list in a list", in: "p:\n  - - a\n    - b\n", set: one("p[0]", []any{"z", "a", "b"}), want: "p:\n  - - z\n    - a\n    - b\n"},
		{name: "literal block scalar", in: "a: |  # text\n  one\n\n  two\n\n# c\nb: 1\n", set: one("a", "x"), want: "a: x\n\n# c\nb: 1\n"},
		{name: "sibling after a kept block scalar", in: "a:\n  t: |+\n    one\n\n\nb: 1\n", set: one("a.u", 1), want: "a:\n  t: |+\n    one\n\n\n  u: 1\nb: 1\n"},
		{name: "plain scalar over lines", in: "a: one\n  two\n\n  three # c\nb: 1\n", set: one("a", "x"), want: "a: x # c\nb: 1\n"},
		{name: "quoted scalar over lines", in: "a: \"one\n  two\"\nb: 1\n", set: one("a", "x"), want: "a: \"x\"\nb: 1\n"},
		{name: "tag goes with the value", in: "a: !!str 5\nb: 1\n", set: one("a", 5), want: "a: 5\nb: 1\n"},
		{name: "alias that is already set", in: "a: &x {k: 1}\nb: *x\n", set: one("b.k", 1)},
		{name: "alias is replaced by a value", in: "a: &x 1\nb: *x\n", set: one("b", 2), want: "a: &x 1\nb: 2\n"},
		{name: "anchor that nothing uses", in: "a: &x\n  k: 1\nb: 1\n", set: one("a.k", 2), want: "a: &x\n  k: 2\nb: 1\n"},
		{name: "tab in a comment", in: "a: 1\t# one\tx\nb: 2\n", set: one("a", 3), want: "a: 3\t# one\tx\nb: 2\n"},
		{name: "keys in quotes", in: "\"file_output\" : {\"enabled\":false}\n", set: one("file_output.enabled", true), want: "\"file_output\" : {\"enabled\":true}\n"},
		{name: "explicit key", in: "? a\n: 1\nb: 2\n", set: one("a", 3), want: "? a\n: 3\nb: 2\n"},
		{name: "dot in a key", in: "a.b: 1\n", set: one(`a\.b`, 2), want: "a.b: 2\n"},
		{name: "the later setting wins", in: "a: 1\n", set: []Setting{{"a", 2}, {"a", 1}}},
		{name: "a later setting around an earlier one wins", in: "a: {b: 1}\n", set: []Setting{{"a.b", 2}, {"a", 5}}, want: "a: 5\n"},
		{name: "map through a scalar", in: "a: 1\n", set: one("a.b", 2), err: ErrConflict},
		{name: "list through a map", in: "a: {b: 1}\n", set: one("a[0]", 2), err: ErrConflict},
		{name: "list entry out of range", in: "a: [1]\n", set: one("a[2]", 2), err: ErrConflict},
		{name: "through an alias", in: "a: &x {k: 1}\nb: *x\n", set: one("b.k", 2), err: ErrUnsupported},
		{name: "shared anchor", in: "a: &x {k: 1}\nb: *x\n", set: one("a.k", 2), err: ErrUnsupported},
		{name: "shared anchor is dropped", in: "a: {k: &x 1}\nb: *x\n", set: one("a", 2), err: ErrUnsupported},
		{name: "several documents", in: "a: 1\n---\nb: 1\n", set: one("a", 2), err: ErrUnsupported},
		{name: "duplicate keys", in: "a: 1\nb: {c: 1, c: 2}\n", set: one("a", 2), err: ErrUnsupported},
		{name: "root is a list", in: "- a\n", set: one("a", 2), err: ErrUnsupported},
		{name: "root is a scalar", in: "a\n", set: one("a", 2), err: ErrUnsupported},
		{name: "tab indents", in: "a:\n\tb: 1\n", set: one("a.b", 2), err: ErrSyntax},
		{name: "not YAML", in: "a: [1\n", set: one("a", 2), err: ErrSyntax},
		{name: "not UTF-8", in: "a: \xff\n", set: one("a", 2), err: ErrUnsupported},
		{name: "UTF-16", in: "\xff\xfea\x00", set: one("a", 2), err: ErrUnsupported},
		{name: "old Mac line ends", in: "a: 1\rb: 2\r", set: one("a", 2), err: ErrUnsupported},
		{name: "line separator in a comment", in: "# x\u2028b: 2\n", set: one("a", 2), want: "# x\u2028b: 2\na: 2\n"},
		{name: "next line, paragraph separator and byte order mark in comments", in: "# x\u0085b: 2\na: 1 # \u2029 \ufeff\n", set: one("a", 2), want: "# x\u0085b: 2\na: 2 # \u2029 \ufeff\n"},
		{name: "Latin-1 in comments", in: "# gr\xfc\xdfe\na: 1 # \xe9\nb: 2\n", set: one("b", 3), want: "# gr\xfc\xdfe\na: 1 # \xe9\nb: 3\n"},
		{name: "control characters in comments", in: "a: 1 # \x1b[1m \x7f \u0090\nb: 2\n", set: one("a", 3), want: "a: 3 # \x1b[1m \x7f \u0090\nb: 2\n"},
		{name: "lines of tabs", in: "\t\na:\n  b: 1\n \t\n\t# c\nd: |\n  x\n", set: one("a.b", 2), want: "\t\na:\n  b: 2\n \t\n\t# c\nd: |\n  x\n"},
		{name: "YAML 1.2", in: "# c\n%YAML 1.2\n---\na: 1\n", set: one("a", 2), want: "# c\n%YAML 1.2\n---\na: 2\n"},
		{name: "YAML 2", in: "%YAML 2.0\n---\na: 1\n", set: one("a", 2), err: ErrSyntax},
		{name: "escaped slash", in: "a: \"\\/x\"\nb: '\\/'\nc: 1\n", set: one("c", 2), want: "a: \"\\/x\"\nb: '\\/'\nc: 2\n"},
		{name: "escaped slash is a slash", in: "a: \"\\/x\"\n", set: one("a", "/x")},
		{name: "odd characters in a value are kept", in: "a: caf\xe9\nb: 1\n", set: one("b", 2), want: "a: caf\xe9\nb: 2\n"},
		{name: "odd characters between values", in: "a: 1\u2028b: 2\n", set: one("c", 2), err: ErrUnsupported},
		{name: "end of a file to yaml-cpp", in: "a: 1 # \x04\nb: 1\n", set: one("b", 2), err: ErrSyntax},
		{name: "alias bomb", in: "a: &a [1,1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\n", set: one("f", 2), err: ErrUnsupported},
		{name: "empty path", in: "a: 1\n", set: one("", 2), err: ErrSetting},
		{name: "append path", in: "a: [1]\n", set: one("a[]", 2), err: ErrSetting},
		{name: "value of an unsupported type", in: "a: 1\n", set: one("a", struct{}{}), err: ErrSetting},
	}
}

func TestSet(t *testing.T) {
	for _, tt := range editCases() {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Set([]byte(tt.in), tt.set...)
			if tt.err != nil {
				if !errors.Is(err, tt.err) || got != nil {
					t.Fatalf("Set(%q, %v) = %q, %v, want nil and %v", tt.in, tt.set, got, err, tt.err)
				}
				wantHint(t, err)
				return
			}
			want := tt.want
			if want == "" {
				want = tt.in
			}
			if err != nil {
				t.Fatalf("Set(%q, %v): %v, want %q", tt.in, tt.set, err, want)
			}
			if diff := cmp.Diff(want, string(got)); diff != "" {
				t.Fatalf("Set(%q, %v), -want +got:\n%s", tt.in, tt.set, diff)
			}
			wantSameSlice(t, got, tt.set)
		})
	}
}

// wantHint checks that a refusal says what to do.
func wantHint(t *testing.T, err error) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Hint == "" || e.Reason == "" {
		t.Errorf("refusal %#v, want an *Error with a reason and a hint", err)
	}
}

// wantSameSlice checks that setting the same values again returns src itself.
func wantSameSlice(t *testing.T, src []byte, settings []Setting) {
	t.Helper()
	again, err := Set(src, settings...)
	if err != nil {
		t.Fatalf("Set(%q, %v) again: %v", src, settings, err)
	}
	if len(again) != len(src) || len(src) > 0 && &again[0] != &src[0] {
		t.Errorf("Set(%q, %v) again = %q, want the input itself", src, settings, again)
	}
}

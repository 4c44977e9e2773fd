// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package yamledit

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite testdata/*.want")

// TestFixtures sets file_output, a list and a nested key in files as people and
// tools leave them. The expected results are the .want files.
func TestFixtures(t *testing.T) {
	settings := append(fileOutput("/var/log/falco.log"), Setting{"rules_files", []any{"/etc/falco/falco_rules.yaml", "/etc/falco/mine.yaml"}}, Setting{"engine.kind", "modern_ebpf"})
	paths, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no fixtures (%v)", err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			src, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			got := checkEdit(t, path, src, settings...)
			golden := strings.TrimSuffix(path, ".yaml") + ".want"
			if *update {
				if err := os.WriteFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("Set(%s), -want +got:\n%s", path, diff)
			}
		})
	}
}

func TestRemove(t *testing.T) {
	tests := []struct{ name, in, path, want string }{
		{name: "absent", in: "a: 1\n", path: "b.c"},
		{name: "through a scalar", in: "a: 1\n", path: "a.b"},
		{name: "entry that is not there", in: "a: [1]\n", path: "a[1]"},
		{name: "leaf", in: "a:\n  b: 1 # x\n  c: 2\nd: 3\n", path: "a.b", want: "a:\n  c: 2\nd: 3\n"},
		{name: "last leaf leaves a map", in: "a: # why\n  # note\n  b: 1\nd: 3\n", path: "a.b", want: "a: {} # why\n  # note\nd: 3\n"},
		{name: "block with its nested lines", in: "a:\n  b:\n    - x\n\n    - y\n# about d\nd: 3\n", path: "a", want: "# about d\nd: 3\n"},
		{name: "the only key", in: "# c\na: 1\n", path: "a", want: "# c\n"},
		{name: "list entry", in: "a:\n- x\n- y\n", path: "a[0]", want: "a:\n- y\n"},
		{name: "only list entry", in: "a:\n- x\nb: 1\n", path: "a[0]", want: "a: []\nb: 1\n"},
		{name: "key behind a dash", in: "a:\n  - x: 1\n    y: 2\n    z: 3\n", path: "a[0].x", want: "a:\n  - y: 2\n    z: 3\n"},
		{name: "flow map", in: "a: {x: 1, k: 2}\n", path: "a.k", want: "a: {x: 1}\n"},
		{name: "first of a flow map", in: "a: {x: 1, k: 2}\n", path: "a.x", want: "a: {k: 2}\n"},
		{name: "only one of a flow map", in: "a: {x: 1}\n", path: "a.x", want: "a: {}\n"},
		{name: "block scalar", in: "a: |\n  x\n\n  # y\nb: 1\n", path: "a", want: "b: 1\n"},
		{name: "last line without a line end", in: "a: 1\r\nb: 2", path: "b", want: "a: 1"},
		{name: "alias", in: "a: &x 1\nb: *x\n", path: "b", want: "a: &x 1\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := tt.want
			if want == "" {
				want = tt.in
			}
			got, err := Remove([]byte(tt.in), tt.path)
			if err != nil || string(got) != want {
				t.Errorf("Remove(%q, %s) = %q, %v, want %q", tt.in, tt.path, got, err, want)
			}
		})
	}
	if got, err := Remove([]byte("a: &x 1\nb: *x\n"), "a"); err == nil || got != nil {
		t.Errorf("Remove of an anchor that is used = %q, %v, want nil and an error", got, err)
	}
}

func TestGet(t *testing.T) {
	const src = "# c\na:\n  b: no\n  \"c d\": [1, {e: x}]\nf: &f\n  - 0x10\n  -\ng: *f\nh: 2024-01-02\n"
	tests := []struct {
		path string
		want any
		line int
		ok   bool
	}{
		{"a.b", false, 3, true},
		{"a", map[string]any{"b": false, "c d": []any{int64(1), map[string]any{"e": "x"}}}, 2, true},
		{"a.c d[1].e", "x", 4, true},
		{"f[0]", int64(16), 6, true},
		{"f[1]", nil, 7, true},
		{"g[0]", int64(16), 6, true},
		{"h", "2024-01-02", 9, true},
		{"a.x", nil, 0, false},
		{"a.b.c", nil, 0, false},
		{"a[0]", nil, 0, false},
		{"f[2]", nil, 0, false},
	}
	for _, tt := range tests {
		got, line, ok, err := Get([]byte(src), tt.path)
		if err != nil || ok != tt.ok || line != tt.line || !cmp.Equal(got, tt.want) {
			t.Errorf("Get(%s) = %#v, %d, %t, %v, want %#v, %d, %t", tt.path, got, line, ok, err, tt.want, tt.line, tt.ok)
		}
	}
}

func TestParseSetting(t *testing.T) {
	tests := []struct {
		in   string
		want Setting
		ok   bool
	}{
		{"json_output=true", Setting{"json_output", true}, true},
		{"a.b[0].c=1", Setting{"a.b[0].c", int64(1)}, true},
		{"a=no", Setting{"a", false}, true},
		{"a='no'", Setting{"a", "no"}, true},
		{"a=x=y", Setting{"a", "x=y"}, true},
		{"a=", Setting{"a", ""}, true},
		{"a=null", Setting{"a", nil}, true},
		{"a=[x, {b: .5}]", Setting{"a", []any{"x", map[string]any{"b": .5}}}, true},
		{`a\.b=1`, Setting{`a\.b`, int64(1)}, true},
		{in: "a"},
		{in: "=1"},
		{in: "a.=1"},
		{in: ".a=1"},
		{in: "a..b=1"},
		{in: "a[=1"},
		{in: "a[x]=1"},
		{in: "a[-1]=1"},
		{in: "a[]=1"},
		{in: "a[0]b=1"},
		{in: "[0]=1"},
		{in: `a\x=1`},
		{in: "a=[1"},
		{in: "a={b: 1, b: 2}"},
		{in: "a=!!binary aGk="},
		{in: "a[99999999]=1"},
	}
	for _, tt := range tests {
		got, err := ParseSetting(tt.in)
		if (err == nil) != tt.ok || !cmp.Equal(got, tt.want) {
			t.Errorf("ParseSetting(%q) = %#v, %v, want %#v, ok %t", tt.in, got, err, tt.want, tt.ok)
		}
		if err != nil {
			wantHint(t, err)
		}
	}
}

// largest returns the longest file of the corpus, or a synthetic one like it.
func largest(b *testing.B, fromCorpus bool) []byte {
	if fromCorpus {
		var most []byte
		for _, src := range corpus(b) {
			if len(src) > len(most) {
				most = src
			}
		}
		return most
	}
	var s strings.Builder
	for i := range 60 {
		s.WriteString(strings.Repeat("# A line of explanation, as there are many of them.\n", 16))
		s.WriteString("block" + string(rune('a'+i%26)) + strings.Repeat("x", i/26) + ":\n  # -- What it does.\n  enabled: false\n  list:\n    - one\n    - two\n\n")
	}
	return []byte(s.String() + shipped)
}

// Without FALCO_YAML_CORPUS, a directory of falco.yaml files as releases shipped
// them, the corpus is of files that were written here.
func benchmark(b *testing.B, run func(src []byte) error) {
	for name, fromCorpus := range map[string]bool{"corpus": true, "synthetic": false} {
		b.Run(name, func(b *testing.B) {
			src := largest(b, fromCorpus)
			b.SetBytes(int64(len(src)))
			b.ReportAllocs()
			for b.Loop() {
				if err := run(src); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkSet(b *testing.B) {
	benchmark(b, func(src []byte) error {
		_, err := Set(src, fileOutput("/var/log/falco.log")...)
		return err
	})
}

// BenchmarkSetKeys sets many keys of one block, half of which are new.
func BenchmarkSetKeys(b *testing.B) {
	for _, keys := range []int{10, 100, 1000} {
		b.Run(strconv.Itoa(keys), func(b *testing.B) {
			src := []byte("many:\n")
			var all []Setting
			for i := range keys {
				if i%2 == 0 {
					src = fmt.Appendf(src, "  key_%d: false\n", i)
				}
				all = append(all, Setting{Path: fmt.Sprintf("many.key_%d", i), Value: true})
			}
			src = append(largest(b, false), src...)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Set(src, all...); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkGet(b *testing.B) {
	benchmark(b, func(src []byte) error {
		_, _, _, err := Get(src, "file_output.filename")
		return err
	})
}

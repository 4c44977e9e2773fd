// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package yamledit

import (
	"bytes"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// Run a target for longer with
//
//	go test -run '^$' -fuzz '^FuzzSet$' -fuzztime 10m -fuzzminimizetime 1s ./pkg/yamledit

// seed adds the texts of the tables to a fuzz test, each with a path and the
// YAML of a value.
func seed(f *testing.F) {
	for _, tt := range editCases() {
		for _, s := range tt.set {
			text, err := yaml.Marshal(map[string]any{"v": plain(s.Value)})
			if err != nil {
				f.Fatal(err)
			}
			_, value, _ := strings.Cut(string(text), "v:")
			f.Add([]byte(tt.in), s.Path, strings.TrimSpace(value))
		}
	}
}

// FuzzSet checks that Set returns either nil and an error, or a file in which the
// key has the value, nothing else differs, and setting it again changes nothing.
func FuzzSet(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, src []byte, path, text string) {
		s, err := ParseSetting(path + "=" + text)
		if err != nil {
			t.Skip()
		}
		before := bytes.Clone(src)
		out, err := Set(src, s)
		if !bytes.Equal(src, before) {
			t.Fatalf("Set(%q, %v) changes its input", before, s)
		}
		if err != nil {
			if out != nil {
				t.Fatalf("Set(%q, %v) = %q and the error %v, want nil", src, s, out, err)
			}
			wantHint(t, err)
			return
		}
		got, _, ok, err := Get(out, s.Path)
		if want := plain(s.Value); err != nil || !ok || !equal(got, want) {
			t.Fatalf("Set(%q, %v) = %q, where Get = %v, %t, %v", src, s, out, got, ok, err)
		}
		wantSameSlice(t, out, []Setting{s})
		wantOnlyPath(t, src, out, s.Path)
		uniform := func(text []byte) bool { return bytes.Count(text, []byte("\r\n")) == bytes.Count(text, []byte("\n")) }
		switch cr := bytes.ContainsRune(src, '\r'); {
		case !cr && bytes.ContainsRune(out, '\r'), cr && uniform(src) && !uniform(out):
			t.Errorf("Set(%q, %v) = %q, with other line ends", src, s, out)
		}
	})
}

// wantOnlyPath compares two texts by yaml.v3's own decoder, without path.
func wantOnlyPath(t *testing.T, before, after []byte, path string) {
	t.Helper()
	a, errA := Remove(before, path)
	b, errB := Remove(after, path)
	if errA != nil || errB != nil {
		return // the value cannot be removed, for instance an alias
	}
	va, okA := decoded(a)
	vb, okB := decoded(b)
	steps, _ := ParsePath(path)
	if !okA || !okB || len(steps) != 1 {
		return
	}
	if !equal(va, vb) {
		t.Errorf("setting %s turns %q into %q: without it %v is not %v", path, before, after, va, vb)
	}
}

// decoded decodes src into a map, false if yaml.v3 cannot.
func decoded(src []byte) (any, bool) {
	m := map[string]any{}
	if err := yaml.Unmarshal(src, &m); err != nil {
		return nil, false
	}
	v, err := canonical("", m)
	return v, err == nil
}

// FuzzRemove checks that Remove returns either nil and an error, or a file without
// the key. Removing it again changes nothing, and the file does not grow, except
// by a {} or [] that is left.
func FuzzRemove(f *testing.F) {
	for _, tt := range editCases() {
		for _, s := range tt.set {
			f.Add([]byte(tt.in), s.Path)
		}
	}
	f.Fuzz(func(t *testing.T, src []byte, path string) {
		out, err := Remove(src, path)
		if err != nil {
			if out != nil {
				t.Fatalf("Remove(%q, %q) = %q and the error %v, want nil", src, path, out, err)
			}
			wantHint(t, err)
			return
		}
		_, _, was, err := Get(src, path)
		if err != nil {
			return // aliases that expand too far can be removed, but not read
		}
		if !was && !bytes.Equal(src, out) {
			t.Fatalf("Remove(%q, %q) = %q, though nothing is there", src, path, out)
		}
		if strings.HasSuffix(path, "]") {
			return // the next entry has moved up
		}
		if _, _, ok, err := Get(out, path); ok || err != nil {
			t.Fatalf("Remove(%q, %q) = %q, where Get = %t, %v", src, path, out, ok, err)
		}
		again, err := Remove(out, path)
		if err != nil || !bytes.Equal(again, out) {
			t.Fatalf("Remove(%q, %q) again = %q, %v", out, path, again, err)
		}
		if len(out) > len(src)+3 {
			t.Errorf("Remove(%q, %q) = %q, which is longer", src, path, out)
		}
	})
}

// FuzzSetMany sets two keys at once. The tree must be the same as if they were
// set one after the other.
func FuzzSetMany(f *testing.F) {
	f.Add([]byte(shipped), "file_output.enabled", "true", "file_output.filename", "/x")
	f.Add([]byte("a: [x, {b: 1}]\nc:\n- d\n"), "a[1].b", "[1]", "c[1]", "{e: 2}")
	f.Add([]byte("a:\n  b: 1\n"), "a.c", "1", "d.e.f", "[]")
	f.Fuzz(func(t *testing.T, src []byte, path1, text1, path2, text2 string) {
		s1, err1 := ParseSetting(path1 + "=" + text1)
		s2, err2 := ParseSetting(path2 + "=" + text2)
		if err1 != nil || err2 != nil {
			t.Skip()
		}
		both, err := Set(src, s1, s2)
		if err != nil {
			if both != nil {
				t.Fatalf("Set(%q, %v, %v) = %q and the error %v, want nil", src, s1, s2, both, err)
			}
			return
		}
		wantSameSlice(t, both, []Setting{s1, s2})
		first, err := Set(src, s1)
		if err != nil {
			return // what is refused alone may be undone by the second
		}
		second, err := Set(first, s2)
		if err != nil {
			return
		}
		a, err := parse(both)
		if err != nil {
			t.Fatalf("Set(%q, %v, %v) = %q: %v", src, s1, s2, both, err)
		}
		b, err := parse(second)
		if err != nil || !equal(a.tree, b.tree) {
			t.Fatalf("Set(%q, %v, %v) = %q, one after the other %q (%v)", src, s1, s2, both, second, err)
		}
	})
}

// FuzzParseSetting checks that the result of ParseSetting can be set in an empty
// file, and is then read back.
func FuzzParseSetting(f *testing.F) {
	for _, s := range []string{"a=1", "a.b[0]={c: [x]}", "a=", "a", `a\.b=no`, "a==", "a=&x 1", "a[]=1", "a=!!str 1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSetting(text)
		if err != nil {
			wantHint(t, err)
			return
		}
		out, err := Set(nil, s)
		if err != nil {
			wantHint(t, err)
			return
		}
		got, _, ok, err := Get(out, s.Path)
		if err != nil || !ok || !equal(got, plain(s.Value)) {
			t.Errorf("Set(nil, %#v) = %q, where Get = %v, %t, %v", s, out, got, ok, err)
		}
	})
}

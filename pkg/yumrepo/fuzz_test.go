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

// Set changes only the keys that it sets and keeps every comment and every other
// line; setting them again changes nothing; an error means no output.
func FuzzSet(f *testing.F) {
	for _, test := range setTests {
		f.Add([]byte(test.in), test.id, test.key, test.value, test.value)
	}
	f.Fuzz(func(t *testing.T, in []byte, id, key, value, gpgcheck string) {
		keys := []KeyValue{{key, value}, {"gpgcheck", gpgcheck}}
		out := edit(t, in, func(src []byte) ([]byte, error) { return Set(src, id, keys...) })
		if out == nil {
			return
		}
		old, got := values(t, in), values(t, out)
		for i, kv := range keys {
			name := id + "\x00" + kv.Key
			s := Section{keys: []KeyValue{{kv.Key, got[name][len(got[name])-1]}}}
			if overwritten := i == 0 && key == "gpgcheck"; !overwritten && s.keys[0] != kv && !s.hasBool(kv) {
				t.Fatalf("Set(%q, %q, %q): the value is %q", in, id, keys, got[name])
			}
			delete(old, name)
			delete(got, name)
			if key == "gpgcheck" {
				break
			}
		}
		if diff := cmp.Diff(old, got); diff != "" {
			t.Fatalf("Set(%q, %q, %q) changed more (-want +got):\n%s", in, id, keys, diff)
		}
		continued := bytes.Contains(in, []byte("\n ")) || bytes.Contains(in, []byte("\n\t"))
		if lost := lostLines(in, out); lost > len(keys) && !continued {
			t.Fatalf("Set(%q, %q, %q) = %q changed %d lines", in, id, keys, out, lost)
		}
	})
}

// Add, Unset and Remove keep the same promises: what they name is added or
// removed, and every other key and line stays.
func FuzzAddUnsetRemove(f *testing.F) {
	for _, test := range setTests {
		f.Add([]byte(test.in), "about it\n\nall", test.id+"2", test.key, test.value)
		f.Add([]byte(test.in), "", test.id, test.key, test.value)
	}
	f.Fuzz(func(t *testing.T, in []byte, comment, id, key, value string) {
		name := id + "\x00" + key
		if out := edit(t, in, func(src []byte) ([]byte, error) { return Unset(src, id, key) }); out != nil {
			want := values(t, in)
			delete(want, name)
			if diff := cmp.Diff(want, values(t, out)); diff != "" {
				t.Fatalf("Unset(%q, %q, %q) = %q (-want +got):\n%s", in, id, key, out, diff)
			}
		}
		if out := edit(t, in, func(src []byte) ([]byte, error) { return Remove(src, id) }); out != nil {
			want := values(t, in)
			for name := range want {
				if strings.HasPrefix(name, id+"\x00") {
					delete(want, name)
				}
			}
			if diff := cmp.Diff(want, values(t, out)); diff != "" {
				t.Fatalf("Remove(%q, %q) = %q (-want +got):\n%s", in, id, out, diff)
			}
		}
		out, err := Add(in, comment, id, KeyValue{key, value})
		if err != nil {
			if out != nil || errors.Is(err, errUnproven) {
				t.Fatalf("Add(%q, %q, %q, %q, %q) = %q, %v", in, comment, id, key, value, out, err)
			}
			return
		}
		if again, err := Add(out, comment, id); again != nil || !errors.Is(err, errSectionExists) {
			t.Fatalf("Add twice: %q, %v", again, err)
		}
		want := values(t, in)
		want[name] = []string{value}
		if diff := cmp.Diff(want, values(t, out)); diff != "" {
			t.Fatalf("Add(%q, %q, %q, %q, %q) = %q (-want +got):\n%s", in, comment, id, key, value, out, diff)
		}
		if len(bytes.TrimSpace(in)) > 0 && !bytes.HasPrefix(out, in) {
			t.Fatalf("Add(%q, %q) = %q changed what was there", in, id, out)
		}
	})
}

// edit makes an edit of in and returns nil if it is refused. It checks that the
// edit leaves its input alone, is proven, and changes nothing the second time.
func edit(t *testing.T, in []byte, verb func([]byte) ([]byte, error)) []byte {
	before := bytes.Clone(in)
	out, err := verb(in)
	if !bytes.Equal(in, before) {
		t.Fatalf("the edit changed its input from %q to %q", before, in)
	}
	if err != nil {
		if out != nil || errors.Is(err, errUnproven) {
			t.Fatalf("edit of %q = %q, %v", in, out, err)
		}
		return nil
	}
	if again, err := verb(out); err != nil || !bytes.Equal(again, out) {
		t.Fatalf("twice: %q then %q (%v)", out, again, err)
	}
	if out == nil {
		return []byte{}
	}
	return out
}

// values returns every value of a file by its section and key.
func values(t *testing.T, src []byte) map[string][]string {
	f, err := Parse(src)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]string{}
	for _, s := range f.Sections() {
		for _, kv := range s.keys {
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

// The lines of a parsed file make up its input.
func FuzzParse(f *testing.F) {
	for _, test := range setTests {
		f.Add([]byte(test.in))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		file, err := Parse(in)
		if err != nil {
			if file != nil {
				t.Fatalf("Parse = %v, %v, want nil with an error", file, err)
			}
			return
		}
		var out []byte
		for _, l := range file.lines {
			out = append(out, in[l.start:l.end]...)
			if l.kind == keyValue || l.kind == continuation {
				if got := string(in[l.vstart:l.vend]); got != l.value {
					t.Fatalf("Parse(%q): at the place of the value %q is %q", in, l.value, got)
				}
			}
		}
		if !bytes.Equal(in, out) {
			t.Fatalf("Parse(%q) has the lines %q", in, out)
		}
	})
}

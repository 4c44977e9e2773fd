// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func skimSeeds() []struct{ in, want string } {
	return []struct{ in, want string }{
		{`{}`, `{}`},
		{`{"a":1}`, `{"a":1}`},
		{`{"b":1}`, `{}`},
		{`{"b":[{"a":1},"}",2], "a" : {"b":[1]} , "c":null}`, `{"a" : {"b":[1]}}`},
		{"{\n  \"b\": \"\\\"a\\\":1,\\\\\",\n  \"a\": \"\\\\\"\n}", `{"a": "\\"}`},
		{`{"a":true,"b":-1e9,"a":2}`, `{"a":true,"a":2}`},
		// What is broken comes back whole.
		{`{"a":1,}`, `{"a":1,}`},
		{`{"a" 1}`, `{"a" 1}`},
		{`{"a":}`, `{"a":}`},
		{`{a:1}`, `{a:1}`},
		{`{"a":1 "b":2}`, `{"a":1 "b":2}`},
		{`{"b":"x}`, `{"b":"x}`},
		{`{`, `{`},
	}
}

func isA(name string) bool { return name == "a" }

func TestSkim(t *testing.T) {
	for _, tt := range skimSeeds() {
		if got := string(skim([]byte(tt.in), isA)); got != tt.want {
			t.Errorf("skim(%s) = %s, want %s", tt.in, got, tt.want)
		}
	}
}

// Of any object in JSON, skim keeps the wanted members as they are and no
// others.
func FuzzSkim(f *testing.F) {
	for _, tt := range skimSeeds() {
		f.Add(tt.in)
	}
	f.Fuzz(func(t *testing.T, in string) {
		if len(in) < 2 || in[0] != '{' || in[len(in)-1] != '}' {
			t.Skip()
		}
		out := skim([]byte(in), isA)
		var whole, part map[string]json.RawMessage
		if json.Unmarshal([]byte(in), &whole) != nil {
			return
		}
		if err := json.Unmarshal(out, &part); err != nil {
			t.Fatalf("skim(%q) = %q: %v", in, out, err)
		}
		for name := range whole {
			if name != "a" {
				delete(whole, name)
			}
		}
		// Written out, "a" may have escapes in its name; then it is left out.
		if _, ok := part["a"]; !ok {
			delete(whole, "a")
		}
		if d := cmp.Diff(whole, part); d != "" {
			t.Fatalf("skim(%q) = %q (-want +got):\n%s", in, out, d)
		}
	})
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falcoconf

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The values are those that falco 0.44.1 --support and a start with them show.
func TestScalars(t *testing.T) {
	type scalar struct {
		text string
		on   bool
		n    int64
	}
	tests := []struct {
		yaml    string
		want    scalar
		unknown bool
	}{
		{yaml: "8765", want: scalar{"8765", true, 8765}},
		{yaml: `"8765"`, want: scalar{"8765", true, 8765}},
		{yaml: "0x223D", want: scalar{"0x223D", true, 8765}},
		{yaml: "'0X223d '", want: scalar{"0X223d ", true, 8765}},
		{yaml: "021075", want: scalar{"021075", true, 8765}},
		{yaml: "+7", want: scalar{"+7", true, 7}},
		{yaml: "0o17", want: scalar{"0o17", true, 1}},
		{yaml: "0b1", want: scalar{"0b1", true, 1}},
		{yaml: "1_0", want: scalar{"1_0", true, 1}},
		{yaml: "08", want: scalar{"08", true, 1}},
		{yaml: "-1", want: scalar{"-1", true, 1}},
		{yaml: "4294967296", want: scalar{"4294967296", true, 1}},
		{yaml: "1.0", want: scalar{"1.0", true, 1}},
		{yaml: "no", want: scalar{"no", false, 1}},
		{yaml: "n", want: scalar{"n", false, 1}},
		{yaml: `"Off"`, want: scalar{"Off", false, 1}},
		{yaml: "oFF", want: scalar{"oFF", true, 1}},
		{yaml: "", want: scalar{"null", true, 1}},
		{yaml: "~", want: scalar{"null", true, 1}},
		{yaml: `""`, want: scalar{"", true, 1}},
		{yaml: "[1]", want: scalar{"otherwise", true, 1}},
		{yaml: "${P}", want: scalar{"debug", true, 1}},
		{yaml: "${EMPTY}", want: scalar{"", true, 1}},
		{yaml: "${OTHER}", unknown: true},
		{yaml: "caf\xe9", unknown: true},
	}
	for _, tt := range tests {
		c := load(t, tree("a: "+tt.yaml+"\n"), "")
		text, known := c.Text("a", "otherwise")
		on, knownOn := c.Bool("a", true)
		n, knownInt := c.Int("a", 1, 0, math.MaxUint32)
		if known == tt.unknown || knownOn == tt.unknown || knownInt == tt.unknown {
			t.Errorf("%q is known: %t, %t, %t, want %t", tt.yaml, known, knownOn, knownInt, !tt.unknown)
		}
		if got := (scalar{text, on, n}); got != tt.want {
			t.Errorf("%q reads as %v, want %v", tt.yaml, got, tt.want)
		}
	}
}

func TestExpand(t *testing.T) {
	tests := []struct {
		text, want string
		unknown    bool
	}{
		{text: "/var/log/falco.log", want: "/var/log/falco.log"},
		{text: "a-${P}-${EMPTY}-b", want: "a-debug--b"},
		{text: "${TWICE}", want: "debug"},
		{text: "$${P}", want: "${P}"},
		{text: "$$", want: "$$"},
		{text: "$x ${P}", want: "$x ${P}"},
		{text: "${P", want: "${P"},
		{text: "a-${OTHER}", unknown: true},
		{text: "${SELF}", unknown: true},
	}
	for _, tt := range tests {
		got, known := variables.Expand(tt.text)
		if known == tt.unknown || known && got != tt.want {
			t.Errorf("Expand(%q) = %q, %t, want %q, %t", tt.text, got, known, tt.want, !tt.unknown)
		}
	}
}

func TestDeclared(t *testing.T) {
	tests := []struct {
		value any
		text  string
		on    bool
	}{
		{true, "true", true},
		{"yes", "yes", true},
		{"Y", "Y", true},
		{"no", "no", false},
		{"", "", false},
		{nil, "null", false},
		{8765, "8765", false},
		{[]any{"x"}, "", false},
	}
	for _, tt := range tests {
		if text, on := AsText(tt.value), AsBool(tt.value); text != tt.text || on != tt.on {
			t.Errorf("%v is %q, %t, want %q, %t", tt.value, text, on, tt.text, tt.on)
		}
	}
}

func TestUnset(t *testing.T) {
	const src = "a: y\nb: \"0x10\"\nc: ${P}\nd: ${OTHER}\ne: 1\ne: 2\n# caf\xe9\nf: [x, 'yes']\n---\n[\n"
	declared := []Setting{
		{Path: "a", Value: true},
		{Path: "b", Value: 16},
		{Path: "c", Value: "debug"},
		{Path: "d", Value: "x"},
		{Path: "e", Value: 1},
		{Path: "f", Value: []any{"x", true}},
		{Path: "g", Value: 1},
	}
	got, err := Unset(mainFile, []byte(src), Start{Environment: variables}, declared)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Setting{{Path: "d", Value: "x"}, {Path: "g", Value: 1}}, got); diff != "" {
		t.Errorf("Unset(), -want +got:\n%s", diff)
	}
}

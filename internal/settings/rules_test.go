// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var someSum = strings.Repeat("0a", 32)

func TestRulesFromEverywhere(t *testing.T) {
	file := `falco:
  rules:
    - name: incubating
      url: https://example.com/rules.tar.gz
      sha256: ` + strings.ToUpper(someSum) + `
    - name: site
      content: |
        - rule: A
`
	s, err := over(t, file, []string{"FALCO_BOOTSTRAP_RULES_FILE=more={url: /srv/more.yaml, sha256: " + someSum + "}\nsite=/srv/site.yaml\n"})
	if err == nil {
		err = s.Check()
	}
	if err != nil {
		t.Fatal(err)
	}
	want := []RulesFile{
		{Name: "incubating", URL: "https://example.com/rules.tar.gz", SHA256: someSum, At: "f.yaml:3"},
		{Name: "site", Path: "/srv/site.yaml"},
		{Name: "more", URL: "/srv/more.yaml", SHA256: someSum},
	}
	if diff := cmp.Diff(want, s.Falco.Rules); diff != "" {
		t.Errorf("Falco.Rules (-want +got):\n%s", diff)
	}
}

func TestRulesFileFlagRefused(t *testing.T) {
	for _, text := range []string{"site", "site={urll: x}", "site=[a]"} {
		var key *KeyError
		if _, err := over(t, "", nil, "--rules-file", text); !errors.As(err, &key) || key.Hint == "" {
			t.Errorf("--rules-file %s = %v, want an error with a hint", text, err)
		}
	}
}

func TestRulesRefused(t *testing.T) {
	many := ""
	for i := range maxRules + 1 {
		many += fmt.Sprintf("{name: a%d, content: x}, ", i)
	}
	for _, tt := range []struct{ name, rules, want string }{
		{"no name", "{content: x}", `falco.rules[0].name: "" is not a name`},
		{"a path as a name", "{name: ../x, content: x}", "falco.rules[0].name"},
		{"twice", "{name: a, content: x}, {name: a, path: /x}", `falco.rules[1].name: "a" is there twice`},
		{"nothing", "{name: a}", "exactly one of url, path and content"},
		{"two", "{name: a, content: x, path: /x}", "exactly one of url, path and content"},
		{"no sum", "{name: a, url: https://h/x}", "falco.rules[0].sha256: is missing"},
		{"a bad sum", "{name: a, url: https://h/x, sha256: 12}", "falco.rules[0].sha256"},
		{"a sum of a content", "{name: a, content: x, sha256: " + someSum + "}", "falco.rules[0].sha256: is only for a url"},
		{"http", "{name: a, url: http://h/x, sha256: " + someSum + "}", "falco.rules[0].url: http:// is not allowed"},
		{"a relative path", "{name: a, path: x}", "falco.rules[0].path"},
		{"too many", many, "falco.rules: has 51 entries"},
	} {
		s, err := Parse("f.yaml", []byte("falco:\n  rules: ["+strings.TrimSuffix(tt.rules, ", ")+"]\n"))
		if err != nil {
			t.Fatal(err)
		}
		var key *KeyError
		if err := s.Check(); !errors.As(err, &key) || !strings.Contains(err.Error(), tt.want) || tt.name != "too many" && !strings.HasPrefix(err.Error(), "f.yaml:2: ") {
			t.Errorf("%s: Check() = %v, want %q with its line", tt.name, err, tt.want)
		}
	}
	if _, err := Parse("f.yaml", []byte("falco:\n  rules:\n    - name: a\n      contents: x\n")); err == nil || !strings.HasPrefix(err.Error(), "f.yaml:4: ") {
		t.Errorf("Parse = %v, want an error of line 4", err)
	}
}

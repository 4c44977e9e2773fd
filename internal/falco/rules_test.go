// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falco

import (
	"strings"
	"testing"
)

func TestRulesFor(t *testing.T) {
	for _, tt := range []struct{ set, version, want string }{
		{"falco-incubating", "0.44.1", "falco-incubating-rules-6.0.1"},
		{"falco-incubating", "0.42.0", "falco-incubating-rules-6.0.1"},
		{"falco-incubating", "0.41.3", "falco-incubating-rules-5.0.1"},
		{"falco-incubating", "0.40.0", "falco-incubating-rules-4.0.1"},
		{"falco-incubating", "0.37.1", "falco-incubating-rules-3.0.1"},
		{"falco-incubating", "0.36.2", "falco-incubating-rules-2.0.0"},
		{"falco-incubating", "0.35.1", ""},
		{"falco", "0.34.0", "falco-rules-0.1.0"},
		{"falco-incubating", "0.99.0", ""},
		{"falco-incubating", "", ""},
		{"other", "0.44.1", ""},
	} {
		if got := RulesFor(tt.set, tt.version); got != tt.want {
			t.Errorf("RulesFor(%s, %s) = %q, want %q", tt.set, tt.version, got, tt.want)
		}
	}
}

func TestRulesMisfit(t *testing.T) {
	const from = "https://download.falco.org/rules/falco-incubating-rules-"
	for _, tt := range []struct {
		url, version string
		want         string
		tooNew       bool
	}{
		{url: from + "6.0.1.tar.gz", version: "0.44.1"},
		{url: from + "6.0.0.tar.gz?x=1", version: "0.44.1"},
		{url: from + "6.0.1.tar.gz", version: "0.41.3", want: "needs engine 0.57.0, and Falco 0.41.3 has 0.50.0; falco-incubating-rules-5.0.1 fits it", tooNew: true},
		{url: from + "6.0.1.tar.gz", version: "0.34.1", want: "no release of these rules fits it", tooNew: true},
		{url: from + "4.0.1.tar.gz", version: "0.44.1", want: "was made for an older Falco than 0.44.1; falco-incubating-rules-6.0.1 fits it"},
		{url: "https://example.com/site.yaml", version: "0.44.1"},
		{url: from + "9.9.9.tar.gz", version: "0.44.1"},
		{url: from + "6.0.1.tar.gz", version: ""},
	} {
		why, tooNew := RulesMisfit(tt.url, tt.version)
		if (why == "") != (tt.want == "") || !strings.Contains(why, tt.want) || tooNew != tt.tooNew {
			t.Errorf("RulesMisfit(%s, %s) = %q, %v; want %q, %v", tt.url, tt.version, why, tooNew, tt.want, tt.tooNew)
		}
	}
}

// Every release but those newer than the table of engines has an engine.
func TestEveryReleaseHasAnEngine(t *testing.T) {
	for _, r := range Releases() {
		if Engine(r.Version) == "" && before(r.Version, "0.45.0") {
			t.Errorf("Engine(%s) is empty", r.Version)
		}
	}
}

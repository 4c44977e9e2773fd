// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falcoconf

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

func TestRulesInForce(t *testing.T) {
	tree := fstest.MapFS{}
	for _, name := range []string{"a.yaml", "rules.d/20.yaml", "rules.d/10.yml", "rules.d/x.bak", "b.txt", "config.d/60.yaml"} {
		tree["etc/falco/"+name] = &fstest.MapFile{Data: []byte("rules:\n  - disable: {rule: '*'}\n  - enable:\n      rule: A\n      tag: t\n    disable: {tag: u}\n")}
	}
	const main = "rules_files: [/etc/falco/a.yaml, /etc/falco/rules.d, /etc/falco/b.txt, /etc/falco/none.yaml]\nconfig_files: [/etc/falco/config.d]\n"
	describe := func(version string) string {
		c, err := LoadCandidate(tree, "/etc/falco/falco.yaml", []byte(main), Start{Version: version})
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for _, e := range append(c.RulesEntries(), c.RulesOptions([]string{"/etc/falco/a.yaml"})...) {
			fmt.Fprintln(&b, e.Path, e.Dir, e.Files, e.Origin)
		}
		for _, s := range c.RuleSelections() {
			fmt.Fprintln(&b, s.Enable, s.Rule, s.Tag, s.Origin)
		}
		return b.String()
	}
	want := `/etc/falco/a.yaml false [/etc/falco/a.yaml] /etc/falco/falco.yaml:1
/etc/falco/rules.d true [/etc/falco/rules.d/10.yml /etc/falco/rules.d/20.yaml] /etc/falco/falco.yaml:1
/etc/falco/b.txt false [] /etc/falco/falco.yaml:1
/etc/falco/none.yaml false [] /etc/falco/falco.yaml:1
/etc/falco/a.yaml false [/etc/falco/a.yaml] the unit's command line
false *  /etc/falco/config.d/60.yaml:2
true A t /etc/falco/config.d/60.yaml:3
`
	if diff := cmp.Diff(want, describe("0.44.1")); diff != "" {
		t.Errorf("0.44.1 (-want +got):\n%s", diff)
	}
	if old := describe("0.40.0"); !strings.Contains(old, "rules.d/x.bak") || !strings.Contains(old, "[/etc/falco/b.txt]") {
		t.Errorf("0.40.0 loads\n%s", old)
	}
}

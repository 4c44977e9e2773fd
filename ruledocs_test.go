// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
	"github.com/falco-bootstrap/falco-bootstrap/internal/settings"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/falcorules"
)

// Every settings file of docs/rules.md is complete, and its tables are right. Node
// cases run them.
func TestRulesPage(t *testing.T) {
	page, err := os.ReadFile("docs/rules.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	if len(blocks) != 4 {
		t.Errorf("docs/rules.md has %d settings files, want 4", len(blocks))
	}
	for _, b := range blocks {
		s, err := settings.Parse("docs/rules.md", []byte(b[1]))
		if err == nil {
			err = s.Check()
		}
		if err != nil || len(s.Falco.Rules) != 1 {
			t.Errorf("%v in\n%s", err, b[1])
			continue
		}
		f := s.Falco.Rules[0]
		if why, _ := falco.RulesMisfit(f.URL, "0.44.1"); why != "" {
			t.Error(why)
		}
		for _, p := range falcorules.Load([]falcorules.File{{Path: f.Name, Content: []byte(f.Content)}}, falcorules.Options{}).Problems {
			if !strings.Contains(p.Message, "no file before it defines") {
				t.Error(p)
			}
		}
	}
	rows := regexp.MustCompile(`(?m)^\| (0\.\d+(?:, 0\.\d+)*) \| (falco-[a-z]+)(-rules-\S+) \|$`).FindAllStringSubmatch(string(page), -1)
	if len(rows) < 5 {
		t.Errorf("docs/rules.md names %d releases", len(rows))
	}
	for _, row := range rows {
		for minor := range strings.SplitSeq(row[1], ", ") {
			if got := falco.RulesFor(row[2], minor+".0"); got != row[2]+row[3] {
				t.Errorf("for Falco %s docs/rules.md names %s, the table %s", minor, row[2]+row[3], got)
			}
		}
	}
}

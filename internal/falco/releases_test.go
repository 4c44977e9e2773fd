// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falco

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestReleases(t *testing.T) {
	last := version{}
	for _, r := range Releases() {
		v, err := parseVersion(r.Version)
		if err != nil || !last.less(v) || v.String() != r.Version || len(r.Date) != len("2006-01-02") {
			t.Errorf("release %+v is not in form or not in order", r)
		}
		last = v
	}
	if Newest() != last.String() {
		t.Errorf("Newest() = %q, want %q", Newest(), last)
	}
}

// The docs name only ranges of releases that the table gives, and the changelog
// names the newest release.
func TestTextsFollowTheTable(t *testing.T) {
	all := span{}.minors()
	ranges := map[string]bool{all: true}
	for _, r := range table() {
		if r.Kind == needsDropIn {
			ranges[r.When.falco.minors()] = true
		}
	}
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil || pages == nil {
		t.Fatal(pages, err)
	}
	for _, file := range append(pages, "../../README.md", "../../CHANGELOG.md") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range regexp.MustCompile(`\b0\.\d+ to 0\.\d+\b`).FindAllString(string(text), -1) {
			if !ranges[r] && filepath.Base(file) != "CHANGELOG.md" {
				t.Errorf("%s: %q is not a range of the table", file, r)
			}
		}
		if filepath.Base(file) == "CHANGELOG.md" && !strings.Contains(string(text), all) {
			t.Errorf("%s does not say %q", file, all)
		}
	}
}

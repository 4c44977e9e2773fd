// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// shown are the blocks of the documents, by a text of each, and the test that runs them or
// compares them with what they show. A reason stands where no test can.
var shown = []struct{ page, text, test, reason string }{
	{page: "README.md", text: "# falco-bootstrap --dry-run", test: "TestAudit"},
	{page: "README.md", text: "make demo", reason: "it is what the reader runs; test/all.sh is make test"},
	{page: "README.md", text: "dnf install ./falco-bootstrap-*", test: "TestRPM"},
	{page: "README.md", text: "sudo systemctl start falco-bootstrap.timer", test: "TestRPM"},
	{page: "README.md", text: "curl --fail --proto", test: "TestRPM"},
	{page: "README.md", text: "falco-bootstrap [flags]", test: "TestReadmeListsTheCommands"},
	{page: "docs/architecture.md", text: "flags, exit statuses, wiring", test: "TestArchitectureNamesEveryPackage"},
	{page: "docs/architecture.md", text: "argv, environment, file", reason: "a picture of the flow of data"},
	{page: "docs/logging.md", text: "not (data.rule", test: "TestSearchesLeaveOutProofs"},
	{page: "docs/logging.md", text: "not (logContent", test: "TestSearchesLeaveOutProofs"},
	{page: "docs/oke.md", text: "stat -c %s falco-bootstrap", test: "TestGuidesPins"},
	{page: "docs/oke.md", text: `module "falco_user_data"`, test: "TestGuideFollowsTheModules"},
	{page: "docs/oke.md", text: "rules_follow = true", test: "TestGuideFollowsTheModules"},
	{page: "docs/oke.md", text: `data "cloudinit_config"`, test: "TestGuideFollowsTheModules"},
	{page: "docs/oke.md", text: `module "falco_alerts"`, test: "TestGuideFollowsTheModules"},
	{page: "docs/oke.md", text: `module "falco_dashboard"`, test: "TestGuideFollowsTheModules"},
	{page: "docs/oke.md", text: "falco-bootstrap bundle falco", test: "TestOffline"},
	{page: "docs/oke.md", text: "kubectl create deployment nginx", reason: "it needs a cluster; TestGuidesCommandsAreShell reads it"},
	{page: "docs/oke.md", text: "comm -23", test: "TestGuideFindsNodesWithoutAReport"},
	{page: "docs/oke.md", text: `search "<compartment>/<log group>/<falco-drift>"`, test: "TestGuideFollowsTheModules"},
	{page: "docs/oke.md", text: "ocarun ALL=", reason: "a line of sudoers for Oracle's own agent"},
	{page: "docs/oke.md", text: "./fleet.sh send", test: "TestGuidesFleetCommands"},
	{page: "docs/oke.md", text: "deploy/cloud-init/bake.sh", test: "TestCloudInitBakedImage"},
	{page: "docs/oke.md", text: "sudo systemctl disable --now", test: "TestCloudInitConverges"},
	{page: "docs/rules.md", text: "name: incubating", test: "TestRulesPage"},
	{page: "docs/rules.md", text: "name: quiet", test: "TestRulesPage"},
	{page: "docs/rules.md", text: "name: exceptions", test: "TestRulesPage"},
	{page: "docs/rules.md", text: "name: site", test: "TestRulesPage"},
	{page: "docs/settings.md", text: "driver: auto", test: "TestFilesFollowTheTables"},
	{page: "docs/settings.md", text: "config check site.yaml", test: "TestConfigTold"},
	{page: "SECURITY.md", text: "cosign verify-blob", test: "TestSecurityChecksARelease"},
	{page: "RELEASING.md", text: "make release", test: "TestReleaseIsReproducible"},
	{page: "CONTRIBUTING.md", text: "make demo", reason: "it is what the reader runs; test/all.sh is make test"},
}

// Every block of every document has a test, or a reason for none.
func TestEveryBlockIsTested(t *testing.T) {
	tests := testNames(t)
	used := map[string]bool{}
	pages, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	more, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range append(more, pages...) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for i, block := range strings.Split(string(text), "```") {
			if i%2 == 0 {
				continue
			}
			known := false
			for _, s := range shown {
				if s.page == page && strings.Contains(block, s.text) {
					known, used[s.page+s.text] = true, true
				}
			}
			if !known {
				t.Errorf("%s: no test for the block\n%s", page, block)
			}
		}
	}
	for _, s := range shown {
		if !used[s.page+s.text] {
			t.Errorf("%s has no block with %q", s.page, s.text)
		}
		if s.test != "" && !strings.Contains(tests, "\nfunc "+s.test+"(") {
			t.Errorf("%s, %q: there is no test %s", s.page, s.text, s.test)
		}
	}
}

// testNames returns the text of every file of tests.
func testNames(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(".", func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		all.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

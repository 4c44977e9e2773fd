// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Package terraform_test checks the form of the Terraform files, and runs terraform
// if it and the providers are available. It creates nothing in any cloud: every
// provider is a mock.
package terraform_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"gopkg.in/yaml.v3"
)

// sources returns the files below this directory that terraform reads.
func sources(t *testing.T) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if entry != nil && entry.IsDir() && entry.Name() == ".terraform" {
			return filepath.SkipDir
		}
		if strings.HasSuffix(path, ".tf") || strings.HasSuffix(path, ".tftest.hcl") {
			found = append(found, path)
		}
		return err
	})
	if err != nil || len(found) < 15 {
		t.Fatalf("WalkDir found %v, %v, want all the files", found, err)
	}
	return found
}

// directories returns the directories of Terraform files, without those of their tests.
func directories(t *testing.T) []string {
	t.Helper()
	var found []string
	for _, path := range sources(t) {
		if dir := filepath.Dir(path); strings.HasSuffix(path, ".tf") && !slices.Contains(found, dir) {
			found = append(found, dir)
		}
	}
	return found
}

func parse(t *testing.T, path string) *hclsyntax.Body {
	t.Helper()
	file, diags := hclparse.NewParser().ParseHCLFile(path)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	body, ok := file.Body.(*hclsyntax.Body)
	if !ok {
		t.Fatalf("%s is a %T, want native syntax", path, file.Body)
	}
	return body
}

func TestFormat(t *testing.T) {
	for _, path := range sources(t) {
		parse(t, path)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if want := hclwrite.Format(text); !bytes.Equal(text, want) {
			t.Errorf("%s is not formatted (-got +want):\n%s", path, cmp.Diff(string(text), string(want)))
		}
	}
}

func TestVariablesAndOutputsAreDescribed(t *testing.T) {
	for _, path := range sources(t) {
		for _, block := range parse(t, path).Blocks {
			attributes := block.Body.Attributes
			switch {
			case block.Type == "variable" && (attributes["description"] == nil || attributes["type"] == nil):
				t.Errorf("%s: variable %s needs a description and a type", path, block.Labels[0])
			case block.Type == "output" && attributes["description"] == nil:
				t.Errorf("%s: output %s needs a description", path, block.Labels[0])
			}
		}
	}
}

// Public CI runs init, validate and test in every directory alone.
func TestEveryDirectoryIsChecked(t *testing.T) {
	workflow, err := os.ReadFile("../../.github/workflows/ci.yml")
	if err != nil {
		t.Fatal(err)
	}
	const glob = "deploy/terraform/*/*/"
	if !strings.Contains(string(workflow), "for dir in "+glob+"; do") {
		t.Errorf("ci.yml does not visit %s", glob)
	}
	for _, dir := range directories(t) {
		if match, _ := filepath.Match(glob, "deploy/terraform/"+dir+"/"); !match {
			t.Errorf("%s is not visited by ci.yml", dir)
		}
		if tests, _ := filepath.Glob(filepath.Join(dir, "tests", "*.tftest.hcl")); len(tests) == 0 {
			t.Errorf("%s has no tests", dir)
		}
		for _, block := range parse(t, filepath.Join(dir, "versions.tf")).Blocks {
			if block.Type != "terraform" {
				continue
			}
			// Resource Manager's newest Terraform is 1.5.
			if version, _ := block.Body.Attributes["required_version"].Expr.Value(nil); version.AsString() != ">= 1.5.0" {
				t.Errorf("%s: required_version = %q, want >= 1.5.0", dir, version.AsString())
			}
			for _, providers := range block.Body.Blocks {
				for name, attribute := range providers.Body.Attributes {
					if strings.HasPrefix(dir, "modules/") && len(attribute.Expr.Variables()) > 0 {
						t.Errorf("%s: provider %s has aliases, so the module cannot be validated alone", dir, name)
					}
				}
			}
		}
	}
}

// block returns the body of a block by its type and labels.
func block(t *testing.T, path string, header ...string) *hclsyntax.Body {
	t.Helper()
	for _, b := range parse(t, path).Blocks {
		if slices.Equal(append([]string{b.Type}, b.Labels...), header) {
			return b.Body
		}
	}
	t.Fatalf("%s has no block %v", path, header)
	return nil
}

// variables returns the names of the variables that an attribute depends on.
func variables(attribute *hclsyntax.Attribute) []string {
	var names []string
	for _, traversal := range attribute.Expr.Variables() {
		if step, ok := traversal[1].(hcl.TraverseAttr); ok {
			names = append(names, traversal.RootName()+"."+step.Name)
		}
	}
	return names
}

// use log-content would hold LOG_CONTENT_READ, which every pod would have.
func TestNodesMayOnlyPush(t *testing.T) {
	const grant = "{LOG_CONTENT_PUSH, UNIFIED_AGENT_CONFIG_GENERATE}"
	statements := block(t, "modules/falco-iam/main.tf", "resource", "oci_identity_policy", "nodes").Attributes["statements"]
	text, err := os.ReadFile("modules/falco-iam/main.tf")
	if err != nil {
		t.Fatal(err)
	}
	statement := string(statements.Expr.Range().SliceBytes(text))
	if strings.Count(statement, "Allow ") != 1 || !strings.Contains(statement, " to "+grant+" in compartment id ") {
		t.Errorf("statements = %s, want only %s", statement, grant)
	}
	guide, err := os.ReadFile("../../docs/oke.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(guide), " to "+grant+" in compartment id ") || strings.Contains(string(guide), "to use log-content in") {
		t.Errorf("docs/oke.md does not grant exactly %s", grant)
	}
}

// The connectors leave out what the searches call a proof, and the alarm for silent nodes
// follows from the timer.
func TestAlertsFollowTheAgent(t *testing.T) {
	texts := map[string]string{}
	for _, path := range []string{"modules/falco-alerts/connectors.tf", "modules/falco-alerts/alarms.tf", "modules/falco-logging/searches.tf", "../systemd/falco-bootstrap.timer"} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		texts[filepath.Base(path)] = string(text)
	}
	condition := regexp.MustCompile(`(?m)^    (json|text) = "(.*fb-probe-.*)"$`)
	proofs, others := condition.FindAllStringSubmatch(texts["searches.tf"], -1), condition.FindAllStringSubmatch(texts["connectors.tf"], -1)
	if len(proofs) != 2 || len(others) != 2 {
		t.Fatalf("is_proof = %v, no_proof = %v, want one condition for each format", proofs, others)
	}
	for i, proof := range proofs {
		want := strings.NewReplacer(" = ", " != ", " and ", " or ").Replace(proof[2])
		if got := strings.Trim(others[i][2], "()"); got != want {
			t.Errorf("no_proof of %s = %s, want the opposite of is_proof, %s", proof[1], got, want)
		}
	}
	for _, line := range []string{"OnCalendar=*-*-* 00/6:00:00\n", "RandomizedDelaySec=25min\n"} {
		if !strings.Contains(texts["falco-bootstrap.timer"], line) {
			t.Errorf("the timer has no %q; change the alarm for silent nodes too", line)
		}
	}
	if !strings.Contains(texts["alarms.tf"], "reports[12h].groupBy(node).absent(3d)") {
		t.Error("alarms.tf has no alarm for silent nodes")
	}
}

// What may replace a node must not change by itself, nor with the mode.
func TestNodePoolsArePinned(t *testing.T) {
	const complete, oke = "examples/complete/main.tf", "examples/terraform-oci-oke/main.tf"
	pool := block(t, complete, "resource", "oci_containerengine_node_pool", "workers")
	for _, b := range pool.Blocks {
		if b.Type == "initial_node_labels" {
			for name, attribute := range b.Body.Attributes {
				if got := variables(attribute); len(got) > 0 {
					t.Errorf("%s: the label's %s depends on %v", complete, name, got)
				}
			}
		}
	}
	for _, b := range parse(t, complete).Blocks {
		for name, attribute := range b.Body.Attributes {
			if got := variables(attribute); b.Type == "locals" && name != "flex" && slices.Contains(got, "var.node_shape") {
				t.Errorf("%s: local.%s is read out of a shape's name", complete, name)
			}
		}
	}
	args := block(t, oke, "module", "oke").Attributes
	if kind, _ := args["cluster_type"].Expr.Value(nil); kind.AsString() != "enhanced" {
		t.Errorf("%s: cluster_type = %q; only an enhanced cluster can cycle nodes", oke, kind.AsString())
	}
	for _, name := range []string{"control_plane_is_public", "create_bastion", "create_operator"} {
		if got := variables(args[name]); !slices.Equal(got, []string{"var.public_endpoint"}) {
			t.Errorf("%s: %s depends on %v, want var.public_endpoint", oke, name, got)
		}
	}
	if got := variables(args["worker_pools"]); !slices.Contains(got, "var.worker_image_id") || !slices.Contains(got, "var.node_cycling") {
		t.Errorf("%s: the pools depend on %v, want a pinned image and cycling as a variable", oke, got)
	}
}

// docs/oke.md pins its modules, and searches for the results that the module's query
// searches for.
func TestGuideFollowsTheModules(t *testing.T) {
	guide, err := os.ReadFile("../../docs/oke.md")
	if err != nil {
		t.Fatal(err)
	}
	sources := regexp.MustCompile(`source = "[^"]*//deploy/terraform/modules/[^"]*"`).FindAllString(string(guide), -1)
	if len(sources) == 0 {
		t.Error("docs/oke.md uses no module")
	}
	for _, source := range sources {
		if !strings.Contains(source, "?ref=v") {
			t.Errorf("docs/oke.md: %s is not pinned", source)
		}
	}
	searches, err := os.ReadFile("modules/falco-logging/searches.tf")
	if err != nil {
		t.Fatal(err)
	}
	results := regexp.MustCompile(`data\.result = '[a-z]+'`)
	want, got := results.FindAllString(string(searches), -1), results.FindAllString(string(guide), -1)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the query for drift (-searches.tf +docs/oke.md):\n%s", diff)
	}
}

// The node pool's old arguments, which the provider's documentation calls
// deprecated (website/docs/r/containerengine_node_pool.html.markdown, 8.28.0).
func TestNoDeprecatedArguments(t *testing.T) {
	old := []string{"node_image_id", "node_image_name", "quantity_per_subnet", "subnet_ids", "add_ons", "admission_controller_options"}
	for _, path := range sources(t) {
		for _, block := range parse(t, path).Blocks {
			if block.Type == "resource" {
				checkNames(t, path, block.Body, old)
			}
		}
	}
}

func checkNames(t *testing.T, path string, body *hclsyntax.Body, old []string) {
	t.Helper()
	for name := range body.Attributes {
		if slices.Contains(old, name) {
			t.Errorf("%s: %s is deprecated", path, name)
		}
	}
	for _, block := range body.Blocks {
		if slices.Contains(old, block.Type) {
			t.Errorf("%s: %s is deprecated", path, block.Type)
		}
		checkNames(t, path, block.Body, old)
	}
}

// The Console asks for exactly the variables of the stack, each in one group.
func TestResourceManagerSchema(t *testing.T) {
	text, err := os.ReadFile("examples/complete/schema.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var schema struct {
		Groups []struct {
			Variables []string `yaml:"variables"`
		} `yaml:"variableGroups"`
		Variables map[string]struct {
			Type     string `yaml:"type"`
			Required bool   `yaml:"required"`
			Default  any    `yaml:"default"`
		} `yaml:"variables"`
		Outputs map[string]any `yaml:"outputs"`
	}
	if err := yaml.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	var grouped, asked []string
	for _, group := range schema.Groups {
		grouped = append(grouped, group.Variables...)
	}
	for name := range schema.Variables {
		asked = append(asked, name)
	}
	var declared, outputs, shown []string
	for _, block := range parse(t, "examples/complete/variables.tf").Blocks {
		declared = append(declared, block.Labels[0])
		required := block.Body.Attributes["default"] == nil
		if got := schema.Variables[block.Labels[0]].Required; got != required {
			t.Errorf("schema.yaml: %s: required = %t, want %t as in variables.tf", block.Labels[0], got, required)
		}
	}
	for _, block := range parse(t, "examples/complete/outputs.tf").Blocks {
		outputs = append(outputs, block.Labels[0])
	}
	for name := range schema.Outputs {
		shown = append(shown, name)
	}
	for _, pair := range [][2][]string{{declared, asked}, {declared, grouped}, {outputs, shown}} {
		slices.Sort(pair[0])
		slices.Sort(pair[1])
		if diff := cmp.Diff(pair[0], pair[1]); diff != "" {
			t.Errorf("schema.yaml (-terraform +schema):\n%s", diff)
		}
	}
}

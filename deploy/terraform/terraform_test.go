// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Package terraform_test checks the form of the Terraform files, and runs terraform
// if it and the providers are available. It creates nothing in any cloud: every
// provider is a mock.
package terraform_test

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
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

// TestTerraform runs terraform, or tofu, on a copy of deploy/. It skips a module
// whose providers are not available; TF_PLUGIN_DIR names a directory of unpacked
// providers for machines without a registry.
func TestTerraform(t *testing.T) {
	terraform, err := exec.LookPath("terraform")
	if err != nil {
		if terraform, err = exec.LookPath("tofu"); err != nil {
			t.Skip("neither terraform nor tofu is installed")
		}
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("..")); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		path string
		// validate is false for a module that needs its caller's providers.
		validate, test bool
	}{
		{path: "modules/falco-user-data", validate: true, test: true},
		{path: "modules/falco-logging", test: true},
		{path: "examples/complete", validate: true, test: true},
		{path: "examples/terraform-oci-oke", validate: true},
	}
	for _, test := range tests {
		t.Run(test.path, func(t *testing.T) {
			in := filepath.Join(dir, "terraform", test.path)
			initialise := []string{"init", "-backend=false", "-input=false", "-no-color"}
			if plugins := os.Getenv("TF_PLUGIN_DIR"); plugins != "" {
				initialise = append(initialise, "-plugin-dir="+plugins)
			}
			if out, err := run(t, terraform, in, initialise...); err != nil {
				t.Skipf("terraform init: %v: the providers or modules are not available here\n%s", err, out)
			}
			check := [][]string{{"fmt", "-check", "-diff", "-recursive"}}
			if test.validate {
				check = append(check, []string{"validate", "-no-color"})
			}
			if test.test {
				check = append(check, []string{"test", "-no-color"})
			}
			for _, args := range check {
				out, err := run(t, terraform, in, args...)
				if err != nil {
					t.Errorf("terraform %v: %v\n%s", args, err, out)
				}
				if strings.Contains(strings.ToLower(out), "deprecated") {
					t.Errorf("terraform %v warns about something deprecated\n%s", args, out)
				}
			}
		})
	}
}

func run(t *testing.T, terraform, dir string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, terraform, args...)
	cmd.Dir = dir
	cmd.WaitDelay = 10 * time.Second
	cmd.Env = append(os.Environ(), "TF_IN_AUTOMATION=1", "CHECKPOINT_DISABLE=1")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

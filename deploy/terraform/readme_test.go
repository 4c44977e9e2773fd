// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package terraform_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

var update = flag.Bool("update", false, "write the tables of the modules' READMEs")

// generated is the line of a README after which everything follows from the files.
const generated = "<!-- from variables.tf and outputs.tf by go test ./deploy/terraform -update -->\n"

// A documented block is a variable or an output.
type documented struct {
	name, description, kind, fallback string
	required                          bool
}

// blocks returns the variables or outputs of a file, in order.
func blocks(t *testing.T, name string) []documented {
	t.Helper()
	src, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	file, diags := hclparse.NewParser().ParseHCL(src, name)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	text := func(e hcl.Expression) string { return string(e.Range().SliceBytes(src)) }
	var all []documented
	for _, b := range file.Body.(*hclsyntax.Body).Blocks {
		if b.Type != "variable" && b.Type != "output" {
			continue
		}
		d := documented{name: b.Labels[0], required: true}
		if a := b.Body.Attributes["description"]; a != nil {
			if v, diags := a.Expr.Value(nil); !diags.HasErrors() {
				d.description = strings.Join(strings.Fields(v.AsString()), " ")
			}
		}
		if a := b.Body.Attributes["type"]; a != nil {
			d.kind, _, _ = strings.Cut(text(a.Expr), "(")
		}
		if a := b.Body.Attributes["default"]; a != nil {
			d.required, d.fallback = false, strings.Join(strings.Fields(text(a.Expr)), " ")
		}
		all = append(all, d)
	}
	return all
}

// tables returns the tables of a module.
func tables(t *testing.T, dir string) []byte {
	t.Helper()
	var b bytes.Buffer
	cell := strings.NewReplacer("|", "\\|")
	fmt.Fprint(&b, "\n## Inputs\n\n| name | type | default | meaning |\n|---|---|---|---|\n")
	for _, d := range blocks(t, filepath.Join(dir, "variables.tf")) {
		fallback := "required"
		if !d.required {
			fallback = "`" + d.fallback + "`"
		}
		if d.description == "" {
			t.Errorf("%s: variable %s has no description", dir, d.name)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", d.name, d.kind, cell.Replace(fallback), cell.Replace(d.description))
	}
	fmt.Fprint(&b, "\n## Outputs\n\n| name | meaning |\n|---|---|\n")
	for _, d := range blocks(t, filepath.Join(dir, "outputs.tf")) {
		if d.description == "" {
			t.Errorf("%s: output %s has no description", dir, d.name)
		}
		fmt.Fprintf(&b, "| `%s` | %s |\n", d.name, cell.Replace(d.description))
	}
	return b.Bytes()
}

// Every module and example has a README whose tables are those of its files.
func TestReadmes(t *testing.T) {
	dirs, err := filepath.Glob("*/*/variables.tf")
	if err != nil || len(dirs) < 6 {
		t.Fatalf("Glob = %q, %v", dirs, err)
	}
	for _, name := range dirs {
		dir := filepath.Dir(name)
		readme := filepath.Join(dir, "README.md")
		now, err := os.ReadFile(readme)
		if err != nil {
			t.Error(err)
			continue
		}
		intro, _, found := bytes.Cut(now, []byte(generated))
		if !found || len(intro) < 100 {
			t.Errorf("%s: no introduction that ends with %q", readme, generated)
			continue
		}
		want := append(append(intro[:len(intro):len(intro)], generated...), tables(t, dir)...)
		if *update {
			if err := os.WriteFile(readme, want, 0o644); err != nil {
				t.Fatal(err)
			}
		} else if diff := cmp.Diff(string(want), string(now)); diff != "" {
			t.Errorf("%s: run go test ./deploy/terraform -update (-want +got):\n%s", readme, diff)
		}
	}
}

// The example of variables names every one that is required, and no other name.
func TestExampleOfVariables(t *testing.T) {
	const name = "examples/complete/terraform.tfvars.example"
	src, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	file, diags := hclparse.NewParser().ParseHCL(src, name)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	set, _ := file.Body.JustAttributes()
	known := map[string]bool{}
	for _, d := range blocks(t, "examples/complete/variables.tf") {
		known[d.name] = true
		if d.required && set[d.name] == nil {
			t.Errorf("%s lacks %s", name, d.name)
		}
	}
	for variable := range set {
		if !known[variable] {
			t.Errorf("%s sets %s, which is no variable", name, variable)
		}
	}
}

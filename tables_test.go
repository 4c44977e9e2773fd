// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"flag"
	"fmt"
	"go/ast"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/settings"
)

var update = flag.Bool("update", false, "rewrite what is made from the tables of exit statuses, drift classes and settings")

// A derived text is between two others in a file and is generated from a table.
type derived struct{ file, after, before, text string }

// The tables are node.Codes, the constants of node.Drift, report.kinds, and
// settings.Rows with settings.Default.
func TestFilesFollowTheTables(t *testing.T) {
	for _, d := range []derived{
		{"README.md", "<!-- from internal/node/error.go by go test . -update -->\n", "\n## ", exitTable()},
		{"docs/report.schema.json", `  "$defs": {` + "\n", `    "count": {`, schemaDefinitions(t)},
		{"docs/report.schema.json", `        "kind": {"enum": [`, `]},`, strings.Join(kinds(t), ", ")},
		{"docs/settings.md", "<!-- from internal/settings by go test . -update -->\n", "\nFlags that are not", settingsPage(t)},
		{"deploy/systemd/falco-bootstrap.service", "\nSuccessExitStatus=", "\n", codes(" ", func(c node.CodeRow) bool { return c.Again == node.AgainDone && c.Code != 0 })},
		{"deploy/systemd/falco-bootstrap-firstboot.service", "\nRestartPreventExitStatus=", "\n", codes(" ", useless)},
		{"deploy/cloud-init/firstboot.sh", "  case $rc in\n    ", ") ;;", codes(" | ", useless)},
		{"deploy/cloud-init/bake.sh", `falco-bootstrap-report.json "$root"`, "*", settings.DefaultLog},
		{"deploy/terraform/modules/falco-user-data/variables.tf", "variable \"alert_file\" {\n  description = \"Where Falco writes its alerts on the node.\"\n  type        = string\n  default     = \"", "\"", settings.DefaultLog},
		{"deploy/terraform/modules/falco-user-data/variables.tf", "      # from internal/settings by go test . -update\n", "    ])) == 0, false)", terraformSettings()},
		{"README.md", "\nwrites alerts to `", "`", settings.DefaultLog},
	} {
		d.check(t)
	}
	if *update {
		if out, err := exec.Command("deploy/cloud-init/assemble.sh").CombinedOutput(); err != nil {
			t.Errorf("assemble.sh: %v\n%s", err, out)
		}
	}
}

func (d derived) check(t *testing.T) {
	t.Helper()
	content, err := os.ReadFile(d.file)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, found := strings.Cut(string(content), d.after)
	old, tail, ended := strings.Cut(rest, d.before)
	switch {
	case !found || !ended:
		t.Errorf("%s: no text between %q and %q", d.file, d.after, d.before)
	case old == d.text:
	case *update:
		if err := os.WriteFile(d.file, []byte(head+d.after+d.text+d.before+tail), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s: run `go test . -update`: it has\n%s\nwant\n%s", d.file, old, d.text)
	}
}

// terraformSettings lists the keys that a section of the settings may have.
func terraformSettings() string {
	var names []string
	for _, row := range settings.Rows() {
		parts := strings.SplitN(row.Key, ".", 3) // log.rotate.size is below log.rotate
		if name := fmt.Sprintf("      %q,\n", parts[0]+"."+parts[1]); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return strings.Join(names, "")
}

func useless(c node.CodeRow) bool { return c.Again == node.AgainUseless }

// codes joins the exit statuses of the chosen rows.
func codes(by string, chosen func(node.CodeRow) bool) string {
	var all []string
	for _, row := range node.Codes() {
		if chosen(row) {
			all = append(all, strconv.Itoa(int(row.Code)))
		}
	}
	return strings.Join(all, by)
}

func exitTable() string {
	var b strings.Builder
	b.WriteString("| exit | meaning | does running again help? |\n|---|---|---|\n")
	for _, row := range node.Codes() {
		fmt.Fprintf(&b, "| %d | %s | %s |\n", row.Code, strings.ReplaceAll(row.Meaning, "--dry-run", "`--dry-run`"), row.Again)
	}
	return b.String()
}

// schemaDefinitions lists exit statuses and drift classes, as JSON.
func schemaDefinitions(t *testing.T) string {
	t.Helper()
	var described, numbers, names []string
	for _, row := range node.Codes() {
		described = append(described, fmt.Sprintf("%d %s", row.Code, row.Name))
		numbers = append(numbers, strconv.Itoa(int(row.Code)))
		names = append(names, strconv.Quote(row.Name))
	}
	return fmt.Sprintf(`    "exit_code": {
      "description": "%s.",
      "enum": [%s]
    },
    "exit_name": {"enum": [
      %s
    ]},
    "drift": {
      "description": "The class of a difference between a node and what is declared.",
      "enum": [
        %s
      ]
    },
`, strings.Join(described, ", "), strings.Join(numbers, ", "), strings.Join(names, ",\n      "), strings.Join(constants(t, "internal/node/drift.go"), ",\n        "))
}

// constants returns the values of a file's constants, quoted.
func constants(t *testing.T, name string) []string {
	t.Helper()
	var values []string
	inspect(t, name, func(n ast.Node) {
		if spec, ok := n.(*ast.ValueSpec); ok {
			values = append(values, spec.Values[0].(*ast.BasicLit).Value)
		}
	})
	return values
}

// kinds returns the names in report.kinds, quoted.
func kinds(t *testing.T) []string {
	t.Helper()
	var names []string
	inspect(t, "internal/report/change.go", func(n ast.Node) {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return
		}
		if f, ok := call.Fun.(*ast.Ident); !ok || f.Name != "kindOf" {
			return
		}
		switch name := call.Args[0].(type) {
		case *ast.BasicLit:
			names = append(names, name.Value)
		case *ast.Ident:
			names = append(names, name.Obj.Decl.(*ast.ValueSpec).Values[0].(*ast.BasicLit).Value)
		}
	})
	return names
}

func inspect(t *testing.T, name string, visit func(ast.Node)) {
	t.Helper()
	for _, s := range sources(t) {
		if s.path == name {
			ast.Inspect(s.file, func(n ast.Node) bool { visit(n); return true })
		}
	}
}

// settingsPage is the settings file with every default, and the names of every
// setting.
func settingsPage(t *testing.T) string {
	t.Helper()
	var file yaml.Node
	if err := file.Encode(settings.Default()); err != nil {
		t.Fatal(err)
	}
	help := map[string]string{}
	table := "| key | flag | environment |\n|---|---|---|\n"
	for _, row := range settings.Rows() {
		help[row.Key] = row.Help
		table += fmt.Sprintf("| `%s` | `--%s` | `%s` |\n", row.Key, row.Flag, settings.EnvName(row.Flag))
	}
	help["falco.config"] = "keys of falco.yaml, nested or dotted"
	help["falco.rules"] = "rules files for Falco to load after its own, in this order: each has a name, and a url with its sha256, a path or a content"
	comment("", &file, help)
	var b strings.Builder
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	if err := encoder.Encode(&file); err != nil {
		t.Fatal(err)
	}
	return "```yaml\n" + b.String() + "```\n\n" + table
}

// comment gives each key of a mapping its help as a comment.
func comment(prefix string, mapping *yaml.Node, help map[string]string) {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		key, value := mapping.Content[i], mapping.Content[i+1]
		text, known := help[prefix+key.Value]
		switch {
		case known && value.Kind == yaml.ScalarNode:
			value.LineComment = text
		case known:
			key.HeadComment = text
		default:
			comment(prefix+key.Value+".", value, help)
		}
	}
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package deploy_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// A rule is a parser of the logging agent, as Terraform configures it.
type rule struct {
	Type       string `json:"parser_type"`
	Expression string `json:"expression"`
	TimeKey    string `json:"field_time_key"`
	TimeType   string `json:"time_type"`
	TimeFormat string `json:"time_format"`
}

// rules reads the parsers from the Terraform files, so that the test needs no copy.
// Their names are those of the resource and the parser's type.
func rules(t *testing.T) map[string]rule {
	t.Helper()
	file, diags := hclparse.NewParser().ParseHCLFile("terraform/modules/falco-logging/agent.tf")
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	root, ok := file.Body.(*hclsyntax.Body)
	if !ok {
		t.Fatalf("agent.tf is a %T, want native syntax", file.Body)
	}
	locals := map[string]cty.Value{}
	found := map[string]rule{}
	for _, block := range root.Blocks {
		if block.Type == "locals" {
			for name, attr := range block.Body.Attributes {
				locals[name], _ = attr.Expr.Value(nil)
			}
			continue
		}
		for _, b := range parserBlocks(block.Body) {
			get := func(name string) string {
				attr := b.Attributes[name]
				if attr == nil {
					return ""
				}
				value, diags := attr.Expr.Value(&hcl.EvalContext{Variables: map[string]cty.Value{"local": cty.ObjectVal(locals)}})
				if diags.HasErrors() {
					t.Fatal(diags)
				}
				return value.AsString()
			}
			r := rule{get("parser_type"), get("expression"), get("field_time_key"), get("time_type"), get("time_format")}
			found[block.Labels[1]+" "+r.Type] = r
		}
	}
	return found
}

// parserBlocks returns the bodies of all parser blocks, dynamic ones too.
func parserBlocks(b *hclsyntax.Body) []*hclsyntax.Body {
	var found []*hclsyntax.Body
	for _, block := range b.Blocks {
		switch {
		case block.Type == "parser":
			found = append(found, block.Body)
		case block.Type == "dynamic" && block.Labels[0] == "parser":
			found = append(found, block.Body.Blocks[0].Body)
		default:
			found = append(found, parserBlocks(block.Body)...)
		}
	}
	return found
}

// An arrival is what the logging agent would send for a line.
type arrival struct {
	Time     string `json:"time"` // UTC, nine digits; "" if the line is dropped, "now" if it has no time
	Priority string `json:"priority"`
	Output   string `json:"output"`
}

// The agent is fluentd. Its time parser uses the strptime gem, or Time.strptime if
// there is no gem or the gem does not know a directive; the test tries both. It
// drops a line whose time does not parse, and gives a line without a time the present
// time (fluentd 1.13.3 lib/fluent/time.rb, lib/fluent/plugin/parser.rb).
func TestAlertsArrive(t *testing.T) {
	const (
		jsonAlert = `{"hostname":"node","output":"20:20:22.223613358: Warning Sensitive file opened","priority":"Warning","rule":"Read sensitive file untrusted","source":"syscall","tags":["T1555"],"time":"2026-11-23T20:20:22.223613358Z","output_fields":{"evt.time":1795465222223613358}}`
		textAlert = `2026-11-23T20:20:22.223613358+0000: Warning Sensitive file opened | file=/etc/shadow`
	)
	tests := []struct {
		name, rule, line string
		want             arrival
	}{
		{name: "json", rule: "alerts JSON", line: jsonAlert, want: arrival{Time: "2026-11-23T20:20:22.223613358Z", Priority: "Warning", Output: "20:20:22.223613358: Warning Sensitive file opened"}},
		{name: "json on a whole second", rule: "alerts JSON", line: strings.ReplaceAll(jsonAlert, "22.223613358Z", "22.000000000Z"), want: arrival{Time: "2026-11-23T20:20:22.000000000Z", Priority: "Warning", Output: "20:20:22.223613358: Warning Sensitive file opened"}},
		{name: "json cut short by a full disk", rule: "alerts JSON", line: jsonAlert[:60], want: arrival{}},
		{name: "text", rule: "alerts REGEXP", line: textAlert, want: arrival{Time: "2026-11-23T20:20:22.223613358Z", Priority: "Warning", Output: "Sensitive file opened | file=/etc/shadow"}},
		{name: "text east of Greenwich", rule: "alerts REGEXP", line: strings.Replace(textAlert, "+0000", "+0530", 1), want: arrival{Time: "2026-11-23T14:50:22.223613358Z", Priority: "Warning", Output: "Sensitive file opened | file=/etc/shadow"}},
		{name: "a second line of a text alert", rule: "alerts REGEXP", line: `  1 Errors:`, want: arrival{Time: "now", Output: "  1 Errors:"}},
		{name: "text without a date", rule: "alerts REGEXP", line: `20:20:22.223613358: Warning Sensitive file opened`, want: arrival{Time: "now", Output: "20:20:22.223613358: Warning Sensitive file opened"}},
		{name: "a report", rule: "reports JSON", line: `{"schema_version":1,"result":"pending","started":"2026-11-23T20:20:22.223Z"}`, want: arrival{Time: "now"}},
		{name: "a report on a whole second", rule: "reports JSON", line: `{"schema_version":1,"result":"ok","started":"2026-11-23T20:20:22Z"}`, want: arrival{Time: "now"}},
	}
	var input strings.Builder
	known := rules(t)
	for _, test := range tests {
		r, ok := known[test.rule]
		if !ok {
			t.Fatalf("agent.tf has no parser %q, only %v", test.rule, known)
		}
		line, err := json.Marshal(map[string]any{"rule": r, "line": test.line})
		if err != nil {
			t.Fatal(err)
		}
		input.Write(append(line, '\n'))
	}
	ruby := tool(t, "ruby")
	for _, gem := range []string{"strptime", "none"} {
		t.Run("gem "+gem, func(t *testing.T) {
			if gem == "strptime" && exec.CommandContext(t.Context(), ruby, "-rstrptime", "-e", "1").Run() != nil {
				t.Skip("the strptime gem is not installed (Debian: ruby-strptime)")
			}
			got := arrive(t, ruby, gem, input.String())
			for i, test := range tests {
				if diff := cmp.Diff(test.want, got[i]); diff != "" {
					t.Errorf("%s: arrive(%s) (-want +got):\n%s", test.name, test.line, diff)
				}
			}
		})
	}
}

// arrive runs arrive.rb, with one line of input and one of output for each test.
func arrive(t *testing.T, ruby, gem, input string) []arrival {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), ruby, filepath.Join("testdata", "arrive.rb"), gem)
	cmd.Stdin, cmd.Stderr = strings.NewReader(input), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var got []arrival
	for line := range strings.Lines(string(out)) {
		var a arrival
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			t.Fatal(err)
		}
		got = append(got, a)
	}
	if want := strings.Count(input, "\n"); len(got) != want {
		t.Fatalf("arrive.rb answered %d lines, want %d", len(got), want)
	}
	return got
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package deploy_test

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	model "github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/report"
)

// writtenMetrics are the metrics of a run that has all of them.
func writtenMetrics(t *testing.T) string {
	t.Helper()
	r := report.New(report.Meta{
		Tool: report.Tool{Version: "1"}, Mode: report.ModeDryRun, Started: time.Unix(1, 0), Falco: &report.Falco{Version: "0.44.1", Driver: "modern_ebpf", Unit: "falco-modern-bpf.service"},
	}, converge.Result{Steps: []converge.StepResult{{
		ID: "proof", Status: converge.StatusOK, Warnings: []model.Warning{{Message: "x", Drift: model.DriftUnproven}, {Message: "y", Drift: model.DriftKeyExpiring}},
	}}})
	var b bytes.Buffer
	if err := r.Metrics(&b, nil); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// The alerts and the dashboard use only metrics and classes that a run writes.
func TestMetricsAreWritten(t *testing.T) {
	written := writtenMetrics(t)
	metric, class := regexp.MustCompile(`falco_bootstrap_\w+`), regexp.MustCompile(`class=\\?"([\w-]+)`)
	for _, name := range []string{"prometheus/falco-bootstrap.rules.yaml", "prometheus/falco-bootstrap.test.yaml", "prometheus/dashboard.json"} {
		text := read(t, name)
		found := metric.FindAllString(text, -1)
		if len(found) < 6 {
			t.Errorf("%s uses only %q", name, found)
		}
		for _, m := range found {
			if !strings.Contains(written, "\n"+m+" ") && !strings.Contains(written, "\n"+m+"{") {
				t.Errorf("%s uses %s, which no run writes", name, m)
			}
		}
		for _, m := range class.FindAllStringSubmatch(text, -1) {
			if !strings.Contains(written, `class="`+m[1]+`"`) {
				t.Errorf("%s uses the class %s, which is none", name, m[1])
			}
		}
	}
}

// promtool finds nothing wrong, and each alert comes when it should.
func TestPrometheusRules(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip(err)
	}
	for _, args := range [][]string{
		{"check", "rules", "prometheus/falco-bootstrap.rules.yaml"},
		{"test", "rules", "prometheus/falco-bootstrap.test.yaml"},
	} {
		if out, err := exec.Command(promtool, args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	check := exec.Command(promtool, "check", "metrics")
	check.Stdin = strings.NewReader(writtenMetrics(t))
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
	expressions := 0
	var dashboard struct {
		Panels []struct{ Targets []struct{ Expr string } }
	}
	if err := json.Unmarshal([]byte(read(t, "prometheus/dashboard.json")), &dashboard); err != nil {
		t.Fatal(err)
	}
	var rules strings.Builder
	rules.WriteString("groups:\n- name: dashboard\n  rules:\n")
	for _, p := range dashboard.Panels {
		for _, target := range p.Targets {
			expressions++
			quoted, err := json.Marshal(target.Expr)
			if err != nil {
				t.Fatal(err)
			}
			rules.WriteString("  - record: panel\n    expr: " + string(quoted) + "\n")
		}
	}
	file := t.TempDir() + "/dashboard.yaml"
	write(t, file, rules.String(), 0o644)
	if out, err := exec.Command(promtool, "check", "rules", "--lint=none", file).CombinedOutput(); err != nil || expressions < 8 {
		t.Errorf("promtool check of %d expressions: %v\n%s", expressions, err, out)
	}
}

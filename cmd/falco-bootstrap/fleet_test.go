// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/fleet"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/report"
)

// fleetReports makes the reports of many nodes from one dry run: on every third
// node Falco is stopped, and one in a hundred failed.
func fleetReports(t *testing.T, nodes int) []byte {
	t.Helper()
	b := newBench(withFalco())
	b.run(t, "--dry-run", "--output=json")
	var r report.Report
	err := json.Unmarshal(b.stdout.Bytes(), &r)
	if err != nil {
		t.Fatal(err)
	}
	var lines bytes.Buffer
	for i := range nodes {
		r.Host.Hostname = fmt.Sprintf("node%05d", i)
		r.Result, r.Exit, r.Drift = report.ResultOK, report.Exit{Name: "ok"}, []string{}
		switch {
		case i%100 == 0:
			r.Result, r.Exit = report.ResultFailed, report.Exit{Code: 7, Name: "not-running"}
		case i%3 == 0:
			r.Result, r.Exit, r.Drift = report.ResultPending, report.Exit{Code: 2, Name: "pending"}, []string{"unit-stopped"}
		}
		if err := r.Line(&lines); err != nil {
			t.Fatal(err)
		}
	}
	return lines.Bytes()
}

// The command sums up ten thousand reports in about a second. The bound is
// generous because the machine may be busy.
func TestFleetOfTenThousand(t *testing.T) {
	const nodes = 10000
	input := fleetReports(t, nodes)
	b := newBench(newNode())
	b.env.stdin = bytes.NewReader(input)
	began := time.Now()
	if code := b.run(t, "report", "--output=json"); code != node.CodeFailed {
		t.Errorf("report exits with %d, want %d: %s", code, node.CodeFailed, b.stderr.String())
	}
	took := time.Since(began)
	var f fleet.Summary
	if err := json.Unmarshal(b.stdout.Bytes(), &f); err != nil {
		t.Fatal(err)
	}
	if f.Nodes != nodes || f.Reports != nodes || len(f.Bad) > 0 || f.Exit != 1 {
		t.Errorf("%d nodes, %d reports, %d bad, exit %d", f.Nodes, f.Reports, len(f.Bad), f.Exit)
	}
	if len(f.Drift) != 1 || f.Drift[0].Name != "unit-stopped" || f.Drift[0].Count != 3300 || len(f.Drift[0].Nodes) != 3300 {
		t.Errorf("drift = %.200v", f.Drift)
	}
	t.Logf("%d reports, %d MB, in %v", nodes, len(input)>>20, took)
	if took > 20*time.Second {
		t.Errorf("%d reports took %v", nodes, took)
	}
	b = newBench(newNode())
	b.env.stdin = bytes.NewReader(input)
	b.run(t, "report")
	if lines := strings.Count(b.stdout.String(), "\n"); lines > 40 {
		t.Errorf("the table of %d nodes has %d lines, want one that fits a screen", nodes, lines)
	}
}

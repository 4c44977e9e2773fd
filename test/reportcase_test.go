// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/report"
)

// update rewrites the golden reports: go test ./test -run TestAudit -update.
var update = flag.Bool("update", false, "rewrite the golden reports in testdata/report")

// golden compares the text and the JSON of a dry run with testdata/report, and the
// JSON with the published schema.
func (n *Node) golden(t *testing.T, name string, exit int, drift ...node.Drift) {
	t.Helper()
	text, object := n.Run("--dry-run"), n.Run("--dry-run", "--output=json")
	if text.Exit != exit || object.Exit != exit || text.Stderr+object.Stderr != "" {
		t.Errorf("dry runs exit with %d and %d, want %d and nothing on standard error: %q", text.Exit, object.Exit, exit, text.Stderr+object.Stderr)
	}
	requireValid(t, object.Stdout)
	var r report.Report
	err := json.Unmarshal([]byte(object.Stdout), &r)
	if err != nil {
		t.Fatal(err)
	}
	found := strings.Join(r.Drift, " ")
	for _, d := range drift {
		if !strings.Contains(found, string(d)) {
			t.Errorf("drift = %q, want %s in it", r.Drift, d)
		}
	}
	for _, secret := range []string{"audit:secret", "secret@"} {
		if strings.Contains(text.Stdout+object.Stdout, secret) {
			t.Errorf("the report shows %q", secret)
		}
	}
	n.requireGolden(t, name+".txt", text.Stdout)
	n.requireGolden(t, name+".json", object.Stdout)
}

// requireGolden compares a report with the golden one, except for what differs from
// run to run: times, the agent's version, the keys that the image's build made, and
// the boot.
func (n *Node) requireGolden(t *testing.T, name, got string) {
	t.Helper()
	fingerprint := n.Fingerprint("falco")
	for _, r := range []struct{ pattern, with string }{
		{fingerprint, "FINGERPRINT"},
		{strings.ToLower(fingerprint[32:]), "key"},
		{`("duration_ms"|"took_ms"): [0-9.e-]+`, "$1: 0"},
		{`"boot_id": "[^"]*"`, `"boot_id": "BOOT"`},
		{`("name": "falco-bootstrap",\n *"version": )"[^"]*"(,\n *"commit": "[^"]*")?`, `$1"VERSION"`},
		{`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`, "2026-01-01T00:00:00Z"},
	} {
		got = regexp.MustCompile(r.pattern).ReplaceAllString(got, r.with)
	}
	file := filepath.Join("testdata", "report", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs; run go test -update if that is intended (-want +got):\n%s", name, diff)
	}
}

// requireValid compares a report with the published schema.
func requireValid(t *testing.T, object string) {
	t.Helper()
	file, err := os.Open("../docs/report.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	doc, err := jsonschema.UnmarshalJSON(file)
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("report.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("report.json")
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(object))
	if err == nil {
		err = schema.Validate(v)
	}
	if err != nil {
		t.Errorf("a report does not match docs/report.schema.json: %v in\n%s", err, object)
	}
}

// outputFiles checks the files that a run writes where the command line says, and
// that the report command reads them back.
func (n *Node) outputFiles(t *testing.T) {
	t.Helper()
	const metrics, reports = "/var/lib/node_exporter/falco_bootstrap.prom", "/srv/reports.ndjson"
	n.Must("mkdir -p /var/lib/node_exporter")
	// A trace that shows no change proves nothing.
	if calls := n.traced(t, "--dry-run", "--metrics="+metrics); len(calls) == 0 {
		t.Error("the trace shows no call of a dry run that is told to write a file")
	}
	for range 2 {
		if r := n.Run("--metrics="+metrics, "--report-file="+reports); r.Exit != 0 {
			t.Fatalf("a run on a node in order: %v", r)
		}
	}
	Lines(t, n.ReadFile(metrics), "falco_bootstrap_exit_code 0\n")
	if got := n.Must("stat -c %a " + metrics); got != "644\n" {
		t.Errorf("mode of the metrics = %s, want 644: node_exporter is not root", got)
	}
	lines := strings.Split(strings.TrimSpace(n.ReadFile(reports)), "\n")
	if len(lines) != 2 {
		t.Fatalf("%d lines in %s, want 2", len(lines), reports)
	}
	requireValid(t, lines[0])
	// The same node under two other names, one of them drifted.
	pending := strings.NewReplacer(`"hostname":"node"`, `"hostname":"drifted"`, `"result":"ok"`, `"result":"pending"`, `"exit":{"code":0,"name":"ok"}`, `"exit":{"code":2,"name":"pending"}`, `"drift":[]`, `"drift":["unit-stopped"]`).Replace(lines[0])
	other := strings.Replace(lines[0], `"hostname":"node"`, `"hostname":"other"`, 1)
	r := n.pipe([]byte(strings.Join(append(lines, pending, other), "\n")), agent, "report")
	if r.Exit != 2 {
		t.Errorf("a fleet with one drifted node: %v", r)
	}
	Lines(t, r.Stdout, "3 nodes from 4 reports", "ok", "2", "pending", "1  drifted", "unit-stopped", "1  drifted", "Oracle Linux 8.10", "3", "0.44.1", "3")
	var last struct {
		Result   string
		Previous struct{ Result string }
	}
	if err := json.Unmarshal([]byte(n.ReadFile("/var/lib/falco-bootstrap/last-run.json")), &last); err != nil || last.Result != "ok" || last.Previous.Result != "ok" {
		t.Errorf("last-run.json = %+v, %v", last, err)
	}
}

// failingRuns makes the agent fail in every way that a bare node allows without a
// change of packages, and checks the report that each run leaves.
func (n *Node) failingRuns(t *testing.T) {
	t.Helper()
	left := func(what string, r Result, exit int, message string) {
		t.Helper()
		content := n.ReadFile("/var/lib/falco-bootstrap/last-run.json")
		requireValid(t, content)
		var v report.Report
		err := json.Unmarshal([]byte(content), &v)
		if err != nil || r.Exit != exit || v.Exit.Code != exit || v.Result != report.ResultFailed || v.Mode != report.ModeConverge || !strings.Contains(content, message) {
			t.Errorf("%s exits with %d and leaves %s, %+v (%v), want %d and %q: %v", what, r.Exit, v.Result, v.Exit, err, exit, message, r)
		}
		if got := n.Must("stat -c %a /var/lib/falco-bootstrap /var/lib/falco-bootstrap/last-run.json"); got != "700\n600\n" {
			t.Errorf("modes of the state directory = %q", got)
		}
	}
	left("a wrong flag", n.Run("--bogus"), 64, "unknown flag: --bogus")
	left("a wrong setting", n.Run("--driver=ebpff"), 64, "unknown driver")
	left("a kernel that runs no Falco", n.Run("--kernel-release=5.4.17-2136.311.6.1.el8uek.x86_64"), 3, "UEK R6")
	n.Faults("/keys/ 404")
	left("a key that is not served", n.Run(), 5, "404")
	n.Faults("/keys/ hang")
	command := strings.Join(n.agentCommand(nil), " ")
	n.Must(`(bash -c 'echo $$ >/dev/shm/pid; exec ` + command + `' >/dev/shm/out 2>/dev/shm/err; echo $? >/dev/shm/status) </dev/null >/dev/null 2>&1 &
		until grep -qs import /dev/shm/err; do sleep 0.1; done`)
	left("a second run", n.Run(), 8, "another run")
	began := time.Now()
	n.Must("kill -TERM $(cat /dev/shm/pid); while [ ! -s /dev/shm/status ]; do sleep 0.1; done")
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("stopping takes %v", took)
	}
	stopped := Result{Stdout: n.ReadFile("/dev/shm/out"), Stderr: n.ReadFile("/dev/shm/err")}
	if strings.TrimSpace(n.ReadFile("/dev/shm/status")) == "1" {
		stopped.Exit = 1
	}
	left("a run that is told to stop", stopped, 1, "told to stop")
	var last report.Report
	if err := json.Unmarshal([]byte(n.ReadFile("/var/lib/falco-bootstrap/last-run.json")), &last); err != nil || !bytes.Contains(last.Previous, []byte(`"locked"`)) {
		t.Errorf("the previous report is %.200q (%v), want that of the run without the lock", last.Previous, err)
	}
	n.Faults()
}

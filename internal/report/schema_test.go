// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package report_test

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/report"
)

// schema reads the published schema and makes it refuse unknown names: readers
// must accept those, but the program writes only names that are described.
func schema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc := schemaDocument(t)
	closeObjects(doc)
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	if err := c.AddResource("report.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("report.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func schemaDocument(t *testing.T) any {
	t.Helper()
	file, err := os.Open("../../docs/report.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	doc, err := jsonschema.UnmarshalJSON(file)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func closeObjects(v any) {
	switch v := v.(type) {
	case map[string]any:
		if _, ok := v["properties"]; ok && v["type"] == "object" {
			v["additionalProperties"] = false
		}
		for _, sub := range v {
			closeObjects(sub)
		}
	case []any:
		for _, sub := range v {
			closeObjects(sub)
		}
	}
}

func validate(t *testing.T, s *jsonschema.Schema, r report.Report) {
	t.Helper()
	for _, write := range []func(*bytes.Buffer) error{
		func(b *bytes.Buffer) error { return r.JSON(b) },
		func(b *bytes.Buffer) error { return r.Line(b) },
	} {
		var buf bytes.Buffer
		if err := write(&buf); err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(buf.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(doc); err != nil {
			t.Fatalf("the schema refuses this: %v\n%s", err, buf.Bytes())
		}
	}
}

func TestSchemaHoldsGoldens(t *testing.T) {
	s := schema(t)
	var last bytes.Buffer
	for _, g := range goldens() {
		r := report.WithPrevious(report.New(g.meta, g.result), last.Bytes())
		validate(t, s, r)
		last.Reset()
		if err := r.JSON(&last); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSchemaHoldsRandomReports(t *testing.T) {
	s := schema(t)
	classes := driftClasses(t)
	for seed := range uint64(500) {
		g := newGenerator(seed, 1, classes)
		validate(t, s, report.New(g.meta(), g.result()))
	}
}

// Unless the schema refuses what is not a report, the tests above prove nothing.
func TestSchemaRefuses(t *testing.T) {
	s := schema(t)
	for _, tt := range []struct {
		name   string
		change func(m map[string]any)
	}{
		{"another version", func(m map[string]any) { m["schema_version"] = 2 }},
		{"an unknown name", func(m map[string]any) { m["surprise"] = 1 }},
		{"no steps", func(m map[string]any) { delete(m, "steps") }},
		{"null instead of steps", func(m map[string]any) { m["steps"] = nil }},
		{"another result", func(m map[string]any) { m["result"] = "fine" }},
		{"a date that is not one", func(m map[string]any) { m["started"] = "today" }},
		{"a class twice", func(m map[string]any) { m["drift"] = []any{"absent", "absent"} }},
		{"a previous in the previous", func(m map[string]any) { m["previous"] = map[string]any{"previous": 1} }},
		{"a unit without a name", func(m map[string]any) {
			m["steps"] = []any{map[string]any{"id": "a", "status": "ok", "took_ms": 1, "changes": []any{map[string]any{"kind": "unit", "action": "stop"}}}}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var buf bytes.Buffer
			if err := report.New(meta(report.ModeDryRun), drifted()).JSON(&buf); err != nil {
				t.Fatal(err)
			}
			doc, err := jsonschema.UnmarshalJSON(&buf)
			if err != nil {
				t.Fatal(err)
			}
			tt.change(doc.(map[string]any))
			if s.Validate(doc) == nil {
				t.Errorf("the schema accepts %s", tt.name)
			}
		})
	}
}

// driftClasses reads the classes from the source, so that none is missing here.
func driftClasses(t *testing.T) []node.Drift {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../node/drift.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var classes []node.Drift
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok {
			for _, v := range spec.Values {
				if lit, ok := v.(*ast.BasicLit); ok && lit.Kind == token.STRING {
					s, _ := strconv.Unquote(lit.Value)
					classes = append(classes, node.Drift(s))
				}
			}
		}
		return true
	})
	return classes
}

func TestSchemaListsEveryDriftClass(t *testing.T) {
	defs := schemaDocument(t).(map[string]any)["$defs"].(map[string]any)
	var got []string
	for _, v := range defs["drift"].(map[string]any)["enum"].([]any) {
		got = append(got, v.(string))
	}
	var want []string
	for _, c := range driftClasses(t) {
		want = append(want, string(c))
	}
	slices.Sort(got)
	slices.Sort(want)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("drift classes of the schema (-want +got):\n%s", d)
	}
}

// A generator makes random runs, which no step would make, to check the schema.
type generator struct {
	*rand.Rand
	classes []node.Drift
	words   []string
	lines   int // of a file, at most
}

func newGenerator(seed, stream uint64, classes []node.Drift) generator {
	return generator{rand.New(rand.NewPCG(seed, stream)), classes, []string{
		"", "x", "falco.service", "/etc/falco/falco.yaml", "two\nlines", "\x1b[31m\x00", "\xff\xfe", "password: hunter2", "→ ü <&>", "https://u:p@h/?token=t",
	}, 300}
}

func pick[T any](g generator, of ...T) T { return of[g.IntN(len(of))] }

func (g generator) word() string { return pick(g, g.words...) }

func (g generator) drift() node.Drift { return pick(g, g.classes...) }

func (g generator) bytes() []byte {
	if g.IntN(4) == 0 {
		return nil
	}
	out := []byte{}
	for range g.IntN(g.lines) {
		out = append(out, g.word()...)
		out = append(out, '\n')
	}
	return out
}

// name returns a word that is not empty, which the schema requires in some places.
func (g generator) name() string { return "a" + g.word() }

func (g generator) because() node.Cause { return node.Because(g.drift(), g.word()) }

// changes makes one change of each kind. A new kind belongs here; then all tests
// of random reports and of secrets include it.
func (g generator) changes() []func() node.Change {
	return []func() node.Change{
		func() node.Change {
			return node.WriteFile{Path: g.name(), Old: g.bytes(), New: g.bytes(), Mode: 0o644, Cause: g.because()}
		},
		func() node.Change { return node.RemoveFile{Path: g.name(), Old: g.bytes(), Cause: g.because()} },
		func() node.Change { return node.RemoveDir{Path: g.name(), Cause: g.because()} },
		func() node.Change {
			return node.Chgrp{Path: g.name(), Old: g.name(), New: g.name(), GID: 4, Cause: g.because()}
		},
		func() node.Change {
			return node.Chmod{Path: g.name(), Old: os.ModeSetuid | 0o755, New: 0o600, Cause: g.because()}
		},
		func() node.Change {
			return node.Install{Action: "install", Targets: []node.Target{{Name: g.name(), Spec: g.word(), Old: g.word(), New: g.word()}}, Cause: g.because()}
		},
		func() node.Change {
			return node.ImportKey{URL: g.word(), Fingerprints: []string{g.word()}, Path: g.word(), Cause: g.because()}
		},
		func() node.Change {
			return node.RemoveKey{Package: g.name(), Fingerprint: g.word(), Cause: g.because()}
		},
		func() node.Change { return node.BuildModule{Kernel: g.word(), Cause: g.because()} },
		func() node.Change {
			return node.ChangeUnit{
				Unit: g.name(), Action: pick(g, node.Enable, node.ReloadManager, node.Restart),
				From: g.word(), To: g.word(), Cause: g.because(),
			}
		},
		func() node.Change {
			return node.Prove{Subject: node.Subject{Unit: g.word(), Log: g.word()}, Cause: g.because()}
		},
	}
}

// Every kind of change in package node has a record, which the schema and the
// text support.
func TestEveryKindOfChange(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../node/change.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var declared []string
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.TypeSpec); ok {
			if s, ok := spec.Type.(*ast.StructType); ok && len(s.Fields.List) > 0 && len(s.Fields.List[0].Names) == 0 {
				declared = append(declared, "node."+spec.Name.Name)
			}
		}
		return true
	})
	var made, kinds []string
	for _, change := range newGenerator(1, 1, driftClasses(t)).changes() {
		c := change()
		r := report.New(meta(report.ModeDryRun), converge.Result{Steps: []converge.StepResult{step("x", converge.StatusPending, "", c)}})
		made = append(made, fmt.Sprintf("%T", c))
		kinds = append(kinds, r.Steps[0].Changes[0].Kind)
	}
	change := schemaDocument(t).(map[string]any)["$defs"].(map[string]any)["change"].(map[string]any)["properties"].(map[string]any)
	var enum []string
	for _, v := range change["kind"].(map[string]any)["enum"].([]any) {
		enum = append(enum, v.(string))
	}
	for _, list := range [][]string{declared, made, kinds, enum} {
		slices.Sort(list)
	}
	if d := cmp.Diff(declared, made); d != "" {
		t.Errorf("kinds of change that the generator makes (-want +got):\n%s", d)
	}
	if d := cmp.Diff(enum, kinds); d != "" {
		t.Errorf("kinds of change in reports (-schema +got):\n%s", d)
	}
}

func (g generator) change() node.Change { return pick(g, g.changes()...)() }

func (g generator) err() error {
	return pick[error](g, nil, nil, errors.New(g.word()), fmt.Errorf("x: %w", &node.Error{Code: node.Code(g.IntN(9)), Err: errors.New(g.word()), Hint: g.word()}))
}

func (g generator) step(id string) converge.StepResult {
	s := converge.StepResult{
		ID: id, Reason: g.word(), Waiting: g.word(), Took: time.Duration(g.Int64N(int64(time.Hour))),
		Status: pick(g, converge.StatusOK, converge.StatusChanged, converge.StatusPending, converge.StatusWaiting, converge.StatusFailed, converge.StatusSkipped, converge.StatusUnknown),
	}
	if s.Status == converge.StatusFailed {
		s.Err = g.err()
	}
	for range g.IntN(4) {
		s.Changes = append(s.Changes, g.change())
	}
	for range g.IntN(2) {
		s.Unknown = append(s.Unknown, g.word())
		s.Warnings = append(s.Warnings, node.Warning{Message: g.word(), Hint: g.word(), Drift: g.drift()})
	}
	return s
}

func (g generator) result() converge.Result {
	var r converge.Result
	for i := range g.IntN(12) {
		s := g.step(fmt.Sprintf("step-%d", i))
		if r.Err == nil {
			r.Err = s.Err
		}
		r.Steps = append(r.Steps, s)
	}
	return r
}

func (g generator) meta() report.Meta {
	m := meta(pick(g, report.ModeConverge, report.ModeDryRun, report.ModeVerify))
	m.Falco = pick(g, nil, &report.Falco{}, &report.Falco{Version: g.word()})
	m.Root, m.Err = g.word(), g.err()
	m.Host.Hostname = g.word()
	m.Exit = pick(g, node.CodeOK, node.CodePending, node.CodeUsage)
	return m
}

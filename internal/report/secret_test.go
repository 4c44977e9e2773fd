// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package report_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/report"
)

// quoted reads a file of internal/redact that has a quoted string on each line.
func quoted(t testing.TB, name string) []string {
	t.Helper()
	text, err := os.ReadFile("../redact/testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for line := range strings.Lines(string(text)) {
		s, err := strconv.Unquote(strings.TrimSpace(line))
		if err != nil {
			t.Fatalf("%s: %s: %v", name, line, err)
		}
		all = append(all, s)
	}
	return all
}

// secretForms returns the forms in which a secret appears in a file, each with %s
// in its place.
func secretForms(t testing.TB) []string { return quoted(t, "forms.txt") }

// everyOutput returns all outputs of a report.
func everyOutput(t *testing.T, r report.Report) string {
	t.Helper()
	var buf bytes.Buffer
	for _, write := range []func(io.Writer) error{
		r.JSON, r.Line, r.Journal, func(w io.Writer) error { return r.Metrics(w, nil) },
		func(w io.Writer) error { return r.Text(w, report.TextOptions{Verbose: true, Color: true}) },
	} {
		if err := write(&buf); err != nil {
			t.Fatal(err)
		}
	}
	return buf.String()
}

// planted returns the report of a run that has text everywhere a step can put
// it: before and after a change, in reasons, warnings and errors.
func planted(around, text string) report.Report {
	write := func(before, after string) node.Change {
		return node.WriteFile{Path: "/etc/falco/falco.yaml", Old: []byte(before), New: []byte(after), Cause: node.Because(node.DriftConfigEdited, "")}
	}
	s := step("config", converge.StatusFailed, text,
		write(around, around+"\n"+text), write(around+"\n"+text, around), write(text+"\na: 1", text+"\na: 2"),
		write(text+"\n"+around, strings.ToUpper(around)+"\n"+text), node.RemoveFile{Path: "/x", Old: []byte(text + "\n" + around)})
	g := newGenerator(1, 1, []node.Drift{node.DriftAbsent})
	g.words, g.lines = []string{text}, 3
	for _, change := range g.changes() {
		s.Changes = append(s.Changes, change())
	}
	s.Waiting, s.Unknown = text, []string{text}
	s.Warnings = []node.Warning{{Message: text, Hint: text}}
	s.Err = &node.Error{Code: node.CodeConfig, Err: fmt.Errorf("checking: %s", text), Hint: text}
	m := meta(report.ModeConverge)
	m.Err = fmt.Errorf("panic:\n%s", text)
	return report.New(m, converge.Result{Steps: []converge.StepResult{s}, Err: s.Err})
}

// surroundings returns lines that leave the redactor in a state in which it may
// miss a secret below them.
func surroundings(t testing.TB) []string { return quoted(t, "surroundings.txt") }

const secret = "Zq7SecretMarker"

func TestNoSecretIsShown(t *testing.T) {
	for _, form := range secretForms(t) {
		for _, around := range append(surroundings(t), "file_output:\n  enabled: true\n") {
			text := fmt.Sprintf(form, secret)
			if out := everyOutput(t, planted(around, text)); strings.Contains(out, secret) {
				t.Errorf("a secret planted as %q below %q is shown: …%s", text, around, out[max(0, strings.Index(out, secret)-80):strings.Index(out, secret)+20])
			}
		}
	}
}

// No report shows a secret in any of these forms, whatever lines surround it and
// however deep it is indented.
func FuzzNoSecretIsShown(f *testing.F) {
	lines := surroundings(f)
	for i := range secretForms(f) {
		f.Add(uint8(i), uint8(0), "a: 1\nb:\n  c: 2\n")
		around := lines[i%len(lines)]
		f.Add(uint8(i), uint8(4), around)
	}
	f.Fuzz(func(t *testing.T, form, depth uint8, around string) {
		if strings.Contains(strings.ToUpper(around), strings.ToUpper(secret[:4])) || len(around) > 2000 {
			t.Skip()
		}
		forms := secretForms(t)
		pad := strings.Repeat(" ", int(depth%16))
		text := fmt.Sprintf(forms[int(form)%len(forms)], secret)
		text = pad + strings.ReplaceAll(text, "\n", "\n"+pad)
		if out := everyOutput(t, planted(around, text)); strings.Contains(out, secret) {
			t.Errorf("a secret planted as %q around %q is shown:\n%s", text, around, out)
		}
	})
}

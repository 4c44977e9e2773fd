// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package report_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/falco-bootstrap/falco-bootstrap/internal/report"
)

func TestDecodeReadsWhatIsWritten(t *testing.T) {
	for _, g := range goldens() {
		want := report.New(g.meta, g.result)
		for _, write := range []func(*bytes.Buffer) error{
			func(b *bytes.Buffer) error { return want.JSON(b) },
			func(b *bytes.Buffer) error { return want.Line(b) },
		} {
			var buf bytes.Buffer
			if err := write(&buf); err != nil {
				t.Fatal(err)
			}
			var got report.Report
			err := json.Unmarshal(buf.Bytes(), &got)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%s: Unmarshal(JSON) (-want +got):\n%s", g.name, d)
			}
		}
	}
}

func TestLineIsOneLine(t *testing.T) {
	var buf bytes.Buffer
	if err := report.New(meta(report.ModeDryRun), drifted()).Line(&buf); err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(buf.Bytes(), []byte("\n")); n != 1 || !bytes.HasSuffix(buf.Bytes(), []byte("}\n")) {
		t.Errorf("Line() has %d line breaks, want 1 at its end", n)
	}
}

func TestDecodeSummary(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		schema   bool
		ok       bool
	}{
		{name: "a newer name", in: `{"schema_version":1,"result":"ok","colour":"blue"}`, ok: true},
		{name: "a newer version", in: `{"schema_version":2}`, schema: true},
		{name: "a newer version in which a name has another type", in: `{"schema_version":2,"steps":{}}`, schema: true},
		{name: "a name of another type", in: `{"schema_version":1,"result":{}}`},
		{name: "no version", in: `{}`, schema: true},
		{name: "not an object", in: `[]`},
		{name: "cut short", in: `{"schema_version":1`},
		{name: "nothing", in: ``},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := report.DecodeSummary([]byte(tt.in))
			if (err == nil) != tt.ok || errors.Is(err, report.ErrSchema) != tt.schema {
				t.Errorf("DecodeSummary(%s) = %v, want ok %t, ErrSchema %t", tt.in, err, tt.ok, tt.schema)
			}
		})
	}
}

func TestWithPrevious(t *testing.T) {
	now := report.New(meta(report.ModeConverge), changed())
	big := `{"schema_version":1,"result":"ok","steps":["` + strings.Repeat("x", 1<<20) + `"]}`
	for _, tt := range []struct {
		name, old, want string
	}{
		{name: "none", old: ``},
		{name: "cut short", old: `{"schema_version":1,"re`},
		{name: "not an object", old: `["a"]`},
		{name: "null", old: `null`},
		{name: "with its own previous", old: `{"schema_version":1,"result":"ok","previous":{"result":"failed"}}`, want: `{"result":"ok","schema_version":1}`},
		{name: "of another version", old: `{"schema_version":9,"news":{"a":[1]}}`, want: `{"news":{"a":[1]},"schema_version":9}`},
		{name: "large", old: big, want: `{"result":"ok","schema_version":1}`},
		{name: "large even without steps", old: strings.Replace(big, "steps", "other", 1)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := report.WithPrevious(now, []byte(tt.old))
			if d := cmp.Diff(tt.want, string(got.Previous)); d != "" {
				t.Errorf("previous (-want +got):\n%s", d)
			}
			var buf bytes.Buffer
			if err := got.JSON(&buf); err != nil || !json.Valid(buf.Bytes()) {
				t.Errorf("JSON() = %v, %q", err, buf.Bytes())
			}
		})
	}
}

// A report is written in a single call, and the writer's error is returned.
func TestWriteErrors(t *testing.T) {
	r := report.New(meta(report.ModeDryRun), drifted())
	for name, write := range map[string]func(*limited) error{
		"JSON":    func(w *limited) error { return r.JSON(w) },
		"Line":    func(w *limited) error { return r.Line(w) },
		"Text":    func(w *limited) error { return r.Text(w, report.TextOptions{}) },
		"Metrics": func(w *limited) error { return r.Metrics(w, nil) },
	} {
		w := &limited{}
		if err := write(w); !errors.Is(err, errFull) || w.calls != 1 {
			t.Errorf("%s(full) = %v after %d calls, want %v after 1", name, err, w.calls, errFull)
		}
	}
}

var errFull = errors.New("disk full")

type limited struct{ calls int }

func (w *limited) Write([]byte) (int, error) {
	w.calls++
	return 0, errFull
}

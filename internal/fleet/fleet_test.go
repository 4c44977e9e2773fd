// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package fleet_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/falco-bootstrap/falco-bootstrap/internal/fleet"
	"github.com/falco-bootstrap/falco-bootstrap/internal/report"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden returns one of the reports that the tests of internal/report keep.
func golden(t testing.TB, name string) report.Report {
	t.Helper()
	content, err := os.ReadFile("../report/testdata/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var r report.Report
	err = json.Unmarshal(content, &r)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// nodeReports makes the reports of n nodes: three in four are in order, the
// others drifted, bare or failed.
func nodeReports(t testing.TB, n int) []report.Report {
	t.Helper()
	ok := golden(t, "converged")
	pick := []report.Report{ok, ok, ok, golden(t, "drifted"), ok, ok, ok, golden(t, "bare"), ok, ok, ok, golden(t, "failed")}
	out := make([]report.Report, n)
	for i := range out {
		r := pick[i%len(pick)]
		r.Host.Hostname = fmt.Sprintf("node-%05d", i)
		r.Host.Kernel = fmt.Sprintf("5.15.0-%d.el8uek.x86_64", 200+i%7)
		r.Started = r.Started.Add(time.Duration(i) * time.Minute)
		out[i] = r
	}
	return out
}

func compareGolden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s differs; run go test -update if that is intended (-want +got):\n%s", name, d)
	}
}

func ndjson(t testing.TB, reports []report.Report) []byte {
	t.Helper()
	var buf bytes.Buffer
	for _, r := range reports {
		if err := r.Line(&buf); err != nil {
			t.Fatal(err)
		}
	}
	return buf.Bytes()
}

func indented(t testing.TB, reports []report.Report) []byte {
	t.Helper()
	var buf bytes.Buffer
	for _, r := range reports {
		if err := r.JSON(&buf); err != nil {
			t.Fatal(err)
		}
	}
	return buf.Bytes()
}

func TestFleetGolden(t *testing.T) {
	var f fleet.Fleet
	in := append(ndjson(t, nodeReports(t, 60)), "{\"schema_version\":1,\"tool\":{\"na\nnode-3: connection refused\n{\"schema_version\":7}\n"...)
	if err := f.Read(bytes.NewReader(in), "audit.ndjson"); err != nil {
		t.Fatal(err)
	}
	var text, object bytes.Buffer
	if err := errors.Join(f.Text(&text), f.JSON(&object)); err != nil {
		t.Fatal(err)
	}
	compareGolden(t, "fleet.txt", text.Bytes())
	compareGolden(t, "fleet.json", object.Bytes())
}

func TestFleetReadsEveryForm(t *testing.T) {
	reports := nodeReports(t, 5)
	lines := ndjson(t, reports)
	for _, tt := range []struct {
		name string
		in   []byte
		bad  []fleet.BadRecord
	}{
		{name: "one a line", in: lines},
		{name: "indented", in: indented(t, reports)},
		{name: "one after the other", in: bytes.ReplaceAll(lines, []byte("\n"), nil)},
		{name: "windows line ends, byte order mark", in: append([]byte("\xef\xbb\xbf"), bytes.ReplaceAll(lines, []byte("\n"), []byte("\r\n\r\n"))...)},
		{name: "no final newline", in: bytes.TrimSpace(lines)},
		{
			name: "a line cut inside a string",
			in:   append([]byte("{\"schema_version\": 1, \"tool\": {\"na\n"), lines...),
			bad:  []fleet.BadRecord{{Source: "in", Line: 1, Reason: "cut short"}},
		},
		{
			name: "a line cut outside a string, words, and an end cut short",
			in:   append(append([]byte("{\"schema_version\": 1,\n"), lines...), "ssh: timeout }{\n{\"a\""...),
			bad: []fleet.BadRecord{
				{Source: "in", Line: 1, Reason: "cut short"},
				{Source: "in", Line: 7, Reason: "not a JSON object"},
				{Source: "in", Line: 8, Reason: "cut short"},
			},
		},
		{
			name: "another schema, not a report, not JSON",
			in:   append([]byte("{\"schema_version\":2,\"result\":\"ok\"}\n{\"schema_version\":1}\n{a}\n"), lines...),
			bad: []fleet.BadRecord{
				{Source: "in", Line: 1, Reason: "unknown schema_version 2, this program reads 1"},
				{Source: "in", Line: 2, Reason: "the report has no result"},
				{Source: "in", Line: 3, Reason: "invalid character 'a' looking for beginning of object key string"},
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, r := range []io.Reader{bytes.NewReader(tt.in), iotest.OneByteReader(bytes.NewReader(tt.in))} {
				var f fleet.Fleet
				if err := f.Read(r, "in"); err != nil {
					t.Fatal(err)
				}
				got := f.Summary()
				if got.Nodes != len(reports) || got.Reports != len(reports) {
					t.Errorf("Read(%s) = %d nodes of %d reports, want %d", tt.name, got.Nodes, got.Reports, len(reports))
				}
				if d := cmp.Diff(append([]fleet.BadRecord{}, tt.bad...), got.Bad); d != "" {
					t.Errorf("Read(%s): bad records (-want +got):\n%s", tt.name, d)
				}
			}
		})
	}
}

func TestFleetNewestReportCounts(t *testing.T) {
	older, newer := golden(t, "drifted"), golden(t, "converged")
	newer.Started = older.Started.Add(time.Hour)
	for _, order := range [][]report.Report{{older, newer}, {newer, older}} {
		var f fleet.Fleet
		if err := f.Read(bytes.NewReader(ndjson(t, order)), "in"); err != nil {
			t.Fatal(err)
		}
		got := f.Summary()
		if got.Nodes != 1 || got.Reports != 2 || got.States[0].Name != report.ResultOK || len(got.Drift) != 0 {
			t.Errorf("Summary() = %+v, want only the newer one", got)
		}
	}
}

func TestFleetWithoutHostnames(t *testing.T) {
	r := golden(t, "converged")
	r.Host.Hostname = ""
	var f fleet.Fleet
	if err := f.Read(bytes.NewReader(ndjson(t, []report.Report{r, r})), "a.json"); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"a.json:1", "a.json:2"}, f.Summary().States[0].Nodes); d != "" {
		t.Errorf("nodes (-want +got):\n%s", d)
	}
}

func TestFleetExit(t *testing.T) {
	line := func(host, result string, code int) string {
		return fmt.Sprintf(`{"schema_version":1,"host":{"hostname":%q},"result":%q,"exit":{"code":%d}}`+"\n", host, result, code)
	}
	for _, tt := range []struct {
		name, in string
		want     int
	}{
		{name: "in order", in: line("a", "ok", 0) + line("b", "changed", 0), want: 0},
		{name: "pending", in: line("a", "ok", 0) + line("b", "pending", 2), want: 2},
		{name: "failed and pending", in: line("a", "pending", 2) + line("b", "failed", 4), want: 1},
		{name: "unknown, by a run that exited with pending", in: line("a", "unknown", 2), want: 2},
		{name: "unknown", in: line("a", "unknown", 0), want: 0},
		{name: "a bad record among good ones", in: line("a", "ok", 0) + "x\n", want: 0},
		{name: "only bad records", in: "x\n", want: 1},
		{name: "nothing at all", in: "", want: 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var f fleet.Fleet
			if err := f.Read(strings.NewReader(tt.in), "in"); err != nil {
				t.Fatal(err)
			}
			if got := f.Exit(); got != tt.want {
				t.Errorf("Exit() = %d, want %d", got, tt.want)
			}
		})
	}
}

func TestFleetReadError(t *testing.T) {
	var f fleet.Fleet
	broken := errors.New("disk gone")
	if err := f.Read(iotest.ErrReader(broken), "in"); !errors.Is(err, broken) {
		t.Errorf("Read(broken) = %v, want %v", err, broken)
	}
}

// A report on a line of its own is found, whatever surrounds it.
func FuzzFleet(f *testing.F) {
	f.Add("", "")
	f.Add("{\"a", "}}}")
	f.Add("[{", "\"\\")
	f.Add("{\"a\":[\n{", "{}{}")
	mine := ndjson(f, nodeReports(f, 1))
	f.Fuzz(func(t *testing.T, before, after string) {
		var all fleet.Fleet
		in := before + "\n" + string(mine) + after
		if err := all.Read(strings.NewReader(in), "in"); err != nil {
			t.Fatal(err)
		}
		var buf bytes.Buffer
		if err := all.JSON(&buf); err != nil || !json.Valid(buf.Bytes()) {
			t.Fatalf("JSON() = %q, %v", buf.Bytes(), err)
		}
		for _, g := range all.Summary().States {
			for _, n := range g.Nodes {
				if n == "node-00000" {
					return
				}
			}
		}
		t.Errorf("Read(%q) lost the report", in)
	})
}

// Time and memory grow with the number of nodes.
func BenchmarkFleet(b *testing.B) {
	for _, nodes := range []int{10_000, 100_000} {
		b.Run(fmt.Sprint(nodes), func(b *testing.B) {
			in := ndjson(b, nodeReports(b, nodes))
			b.SetBytes(int64(len(in)))
			b.ReportAllocs()
			for b.Loop() {
				var f fleet.Fleet
				if err := f.Read(bytes.NewReader(in), "in"); err != nil {
					b.Fatal(err)
				}
				if err := errors.Join(f.Text(io.Discard), f.JSON(io.Discard)); err != nil {
					b.Fatal(err)
				}
				if n := f.Summary().Nodes; n != nodes {
					b.Fatalf("%d nodes", n)
				}
			}
		})
	}
}

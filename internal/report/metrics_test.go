// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package report_test

import (
	"bytes"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/report"
)

var (
	sampleLine = regexp.MustCompile(`^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\\\|\\"|\\n)*",?)*)\})? (\S+)$`)
	helpLine   = regexp.MustCompile(`^# HELP (\S+) (.+)$`)
	typeLine   = regexp.MustCompile(`^# TYPE (\S+) (counter|gauge|histogram|summary|untyped)$`)
)

// checkExposition checks text against Prometheus' exposition format 0.0.4, more
// strictly than its parser: HELP, TYPE and samples of a family are together and
// in this order, and no family or series appears twice. It returns the samples.
func checkExposition(t *testing.T, text string) map[string]float64 {
	t.Helper()
	samples := map[string]float64{}
	seen := map[string]bool{}
	if !strings.HasSuffix(text, "\n") {
		t.Fatalf("no line feed at the end of %q", text)
	}
	var helped, typed string
	for n, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		if m := helpLine.FindStringSubmatch(line); m != nil {
			if seen[m[1]] {
				t.Errorf("line %d: family %s appears twice", n+1, m[1])
			}
			helped, seen[m[1]] = m[1], true
			continue
		}
		if m := typeLine.FindStringSubmatch(line); m != nil {
			if m[1] != helped {
				t.Errorf("line %d: TYPE of %s after HELP of %s", n+1, m[1], helped)
			}
			typed = m[1]
			continue
		}
		m := sampleLine.FindStringSubmatch(line)
		if m == nil {
			t.Errorf("line %d: %q is not a sample", n+1, line)
			continue
		}
		value, err := strconv.ParseFloat(m[3], 64)
		if err != nil || m[1] != typed || typed != helped || strings.HasSuffix(m[2], ",") {
			t.Errorf("line %d: %q in family %s: %v", n+1, line, typed, err)
		}
		series := m[1] + "{" + m[2] + "}"
		if _, twice := samples[series]; twice {
			t.Errorf("line %d: series %s appears twice", n+1, series)
		}
		samples[series] = value
	}
	return samples
}

func metricsOf(t *testing.T, r report.Report) map[string]float64 {
	t.Helper()
	var buf bytes.Buffer
	if err := r.Metrics(&buf, nil); err != nil {
		t.Fatal(err)
	}
	return checkExposition(t, buf.String())
}

func TestMetrics(t *testing.T) {
	for _, tt := range []struct {
		name string
		want map[string]float64
	}{
		{"drifted", map[string]float64{
			"falco_bootstrap_run_success{}":                                1,
			"falco_bootstrap_exit_code{}":                                  2,
			"falco_bootstrap_pending_changes{}":                            8,
			`falco_bootstrap_step_status{step="config",status="pending"}`:  1,
			`falco_bootstrap_drift{class="config-edited"}`:                 1,
			"falco_bootstrap_last_run_timestamp_seconds{}":                 1772334000.164,
			"falco_bootstrap_duration_seconds{}":                           0.041679,
			`falco_bootstrap_build_info{version="1.2.3",commit="0123abc"}`: 1,
			"falco_bootstrap_last_success_timestamp_seconds{}":             1772334000.164,
		}},
		{"converged", map[string]float64{"falco_bootstrap_run_success{}": 1, "falco_bootstrap_exit_code{}": 0, "falco_bootstrap_pending_changes{}": 0}},
		{"changed", map[string]float64{"falco_bootstrap_run_success{}": 1, "falco_bootstrap_exit_code{}": 0, "falco_bootstrap_pending_changes{}": 0}},
		{"failed", map[string]float64{"falco_bootstrap_run_success{}": 0, "falco_bootstrap_exit_code{}": 5, "falco_bootstrap_pending_changes{}": 1}},
		{"usage", map[string]float64{"falco_bootstrap_run_success{}": 0, "falco_bootstrap_exit_code{}": 64}},
	} {
		for _, g := range goldens() {
			if g.name != tt.name {
				continue
			}
			got := metricsOf(t, report.New(g.meta, g.result))
			for series, want := range tt.want {
				if have, ok := got[series]; !ok || have != want {
					t.Errorf("%s: %s = %v (present: %t), want %v", tt.name, series, have, ok, want)
				}
			}
		}
	}
}

// The last success is remembered by the file itself.
func TestMetricsRememberTheLastSuccess(t *testing.T) {
	const success = "falco_bootstrap_last_success_timestamp_seconds"
	var old []byte
	for _, run := range []struct {
		started int64
		err     error
		want    float64
	}{{100, errors.New("x"), 0}, {200, nil, 200}, {300, errors.New("x"), 200}, {400, nil, 400}} {
		m := meta(report.ModeConverge)
		m.Started, m.Took, m.Err = time.Unix(run.started, 0), 0, run.err
		var b bytes.Buffer
		if err := report.New(m, converge.Result{}).Metrics(&b, old); err != nil {
			t.Fatal(err)
		}
		if got := checkExposition(t, b.String())[success+"{}"]; got != run.want {
			t.Errorf("after a run at %d: %s is %v, want %v", run.started, success, got, run.want)
		}
		old = b.Bytes()
	}
}

func TestMetricsEscape(t *testing.T) {
	m := meta(report.ModeDryRun)
	m.Tool.Version = "a\"b\\c\nd\xff"
	got := metricsOf(t, report.New(m, converge.Result{}))
	if _, ok := got[`falco_bootstrap_build_info{version="a\"b\\c\nd`+"\uFFFD"+`",commit="0123abc"}`]; !ok {
		t.Errorf("Metrics() = %v, want the version escaped", got)
	}
}

func TestMetricsOfRandomReports(t *testing.T) {
	classes := driftClasses(t)
	for seed := range uint64(200) {
		g := newGenerator(seed, 2, classes)
		metricsOf(t, report.New(g.meta(), g.result()))
	}
}

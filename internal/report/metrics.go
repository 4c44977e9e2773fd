// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
)

// Metrics writes the report in Prometheus' text format, for node_exporter's
// textfile collector. The collector reads at any time, so the caller must
// replace the file atomically. old is what the file holds: the time of the last success
// is there if this run is none.
func (r Report) Metrics(w io.Writer, old []byte) error {
	var m metrics
	success := 1.0
	if r.Result == ResultFailed {
		success = 0
	}
	m.gauge("run_success", "Whether the last run succeeded; pending changes are not a failure.", success)
	m.gauge("exit_code", "Exit status of the last run.", float64(r.Exit.Code))
	m.gauge("pending_changes", "Changes that the last run found but did not make.", float64(r.pendingChanges()))
	m.family("step_status", "The status of each step of the last run, always 1.")
	for _, s := range r.Steps {
		m.sample("step_status", 1, "step", s.ID, "status", s.Status)
	}
	m.family("drift", "Changes and warnings of the last run by drift class, made or not.")
	drift := map[string]int{}
	for _, s := range r.Steps {
		for _, class := range s.drift() {
			drift[class]++
		}
	}
	delete(drift, "")
	for _, class := range slices.Sorted(maps.Keys(drift)) {
		m.sample("drift", float64(drift[class]), "class", class)
	}
	end := r.Started.Add(time.Duration(r.DurationMS * float64(time.Millisecond)))
	m.gauge("last_run_timestamp_seconds", "When the last run ended, in seconds since the epoch.", float64(end.UnixMilli())/1000)
	switch {
	case success == 1:
		m.gauge("last_success_timestamp_seconds", helpLastSuccess, float64(end.UnixMilli())/1000)
	case lastSuccess(old) > 0:
		m.gauge("last_success_timestamp_seconds", helpLastSuccess, lastSuccess(old))
	}
	m.gauge("duration_seconds", "How long the last run took.", r.DurationMS/1000)
	m.gauge("build_info", "The program that made the last run, always 1.", 1, "version", r.Tool.Version, "commit", r.Tool.Commit)
	if f := r.Falco; f != nil {
		m.gauge("falco_info", "The Falco of the node, always 1.", 1, "version", f.Version, "driver", f.Driver, "unit", f.Unit)
	}
	if _, err := w.Write(m.out.Bytes()); err != nil {
		return fmt.Errorf("writing metrics: %w", err)
	}
	return nil
}

const helpLastSuccess = "When the last run that succeeded ended, in seconds since the epoch."

// lastSuccess reads the time of the last success from older metrics; 0 if they have none.
func lastSuccess(old []byte) float64 {
	for line := range bytes.Lines(old) {
		if value, found := bytes.CutPrefix(line, []byte(prefix+"last_success_timestamp_seconds ")); found {
			seconds, _ := strconv.ParseFloat(string(bytes.TrimSpace(value)), 64)
			return seconds
		}
	}
	return 0
}

// pendingChanges counts the changes that were not made: all that a dry run lists,
// and the plans of a step that failed or had to wait. A probe is not a change.
func (r Report) pendingChanges() int {
	n := 0
	for _, s := range r.Steps {
		if s.Status == string(converge.StatusChanged) {
			continue
		}
		for _, c := range s.Changes {
			if c.Kind != kindProbe {
				n++
			}
		}
	}
	return n
}

// metrics collects text in the exposition format, version 0.0.4.
type metrics struct{ out bytes.Buffer }

// prefix begins every name.
const prefix = "falco_bootstrap_"

func (m *metrics) family(name, help string) {
	fmt.Fprintf(&m.out, "# HELP %s%s %s\n# TYPE %s%s gauge\n", prefix, name, help, prefix, name)
}

// gauge writes a family of one sample.
func (m *metrics) gauge(name, help string, value float64, labels ...string) {
	m.family(name, help)
	m.sample(name, value, labels...)
}

// sample writes one line; labels are pairs of name and value.
func (m *metrics) sample(name string, value float64, labels ...string) {
	var pairs []string
	for pair := range slices.Chunk(labels, 2) {
		pairs = append(pairs, pair[0]+`="`+escapeLabel(pair[1])+`"`)
	}
	if len(pairs) > 0 {
		name += "{" + strings.Join(pairs, ",") + "}"
	}
	m.out.WriteString(prefix + name + " " + strconv.FormatFloat(value, 'f', -1, 64) + "\n")
}

// escapeLabel escapes backslash, quote and line feed, as the format requires.
func escapeLabel(s string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(strings.ToValidUTF8(s, "\uFFFD"))
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"fmt"
	"io"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
)

// Metrics writes the report in Prometheus' text format, for node_exporter's
// textfile collector. The caller replaces the file whole: the collector reads
// it at any time.
func (r Report) Metrics(w io.Writer) error {
	var m metrics
	success := 1.0
	if r.Result == ResultFailed {
		success = 0
	}
	m.family("run_success", "Whether the last run did not fail; pending changes are no failure.")
	m.sample("run_success", success)
	m.family("exit_code", "Exit status of the last run.")
	m.sample("exit_code", float64(r.Exit.Code))
	m.family("pending_changes", "Changes that the last run found and did not make.")
	m.sample("pending_changes", float64(r.pendingChanges()))
	m.family("step_status", "The status of each step of the last run, always 1.")
	for _, s := range r.Steps {
		m.sample("step_status", 1, "step", s.ID, "status", s.Status)
	}
	m.family("drift", "Changes and warnings of the last run by drift class, made or not.")
	m.counts("drift", "class", r.driftCounts())
	m.family("last_run_timestamp_seconds", "When the last run ended, in seconds since the epoch.")
	end := r.Started.Add(time.Duration(r.DurationMS * float64(time.Millisecond)))
	m.sample("last_run_timestamp_seconds", float64(end.UnixMilli())/1000)
	m.family("duration_seconds", "How long the last run took.")
	m.sample("duration_seconds", r.DurationMS/1000)
	m.family("build_info", "The program that made the last run, always 1.")
	m.sample("build_info", 1, "version", r.Tool.Version, "commit", r.Tool.Commit)
	if _, err := w.Write(m.out.Bytes()); err != nil {
		return fmt.Errorf("writing metrics: %w", err)
	}
	return nil
}

// pendingChanges counts what was not done: everything a dry run lists, and
// what a step that failed or had to wait had planned. Probes are no changes.
func (r Report) pendingChanges() int {
	n := 0
	for _, s := range r.Steps {
		if s.Status == string(converge.StatusChanged) {
			continue
		}
		for _, c := range s.Changes {
			if c.Kind != KindProbe {
				n++
			}
		}
	}
	return n
}

func (r Report) driftCounts() map[string]int {
	counts := map[string]int{}
	for _, s := range r.Steps {
		for _, c := range s.Changes {
			counts[c.Drift]++
		}
		for _, w := range s.Warnings {
			counts[w.Drift]++
		}
	}
	delete(counts, "")
	return counts
}

// metrics collects text of the exposition format, version 0.0.4.
type metrics struct{ out bytes.Buffer }

// prefix stands before every name.
const prefix = "falco_bootstrap_"

func (m *metrics) family(name, help string) {
	fmt.Fprintf(&m.out, "# HELP %s%s %s\n# TYPE %s%s gauge\n", prefix, name, help, prefix, name)
}

// sample writes one line; labels are pairs of name and value.
func (m *metrics) sample(name string, value float64, labels ...string) {
	m.out.WriteString(prefix + name)
	for i := 0; i+1 < len(labels); i += 2 {
		sep := ","
		if i == 0 {
			sep = "{"
		}
		m.out.WriteString(sep + labels[i] + `="` + escapeLabel(labels[i+1]) + `"`)
	}
	if len(labels) > 0 {
		m.out.WriteByte('}')
	}
	m.out.WriteString(" " + strconv.FormatFloat(value, 'f', -1, 64) + "\n")
}

func (m *metrics) counts(name, label string, counts map[string]int) {
	keys := make([]string, 0, len(counts))
	for k := range counts {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		m.sample(name, float64(counts[k]), label, k)
	}
}

// escapeLabel escapes what the format asks for: backslash, quote, line feed.
func escapeLabel(s string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(strings.ToValidUTF8(s, "\uFFFD"))
}

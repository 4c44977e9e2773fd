// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// maxNames bounds the nodes that a row of the table names. JSON has all.
const maxNames = 6

// A FleetReport is a fleet as JSON shows it.
type FleetReport struct {
	SchemaVersion int `json:"schema_version"`
	Nodes         int `json:"nodes"`
	// Reports counts all that were read, older ones of the same node too.
	Reports int `json:"reports"`
	// Oldest and Newest say when the runs started that are counted.
	Oldest *time.Time  `json:"oldest,omitempty"`
	Newest *time.Time  `json:"newest,omitempty"`
	Exit   int         `json:"exit"`
	States []Group     `json:"states"`
	Failed []Group     `json:"failures"` // by the name of the exit status
	Drift  []Group     `json:"drift"`
	OS     []Group     `json:"os"`
	Kernel []Group     `json:"kernel"`
	Falco  []Group     `json:"falco"`
	Bad    []BadRecord `json:"bad"`
}

// Report sums the fleet up.
func (f *Fleet) Report() FleetReport {
	r := FleetReport{
		SchemaVersion: SchemaVersion, Nodes: len(f.nodes), Reports: f.reports, Exit: f.Exit(),
		States: f.groups(func(n member) []string { return []string{n.state} }),
		Failed: f.groups(func(n member) []string {
			if !n.failed() {
				return nil
			}
			return []string{or(n.exit.Name, fmt.Sprintf("exit %d", n.exit.Code))}
		}),
		Drift:  f.groups(func(n member) []string { return slices.Compact(slices.Sorted(slices.Values(n.drift))) }),
		OS:     f.groups(func(n member) []string { return []string{or(n.os, "unknown")} }),
		Kernel: f.groups(func(n member) []string { return []string{or(n.kernel, "unknown")} }),
		Falco:  f.groups(func(n member) []string { return []string{or(n.falco, "none")} }),
		Bad:    append([]BadRecord{}, f.bad...),
	}
	for _, n := range f.nodes {
		if r.Oldest == nil || n.started.Before(*r.Oldest) {
			r.Oldest = &n.started
		}
		if r.Newest == nil || n.started.After(*r.Newest) {
			r.Newest = &n.started
		}
	}
	return r
}

// JSON writes the whole fleet, every group with all its nodes.
func (f *Fleet) JSON(w io.Writer) error { return encode(w, f.Report(), "  ") }

// Text writes the fleet as a table for a person: how many nodes of each kind,
// and the first names where somebody has to act.
func (f *Fleet) Text(w io.Writer) error {
	r := f.Report()
	var out bytes.Buffer
	fmt.Fprintf(&out, "%s from %s", count(r.Nodes, "node"), count(r.Reports, "report"))
	if r.Oldest != nil {
		const layout = "2006-01-02 15:04"
		fmt.Fprintf(&out, ", %s to %s UTC", r.Oldest.UTC().Format(layout), r.Newest.UTC().Format(layout))
	}
	out.WriteString("\n")
	width := r.nameWidth()
	for _, s := range []struct {
		title  string
		groups []Group
		named  bool
	}{
		{"STATE", r.States, true},
		{"FAILURE", r.Failed, true},
		{"DRIFT", r.Drift, true},
		{"OS", r.OS, false},
		{"KERNEL", r.Kernel, false},
		{"FALCO", r.Falco, false},
	} {
		section(&out, width, s.title, s.groups, s.named)
	}
	badRecords(&out, r.Bad)
	if _, err := w.Write(out.Bytes()); err != nil {
		return fmt.Errorf("writing the fleet: %w", err)
	}
	return nil
}

func (r FleetReport) nameWidth() int {
	width := 0
	for _, groups := range [][]Group{r.States, r.Failed, r.Drift, r.OS, r.Kernel, r.Falco} {
		for _, g := range groups {
			width = max(width, len([]rune(visible(g.Name))))
		}
	}
	return width
}

func section(out *bytes.Buffer, width int, title string, groups []Group, named bool) {
	if len(groups) == 0 {
		return
	}
	fmt.Fprintf(out, "\n%-*s  NODES\n", width, title)
	for _, g := range groups {
		line := fmt.Sprintf("%-*s  %5d", width, visible(g.Name), g.Count)
		// Nobody has to act on a node in order.
		if named && g.Name != ResultOK && g.Name != ResultChanged {
			line += "  " + names(g.Nodes)
		}
		out.WriteString(line + "\n")
	}
}

func names(nodes []string) string {
	if len(nodes) <= maxNames {
		return visible(strings.Join(nodes, ", "))
	}
	return fmt.Sprintf("%s, … %d more", visible(strings.Join(nodes[:maxNames], ", ")), len(nodes)-maxNames)
}

func badRecords(out *bytes.Buffer, bad []BadRecord) {
	if len(bad) == 0 {
		return
	}
	fmt.Fprintf(out, "\n%s could not be read\n", count(len(bad), "record"))
	for i, b := range bad {
		if i == maxNames {
			fmt.Fprintf(out, "%s… %d more\n", indent, len(bad)-i)
			return
		}
		fmt.Fprintf(out, "%s%s:%d: %s\n", indent, visible(b.Source), b.Line, visible(b.Reason))
	}
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/falco-bootstrap/falco-bootstrap/internal/report"
)

// maxNames bounds the node names in a row of the table. JSON has them all.
const maxNames = 6

// A Summary is the JSON form of a fleet.
type Summary struct {
	SchemaVersion int `json:"schema_version"`
	Nodes         int `json:"nodes"`
	// Reports counts all reports that were read, older ones of a node too.
	Reports int `json:"reports"`
	// Oldest and Newest are the first and last start of the runs that count.
	Oldest *time.Time `json:"oldest,omitempty"`
	Newest *time.Time `json:"newest,omitempty"`
	Exit   int        `json:"exit"`
	States []Group    `json:"states"`
	Failed []Group    `json:"failures"` // by the name of the exit status
	// Age has the nodes whose report is too old, or from the future.
	Age    []Group     `json:"age"`
	Drift  []Group     `json:"drift"`
	OS     []Group     `json:"os"`
	Kernel []Group     `json:"kernel"`
	Falco  []Group     `json:"falco"`
	Bad    []BadRecord `json:"bad"`
}

// A Group lists the nodes that have something in common, sorted by name.
type Group struct {
	Name  string   `json:"name"`
	Count int      `json:"count"`
	Nodes []string `json:"nodes"`
	// Example is the error of most of the nodes of a failure.
	Example string `json:"example,omitempty"`
}

// Summary sums the fleet up.
func (f *Fleet) Summary() Summary {
	one := func(name string) []string { return []string{name} }
	s := Summary{
		SchemaVersion: report.SchemaVersion, Nodes: len(f.nodes), Reports: f.reports, Exit: f.Exit(),
		States: f.groups(func(r report.Report) []string { return one(r.Result) }),
		Failed: f.groups(func(r report.Report) []string {
			if !failed(r) {
				return nil
			}
			return one(cmp.Or(r.Exit.Name, fmt.Sprintf("exit %d", r.Exit.Code)))
		}),
		Age:   f.groups(f.age),
		Drift: f.groups(func(r report.Report) []string { return slices.Compact(slices.Sorted(slices.Values(r.Drift))) }),
		OS: f.groups(func(r report.Report) []string {
			return one(cmp.Or(strings.TrimSpace(r.Host.OS+" "+r.Host.OSVersion), "unknown"))
		}),
		Kernel: f.groups(func(r report.Report) []string { return one(cmp.Or(r.Host.Kernel, "unknown")) }),
		Falco: f.groups(func(r report.Report) []string {
			if r.Falco == nil {
				return one("none")
			}
			return one(cmp.Or(r.Falco.Version, "none"))
		}),
		Bad: append([]BadRecord{}, f.bad...),
	}
	for i := range s.Failed {
		s.Failed[i].Example = f.example(s.Failed[i].Nodes)
	}
	for _, r := range f.nodes {
		if s.Oldest == nil || r.Started.Before(*s.Oldest) {
			s.Oldest = &r.Started
		}
		if s.Newest == nil || r.Started.After(*s.Newest) {
			s.Newest = &r.Started
		}
	}
	return s
}

// example returns the sentence that most of these nodes failed with.
func (f *Fleet) example(nodes []string) string {
	seen, most := map[string]int{}, ""
	for _, name := range nodes {
		e := f.nodes[name].Error
		if e == nil {
			continue
		}
		seen[e.Message]++
		if n := seen[e.Message]; n > seen[most] || n == seen[most] && e.Message < most {
			most = e.Message
		}
	}
	return strings.Join(strings.Fields(most), " ")
}

// groups puts nodes into groups, the largest first. A node may be in several
// or none.
func (f *Fleet) groups(of func(report.Report) []string) []Group {
	nodes := map[string][]string{}
	for host, r := range f.nodes {
		for _, name := range of(r) {
			nodes[name] = append(nodes[name], host)
		}
	}
	groups := []Group{}
	for name, hosts := range nodes {
		slices.Sort(hosts)
		groups = append(groups, Group{Name: name, Count: len(hosts), Nodes: hosts})
	}
	slices.SortFunc(groups, func(a, b Group) int {
		return cmp.Or(b.Count-a.Count, strings.Compare(a.Name, b.Name))
	})
	return groups
}

// JSON writes the whole fleet, every group with all its nodes.
func (f *Fleet) JSON(w io.Writer) error { return report.Encode(w, f.Summary(), "  ") }

// Text writes the fleet as tables for a person: how many nodes of each kind, and
// the first names of those that need attention.
func (f *Fleet) Text(w io.Writer) error {
	s := f.Summary()
	var out bytes.Buffer
	fmt.Fprintf(&out, "%s from %s", count(s.Nodes, "node"), count(s.Reports, "report"))
	if s.Oldest != nil {
		const layout = "2006-01-02 15:04"
		fmt.Fprintf(&out, ", %s to %s UTC", s.Oldest.UTC().Format(layout), s.Newest.UTC().Format(layout))
	}
	out.WriteString("\n")
	s.tables(&out)
	for i, b := range s.Bad {
		switch i {
		case 0:
			fmt.Fprintf(&out, "\n%s could not be read\n", count(len(s.Bad), "record"))
		case maxNames:
			fmt.Fprintf(&out, "    … %d more\n", len(s.Bad)-i)
		}
		if i < maxNames {
			fmt.Fprintf(&out, "    %s: %s\n", report.Visible(b.place()), report.Visible(b.Reason))
		}
	}
	if _, err := w.Write(out.Bytes()); err != nil {
		return fmt.Errorf("writing the fleet: %w", err)
	}
	return nil
}

// A kind is what nodes are grouped by. The nodes of some are named.
type kind struct {
	title  string
	groups []Group
	named  bool
}

func (s Summary) kinds() []kind {
	return []kind{
		{"STATE", s.States, true},
		{"FAILURE", s.Failed, true},
		{"LAST REPORT", s.Age, true},
		{"DRIFT", s.Drift, true},
		{"OS", s.OS, false},
		{"KERNEL", s.Kernel, false},
		{"FALCO", s.Falco, false},
	}
}

// tables writes each kind of group as a table, all with the same column widths.
func (s Summary) tables(out *bytes.Buffer) {
	tables, width := s.kinds(), 0
	for _, t := range tables {
		for _, g := range t.groups {
			width = max(width, utf8.RuneCountInString(report.Visible(g.Name)))
		}
	}
	for _, t := range tables {
		if len(t.groups) == 0 {
			continue
		}
		fmt.Fprintf(out, "\n%-*s  NODES\n", width, t.title)
		for _, g := range t.groups {
			fmt.Fprintf(out, "%-*s  %5d", width, report.Visible(g.Name), g.Count)
			// A node that is as declared needs no attention.
			if t.named && g.Name != report.ResultOK && g.Name != report.ResultChanged {
				out.WriteString("  " + names(g.Nodes))
			}
			out.WriteString("\n")
			if g.Example != "" {
				out.WriteString("    " + report.Visible(g.Example) + "\n")
			}
		}
	}
}

func names(nodes []string) string {
	if len(nodes) <= maxNames {
		return report.Visible(strings.Join(nodes, ", "))
	}
	return fmt.Sprintf("%s, … %d more", report.Visible(strings.Join(nodes[:maxNames], ", ")), len(nodes)-maxNames)
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

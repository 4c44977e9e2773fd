// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"encoding/json"
	"fmt"
	"io"
	"sort"
	"strings"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/redact"
)

// A Fleet is the newest report of each of many nodes. Its zero value is a
// fleet without nodes.
type Fleet struct {
	nodes   map[string]member
	reports int
	bad     []BadRecord
}

// A BadRecord is a piece of input that is no report.
type BadRecord struct {
	Source string `json:"source"`
	Line   int    `json:"line"`
	Reason string `json:"reason"`
}

// A node is what the fleet keeps of a report.
type member struct {
	state   string
	exit    Exit
	started time.Time
	os      string
	kernel  string
	falco   string
	drift   []string
}

// fleetReport is the part of a report that is decoded; the rest, diffs above
// all, is passed over.
type fleetReport struct {
	SchemaVersion int `json:"schema_version"`
	Host          struct {
		Hostname  string `json:"hostname"`
		OS        string `json:"os"`
		OSVersion string `json:"os_version"`
		Kernel    string `json:"kernel"`
	} `json:"host"`
	Falco struct {
		Version string `json:"version"`
	} `json:"falco"`
	Result  string    `json:"result"`
	Exit    Exit      `json:"exit"`
	Started time.Time `json:"started"`
	Drift   []string  `json:"drift"`
}

// fleetNeeds names the members of fleetReport.
func fleetNeeds(name string) bool {
	switch name {
	case "schema_version", "host", "falco", "result", "exit", "started", "drift":
		return true
	}
	return false
}

// Read adds the reports of a stream, which name says the origin of: a single
// object, one a line, or several one after the other, indented or not. Of two
// reports of one node (by hostname) the one that started later counts. What is
// no report is kept as a bad record and is no error.
func (f *Fleet) Read(r io.Reader, name string) error {
	s := records{
		found: func(object []byte, line int) {
			if err := f.add(object, name, line); err != nil {
				f.addBad(name, line, err)
			}
		},
		bad: func(line int, err error) { f.addBad(name, line, err) },
	}
	if err := s.read(r); err != nil {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	return nil
}

func (f *Fleet) addBad(name string, line int, err error) {
	f.bad = append(f.bad, BadRecord{Source: name, Line: line, Reason: redact.Text(err.Error())})
}

func (f *Fleet) add(object []byte, name string, line int) error {
	var r fleetReport
	if err := json.Unmarshal(skim(object, fleetNeeds), &r); err != nil {
		return err
	}
	switch {
	case r.SchemaVersion != SchemaVersion:
		return fmt.Errorf("%w %d, this program reads %d", ErrSchema, r.SchemaVersion, SchemaVersion)
	case r.Result == "":
		return fmt.Errorf("a report without a result")
	}
	f.reports++
	host := r.Host.Hostname
	if host == "" {
		host = fmt.Sprintf("%s:%d", name, line)
	}
	if have, ok := f.nodes[host]; ok && have.started.After(r.Started) {
		return nil
	}
	if f.nodes == nil {
		f.nodes = map[string]member{}
	}
	f.nodes[host] = member{
		state: r.Result, exit: r.Exit, started: r.Started, drift: r.Drift,
		os: strings.TrimSpace(r.Host.OS + " " + r.Host.OSVersion), kernel: r.Host.Kernel, falco: r.Falco.Version,
	}
	return nil
}

func (n member) failed() bool {
	return n.state == ResultFailed || (n.exit.Code != int(node.CodeOK) && !n.pending())
}

func (n member) pending() bool {
	return n.state == ResultPending || n.exit.Code == int(node.CodePending)
}

// Exit is the exit status for the fleet: that of a failure if any node failed,
// else that of pending changes if any has some, else zero. Bad records alone
// are a failure only if no report was found at all.
func (f *Fleet) Exit() int {
	code := node.CodeOK
	if len(f.nodes) == 0 && len(f.bad) > 0 {
		code = node.CodeFailed
	}
	for _, n := range f.nodes {
		switch {
		case n.failed():
			return int(node.CodeFailed)
		case n.pending():
			code = node.CodePending
		}
	}
	return int(code)
}

// A Group is the nodes that have something in common, sorted by name.
type Group struct {
	Name  string   `json:"name"`
	Count int      `json:"count"`
	Nodes []string `json:"nodes"`
}

// groups sorts nodes into groups, the largest first. A node may be in several
// or none.
func (f *Fleet) groups(of func(member) []string) []Group {
	byName := map[string]*Group{}
	for host, n := range f.nodes {
		for _, name := range of(n) {
			g := byName[name]
			if g == nil {
				g = &Group{Name: name}
				byName[name] = g
			}
			g.Nodes = append(g.Nodes, host)
		}
	}
	out := make([]Group, 0, len(byName))
	for _, g := range byName {
		sort.Strings(g.Nodes)
		g.Count = len(g.Nodes)
		out = append(out, *g)
	}
	sort.Slice(out, func(i, j int) bool {
		if out[i].Count != out[j].Count {
			return out[i].Count > out[j].Count
		}
		return out[i].Name < out[j].Name
	})
	return out
}

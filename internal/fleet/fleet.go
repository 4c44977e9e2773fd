// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Package fleet sums up the reports of many nodes: how many are as declared,
// which drifted or failed, and which releases they run.
//
// It reads and writes streams, not files, and decides no exit status except
// [Fleet.Exit].
package fleet

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/redact"
	"github.com/falco-bootstrap/falco-bootstrap/internal/report"
)

// A Fleet is the newest report of each of many nodes. Its zero value is a
// fleet without nodes.
type Fleet struct {
	// Now is when the fleet is looked at, for ages; if zero, there are none.
	Now time.Time
	// MaxAge is how old the newest report of a node may be; if zero, any age.
	MaxAge time.Duration

	nodes   map[string]report.Report // by hostname, without steps
	reports int
	bad     []BadRecord
}

// A BadRecord is a piece of input that is not a report.
type BadRecord struct {
	Source string `json:"source"`
	Line   int    `json:"line"`
	Reason string `json:"reason"`
}

// place is the source and the line, if that is known.
func (b BadRecord) place() string {
	if b.Line == 0 {
		return b.Source
	}
	return fmt.Sprintf("%s:%d", b.Source, b.Line)
}

// clockSlack is how far ahead a node's clock may be.
const clockSlack = 10 * time.Minute

// Skip records a source that cannot be read.
func (f *Fleet) Skip(source string, err error) {
	f.bad = append(f.bad, BadRecord{Source: source, Reason: redact.Text(err.Error())})
}

// Empty reports whether no report has been read.
func (f *Fleet) Empty() bool { return f.reports == 0 }

// Read adds the reports of a stream: a single object, one on each line, or
// several in sequence, indented or not. Of two reports with the same hostname,
// the one that started later counts, but one from the future only if there is no other:
// the node's clock was wrong. Anything else is kept as a bad record of
// the source called name, and is not an error.
func (f *Fleet) Read(r io.Reader, name string) error {
	bad := func(line int, err error) {
		f.bad = append(f.bad, BadRecord{Source: name, Line: line, Reason: redact.Text(err.Error())})
	}
	s := records{bad: bad, found: func(object []byte, line int) {
		if err := f.add(object, fmt.Sprintf("%s:%d", name, line)); err != nil {
			bad(line, err)
		}
	}}
	if err := s.read(r); err != nil {
		return fmt.Errorf("reading %s: %w", name, err)
	}
	return nil
}

// add adds a report. A node without a hostname is named after the source and line
// of its report.
func (f *Fleet) add(object []byte, place string) error {
	r, err := report.DecodeSummary(object)
	switch {
	case err != nil:
		return err
	case r.Result == "":
		return errors.New("the report has no result")
	}
	f.reports++
	host := cmp.Or(r.Host.Hostname, place)
	if have, ok := f.nodes[host]; ok && f.outlasts(have, r) {
		return nil
	}
	if f.nodes == nil {
		f.nodes = map[string]report.Report{}
	}
	f.nodes[host] = r
	return nil
}

// outlasts reports whether the report that a node has counts more than another.
func (f *Fleet) outlasts(have, other report.Report) bool {
	if f.ahead(have) != f.ahead(other) {
		return f.ahead(other)
	}
	return have.Started.After(other.Started)
}

func (f *Fleet) ahead(r report.Report) bool {
	return !f.Now.IsZero() && r.Started.After(f.Now.Add(clockSlack))
}

// age names what is wrong with the age of a report, or returns nil.
func (f *Fleet) age(r report.Report) []string {
	switch {
	case f.ahead(r):
		return []string{"in the future"}
	case f.silent(r):
		return []string{"older than " + f.MaxAge.String()}
	}
	return nil
}

func (f *Fleet) silent(r report.Report) bool {
	return f.MaxAge > 0 && r.Started.Before(f.Now.Add(-f.MaxAge))
}

func failed(r report.Report) bool {
	return r.Result == report.ResultFailed || (r.Exit.Code != int(node.CodeOK) && !pending(r))
}

func pending(r report.Report) bool {
	return r.Result == report.ResultPending || r.Exit.Code == int(node.CodePending)
}

// Exit returns the exit status for the fleet: that of a failure if any node failed or
// has been silent for longer than MaxAge, else that of pending changes if any node has
// some, else zero. No report at all is a failure; bad records beside some are not.
func (f *Fleet) Exit() int {
	code := node.CodeOK
	if len(f.nodes) == 0 {
		code = node.CodeFailed
	}
	for _, r := range f.nodes {
		switch {
		case failed(r), f.silent(r):
			return int(node.CodeFailed)
		case pending(r):
			code = node.CodePending
		}
	}
	return int(code)
}

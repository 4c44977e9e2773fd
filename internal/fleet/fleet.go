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

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/redact"
	"github.com/falco-bootstrap/falco-bootstrap/internal/report"
)

// A Fleet is the newest report of each of many nodes. Its zero value is a
// fleet without nodes.
type Fleet struct {
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

// Read adds the reports of a stream: a single object, one on each line, or
// several in sequence, indented or not. Of two reports with the same hostname,
// the one that started later counts. Anything else is kept as a bad record of
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
	if have, ok := f.nodes[host]; ok && have.Started.After(r.Started) {
		return nil
	}
	if f.nodes == nil {
		f.nodes = map[string]report.Report{}
	}
	f.nodes[host] = r
	return nil
}

func failed(r report.Report) bool {
	return r.Result == report.ResultFailed || (r.Exit.Code != int(node.CodeOK) && !pending(r))
}

func pending(r report.Report) bool {
	return r.Result == report.ResultPending || r.Exit.Code == int(node.CodePending)
}

// Exit returns the exit status for the fleet: that of a failure if any node
// failed, else that of pending changes if any node has some, else zero. Bad
// records are a failure only if there is no report.
func (f *Fleet) Exit() int {
	code := node.CodeOK
	if len(f.nodes) == 0 && len(f.bad) > 0 {
		code = node.CodeFailed
	}
	for _, r := range f.nodes {
		switch {
		case failed(r):
			return int(node.CodeFailed)
		case pending(r):
			code = node.CodePending
		}
	}
	return int(code)
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Command summary reads the output of go test -json and prints the closing line of
// each package and, before that of a failed one, everything that the package printed.
// At the end it prints the skipped tests by reason, the messages of failed tests, and
// the closing lines of failed packages. Its exit status says nothing about the tests;
// that of go test does.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"
	"regexp"
	"strings"
)

func main() {
	log.SetFlags(0)
	if err := summarize(os.Stdin, os.Stdout); err != nil {
		log.Fatal("summary: ", err)
	}
}

// An event is a line of go test -json: see go doc test2json.
type event struct {
	Action, Package, Test, Output string
}

// A summary holds what has been read so far.
type summary struct {
	packages map[string]*packageRun

	reasons    []string            // for skipping, in the order in which they appeared
	skipped    map[string][]string // tests by reason
	complaints []string            // of failed tests
	failures   []string            // closing lines of failed packages
}

// A packageRun is what a package has printed so far.
type packageRun struct {
	tests  []string            // in the order in which they printed something
	output map[string][]string // lines by test; those of the test "" are the package's own
}

func summarize(r io.Reader, w io.Writer) error {
	s := summary{packages: map[string]*packageRun{}, skipped: map[string][]string{}}
	in := bufio.NewScanner(r)
	in.Buffer(nil, 16<<20)
	for in.Scan() {
		var e event
		switch {
		case json.Unmarshal(in.Bytes(), &e) != nil:
			fmt.Fprintln(w, in.Text())
		case e.Action == "build-output":
			fmt.Fprintf(w, "%s", e.Output)
		default:
			s.add(w, e)
		}
	}
	s.close(w)
	return in.Err()
}

// add processes one event, and writes about a package when it has ended.
func (s *summary) add(w io.Writer, e event) {
	p := s.packages[e.Package]
	if p == nil {
		p = &packageRun{output: map[string][]string{}}
		s.packages[e.Package] = p
	}
	switch {
	case e.Action == "output":
		p.add(e.Test, e.Output)
	case e.Test != "" && e.Action == "skip":
		s.skip(e.Test, p.said(e.Test))
	case e.Test != "" && e.Action == "fail":
		for _, complaint := range p.said(e.Test) {
			s.complaints = append(s.complaints, e.Test+": "+complaint)
		}
	case e.Test == "" && (e.Action == "pass" || e.Action == "skip"):
		p.write(w, "")
	case e.Test == "" && e.Action == "fail":
		p.write(w, append(p.tests, "")...) // go test attributes a panic to any test, even one that passed
		if own := p.output[""]; len(own) > 0 {
			s.failures = append(s.failures, own[len(own)-1])
		}
	}
}

// skip records a skipped test; the last line that it logged is the reason.
func (s *summary) skip(test string, said []string) {
	reason := "no reason given"
	if len(said) > 0 {
		_, reason, _ = strings.Cut(said[len(said)-1], ": ")
	}
	if s.skipped[reason] == nil {
		s.reasons = append(s.reasons, reason)
	}
	s.skipped[reason] = append(s.skipped[reason], test)
}

// close writes the end, which people read first.
func (s *summary) close(w io.Writer) {
	for _, reason := range s.reasons {
		tests := s.skipped[reason]
		more := ""
		if len(tests) > 1 {
			more = fmt.Sprintf(" and %d more", len(tests)-1)
		}
		fmt.Fprintf(w, "    skipped %s%s: %s\n", tests[0], more, reason)
	}
	for _, complaint := range s.complaints {
		fmt.Fprintf(w, "    %s\n", complaint)
	}
	for _, closing := range s.failures {
		fmt.Fprintf(w, "%s", closing)
	}
}

var (
	// frame matches lines that only say that a test runs or has passed.
	frame = regexp.MustCompile(`^(=== |\s*--- PASS|PASS$)`)
	// said matches what a test logs; the harness logs a journal with its failures.
	said = regexp.MustCompile(`^\s+\S+\.go:\d+: `)
)

func (p *packageRun) add(test, line string) {
	if frame.MatchString(strings.TrimSpace(line)) {
		return
	}
	if p.output[test] == nil && test != "" {
		p.tests = append(p.tests, test)
	}
	p.output[test] = append(p.output[test], line)
}

func (p *packageRun) write(w io.Writer, tests ...string) {
	for _, test := range tests {
		fmt.Fprintf(w, "%s", strings.Join(p.output[test], ""))
	}
}

// said returns the first lines of what a test logged, with file and line number.
func (p *packageRun) said(test string) []string {
	var lines []string
	for _, line := range p.output[test] {
		if said.MatchString(line) && !strings.Contains(line, "journal of the node:") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

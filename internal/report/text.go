// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
)

// TextOptions says how to show a report to a person.
type TextOptions struct {
	// Color uses the terminal's colours. The caller knows the terminal and
	// NO_COLOR.
	Color bool
	// Verbose also shows how long each step took, why each change is made, probes,
	// the content of new files and each step that was not reached.
	Verbose bool
	// Width is where lines are broken, between words, in columns; 0 means nowhere.
	Width int
}

// indent begins the lines that belong to a step.
const indent = "    "

// Text writes the report for a person: a line for each step with its status, below it
// the changes and warnings; counts; at the end what failed. It escapes control
// characters instead of sending them to the terminal.
func (r Report) Text(w io.Writer, opt TextOptions) error {
	p := printer{color: opt.Color, verbose: opt.Verbose, width: opt.Width, done: r.Mode == ModeConverge || r.Mode == ModeRemove}
	for _, s := range r.Steps {
		p.idWidth = max(p.idWidth, len(s.ID))
	}
	p.head(r)
	var unreached []string
	for _, s := range r.Steps {
		if s.unreached() && !opt.Verbose {
			unreached = append(unreached, Visible(s.ID))
			continue
		}
		p.step(s)
	}
	if len(unreached) > 0 {
		p.text("not reached: ", plain, strings.Join(unreached, ", "))
	}
	p.gap()
	p.line(p.paint(resultColor(r.Result), r.tally()))
	for _, e := range r.failures() {
		p.gap()
		p.failure(e)
	}
	if r.Summary.Unknown > 0 && r.Root == "/" {
		p.gap()
		p.text("hint:  ", plain, "not everything could be seen: run it with sudo")
	}
	if _, err := w.Write(p.out.Bytes()); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}

// Journal writes for the journal what the log does not have: warnings, the counts and
// what failed, each in a line with its priority (sd-daemon(3)).
func (r Report) Journal(w io.Writer) error {
	var b bytes.Buffer
	line := func(priority int, label, text string) {
		if text != "" {
			fmt.Fprintf(&b, "<%d>%s%s\n", priority, label, Visible(strings.Join(strings.Fields(text), " ")))
		}
	}
	for _, s := range r.Steps {
		for _, w := range s.Warnings {
			line(4, s.ID+": warning: ", w.Message)
			line(4, s.ID+": hint: ", w.Hint)
		}
	}
	line(6, "", r.tally())
	for _, e := range r.failures() {
		line(3, "error: ", e.Message)
		line(3, "hint: ", e.Hint)
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}

// unreached reports whether a step was not taken because another failed.
func (s Step) unreached() bool {
	return s.Status == string(converge.StatusSkipped) && len(s.Changes)+len(s.Warnings) == 0 && strings.HasPrefix(s.Reason, "not reached")
}

// failures returns what failed, the reason for the exit status last.
func (r Report) failures() []*Error {
	var all []*Error
	for _, s := range slices.Backward(r.Steps) {
		if s.Error != nil {
			all = append(all, s.Error)
		}
	}
	if r.Error != nil {
		all = append(all, r.Error)
	}
	return all
}

// A printer collects a text report.
type printer struct {
	out     bytes.Buffer
	color   bool
	verbose bool
	done    bool // the run makes changes, and does not only plan them
	width   int
	idWidth int
}

func (p *printer) line(parts ...string) {
	p.out.WriteString(strings.TrimRight(strings.Join(parts, ""), " ") + "\n")
}

// gap writes an empty line, unless there is one already or nothing above it.
func (p *printer) gap() {
	if b := p.out.Bytes(); len(b) > 0 && !bytes.HasSuffix(b, []byte("\n\n")) {
		p.line()
	}
}

// head writes a line that names the node, and the mode of a run that changes
// nothing.
func (p *printer) head(r Report) {
	var about []string
	for _, s := range []string{r.Host.Hostname, strings.TrimSpace(r.Host.OS + " " + r.Host.OSVersion), r.Host.Kernel} {
		if s != "" {
			about = append(about, Visible(s))
		}
	}
	if r.Root != "" && r.Root != "/" {
		about = append(about, "tree "+Visible(r.Root))
	}
	switch r.Mode {
	case ModeDryRun:
		about = append(about, "dry run")
	case ModeVerify, ModeRemove:
		about = append(about, r.Mode)
	}
	if len(about) == 0 {
		return
	}
	p.line(p.paint(bold, strings.Join(about, " · ")))
	p.line()
}

func (p *printer) step(s Step) {
	reason := s.Reason
	if s.Status == string(converge.StatusWaiting) || (s.Waiting != "" && s.Status == string(converge.StatusPending)) {
		reason = join("; ", reason, "waits for "+s.Waiting)
	}
	if p.verbose {
		reason = join(" ", reason, fmt.Sprintf("(%.1f ms)", s.TookMS))
	}
	lead := fmt.Sprintf("%-*s  ", p.idWidth, Visible(s.ID)) + p.paint(statusColor(s.Status), Visible(s.Status)) + strings.Repeat(" ", max(9-len(s.Status), 2))
	lines := p.wrapped(reason, p.idWidth+2+max(9, len(s.Status)+2))
	p.line(lead, lines[0])
	for _, more := range lines[1:] {
		p.line(indent, more)
	}
	p.changes(s)
	for _, u := range s.Unknown {
		p.text(indent+"not seen: ", plain, u)
	}
	for _, w := range s.Warnings {
		p.text(indent+"warning: ", yellow, w.Message)
		p.text(indent+"hint:    ", plain, w.Hint)
	}
}

// changes writes a diff for a file, and one line for a package or a unit.
func (p *printer) changes(s Step) {
	all, done := s.Changes, p.done && s.Status != string(converge.StatusPending)
	units := map[string]bool{}
	for i, c := range all {
		joined := c.Kind == kindUnit && !c.reloads()
		switch {
		case c.Kind == kindProbe && !p.verbose:
		case joined && units[c.Unit]: // in the line of the unit's first change
		case c.Diff != "" && (p.verbose || !done || !c.whole()):
			p.diff(c)
		default:
			units[c.Unit] = units[c.Unit] || joined
			for _, line := range c.lines(all[i+1:]) {
				p.line(indent, Visible(line))
			}
		}
		if p.verbose && c.Why != "" {
			p.line(indent, indent, Visible(c.Why))
		}
	}
}

func (p *printer) diff(c Change) {
	for line := range strings.SplitSeq(strings.TrimSuffix(c.Diff, "\n"), "\n") {
		p.line(indent, p.paint(diffColor(line), Visible(line)))
	}
	if c.DiffOmitted > 0 {
		p.line(indent, fmt.Sprintf("… %d more lines", c.DiffOmitted))
	}
}

func (p *printer) failure(e *Error) {
	p.text("error: ", red, e.Message)
	p.text("hint:  ", plain, e.Hint)
}

// text writes text after a label, with further lines aligned to the first.
func (p *printer) text(label string, c color, text string) {
	if text == "" {
		return
	}
	for i, line := range p.wrapped(text, len(label)) {
		if i == 0 {
			p.line(p.paint(c, label), line)
		} else {
			p.line(strings.Repeat(" ", len(label)), line)
		}
	}
}

// wrapped returns the lines of a text that begins in a column, broken between words.
func (p *printer) wrapped(text string, column int) []string {
	var lines []string
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		line = Visible(line)
		for room := p.width - column; p.width > 0 && utf8.RuneCountInString(line) > room; {
			at := lastSpace(line, room)
			if at < 0 {
				break
			}
			lines, line = append(lines, line[:at]), line[at+1:]
		}
		lines = append(lines, line)
	}
	return lines
}

// lastSpace returns where the last space is before which there are at most room
// characters, else the first space, or -1.
func lastSpace(line string, room int) int {
	best, seen := -1, 0
	for at, c := range line {
		if c == ' ' && (seen <= room || best < 0) {
			best = at
		}
		seen++
	}
	return best
}

// tally returns the last line, such as "3 to change, 5 in order, 1 waiting".
func (r Report) tally() string {
	s := r.Summary
	var parts []string
	add := func(n int, what string) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, what))
		}
	}
	add(s.Changed, "changed")
	add(s.Change, "to change")
	if s.Changed+s.Change == 0 && len(r.Steps) > 0 && r.Result == ResultOK {
		parts = append(parts, "nothing to change")
	}
	add(s.OK, "in order")
	add(s.Waiting, "waiting")
	add(s.Unknown, "unknown")
	add(s.Skipped, "skipped")
	add(s.Failed, "failed")
	if r.Result == ResultFailed {
		parts = append(parts, fmt.Sprintf("exit %d (%s)", r.Exit.Code, r.Exit.Name))
	}
	if len(parts) == 0 {
		return r.Result
	}
	return strings.Join(parts, ", ")
}

func join(sep, a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + sep + b
}

// Visible returns s with escapes in place of the characters that would move a
// terminal's cursor, change its colours or reverse the direction of text.
func Visible(s string) string {
	if strings.IndexFunc(s, hidden) < 0 {
		return s
	}
	var out strings.Builder
	for _, c := range s {
		if hidden(c) {
			out.WriteString(strings.Trim(fmt.Sprintf("%+q", c), "'"))
		} else {
			out.WriteRune(c)
		}
	}
	return out.String()
}

func hidden(c rune) bool { return c != '\t' && !unicode.IsPrint(c) }

// A color is a terminal's code for one of the sixteen colours that every
// terminal has and every colour scheme keeps readable.
type color string

const (
	plain  color = ""
	bold   color = "1"
	red    color = "31"
	green  color = "32"
	yellow color = "33"
	cyan   color = "36"
	faint  color = "2"
)

func (p *printer) paint(c color, text string) string {
	if !p.color || c == plain || text == "" {
		return text
	}
	return "\x1b[" + string(c) + "m" + text + "\x1b[0m"
}

func statusColor(status string) color {
	return map[converge.Status]color{
		converge.StatusOK: green, converge.StatusChanged: yellow, converge.StatusPending: yellow,
		converge.StatusFailed: red, converge.StatusWaiting: cyan, converge.StatusUnknown: cyan,
		converge.StatusSkipped: faint,
	}[converge.Status(status)]
}

func resultColor(result string) color {
	return map[string]color{
		ResultOK: green, ResultChanged: green, ResultPending: yellow, ResultUnknown: yellow, ResultFailed: red,
	}[result]
}

func diffColor(line string) color {
	switch {
	case strings.HasPrefix(line, "--- "), strings.HasPrefix(line, "+++ "):
		return bold
	case strings.HasPrefix(line, "-"):
		return red
	case strings.HasPrefix(line, "+"):
		return green
	case strings.HasPrefix(line, "@@"):
		return cyan
	}
	return plain
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
)

// TextOptions says how a report is shown to a person.
type TextOptions struct {
	// Color uses the terminal's colours. The caller looks at the terminal and
	// at NO_COLOR.
	Color bool
	// Verbose shows how long each step took, why each change is made, and
	// probes, too.
	Verbose bool
}

// indent sets what belongs to a step apart from the steps.
const indent = "    "

// Text writes the report for a person: one line a step with its state,
// beneath it what is or was to change, warnings and errors; counts at the end.
// It never wraps lines, and shows control characters instead of sending them
// to the terminal.
func (r Report) Text(w io.Writer, opt TextOptions) error {
	p := printer{paint: paint(opt.Color), verbose: opt.Verbose, idWidth: r.idWidth()}
	p.head(r)
	for _, s := range r.Steps {
		p.step(s)
	}
	if r.Error != nil {
		p.gap()
		p.failure("", r.Error)
	}
	p.gap()
	p.line(p.paint(resultColor(r.Result), r.tally()))
	if _, err := w.Write(p.out.Bytes()); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}

// A printer collects a text report.
type printer struct {
	out     bytes.Buffer
	paint   painter
	verbose bool
	idWidth int
}

func (p *printer) line(parts ...string) {
	p.out.WriteString(strings.TrimRight(strings.Join(parts, ""), " ") + "\n")
}

// gap is an empty line, unless there is one already or nothing above.
func (p *printer) gap() {
	if b := p.out.Bytes(); len(b) > 0 && !bytes.HasSuffix(b, []byte("\n\n")) {
		p.line()
	}
}

// head is one line that says which node, and whether it is touched at all.
func (p *printer) head(r Report) {
	var about []string
	for _, s := range []string{r.Host.Hostname, strings.TrimSpace(r.Host.OS + " " + r.Host.OSVersion), r.Host.Kernel} {
		if s != "" {
			about = append(about, visible(s))
		}
	}
	if r.Root != "" && r.Root != "/" {
		about = append(about, "tree "+visible(r.Root))
	}
	switch r.Mode {
	case ModeDryRun:
		about = append(about, "dry run")
	case ModeVerify:
		about = append(about, "verify")
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
	first, more, _ := strings.Cut(reason, "\n")
	p.line(
		fmt.Sprintf("%-*s  ", p.idWidth, visible(s.ID)),
		p.paint(statusColor(s.Status), visible(s.Status)),
		strings.Repeat(" ", max(9-len(s.Status), 2)), visible(first),
	)
	p.block(indent, more)
	p.changes(s)
	for _, u := range s.Unknown {
		p.line(indent, "not seen: ", visible(u))
	}
	for _, w := range s.Warnings {
		p.labelled(indent, "warning: ", yellow, w.Message)
		p.labelled(indent, "hint:    ", plain, w.Hint)
	}
	p.failure(indent, s.Error)
}

func (p *printer) failure(lead string, e *Error) {
	if e == nil {
		return
	}
	p.labelled(lead, "error: ", red, e.Message)
	p.labelled(lead, "hint:  ", plain, e.Hint)
}

// labelled writes text after a label, further lines aligned under the first.
func (p *printer) labelled(lead, label string, c color, text string) {
	if text == "" {
		return
	}
	first, more, _ := strings.Cut(text, "\n")
	p.line(lead, p.paint(c, label), visible(first))
	p.block(lead+strings.Repeat(" ", len(label)), more)
}

func (p *printer) block(lead, text string) {
	if text == "" {
		return
	}
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		p.line(lead, visible(line))
	}
}

func (r Report) idWidth() int {
	width := 0
	for _, s := range r.Steps {
		width = max(width, len(s.ID))
	}
	return width
}

// tally is the last line, such as "3 to change, 5 in order, 1 waiting".
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

// visible shows characters that would move the cursor, change colours or turn
// the direction of text.
func visible(s string) string {
	if strings.IndexFunc(s, hidden) < 0 {
		return s
	}
	var out strings.Builder
	for _, c := range s {
		if hidden(c) {
			quoted := fmt.Sprintf("%+q", c)
			out.WriteString(quoted[1 : len(quoted)-1])
			continue
		}
		out.WriteRune(c)
	}
	return out.String()
}

func hidden(c rune) bool { return c != '\t' && !unicode.IsPrint(c) }

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falco

import (
	"fmt"
	"slices"
	"strings"
)

// A Request is what is asked for.
type Request struct {
	Driver  string // [Auto], [ModernEBPF] or [Kmod]; "" is [Auto]
	Version string // a pin such as "0.44.1", or "" for the newest that works
}

// A RefusedError says that the host cannot run what is asked for.
type RefusedError struct {
	Hint string // what to do about it

	reason string // a sentence without its full stop
	// nearest is the version nearest to the pin that works with the same
	// driver, or "" if there is none or nothing was pinned.
	nearest string
	row     Row // the row that decided; zero if the request itself is wrong
}

func (e *RefusedError) Error() string { return e.reason }

// A Warning is part of a decision.
type Warning struct{ Message, Hint string }

// A Decision is what a host can run.
type Decision struct {
	Driver string // [ModernEBPF] or [Kmod]
	// Min and Max bound the versions that can run. Max is "" without a bound:
	// the newest will do.
	Min, Max string
	// Exclude lists the versions between the bounds that must not be
	// installed.
	Exclude  []string
	Warnings []Warning

	question question
	rows     []Row // those that apply to the host and driver, and to the pin if there is one
}

// Allows reports whether the version may be installed, or stay.
func (d Decision) Allows(falcoVersion string) bool {
	v, err := parseVersion(falcoVersion)
	return err == nil && d.question.blocker(v) == nil
}

// Range says in words which versions can run.
func (d Decision) Range() string {
	text := "Falco " + d.Min + " or later"
	if d.Max != "" {
		text = "Falco " + d.Min + " to " + d.Max
	}
	if d.Exclude != nil {
		text += ", but not " + strings.Join(d.Exclude, ", ")
	}
	return text
}

// Decide returns what a host can run of what is requested. Without a pin it
// allows every version that can run; a pin must be one of them. [Auto] takes
// modern_ebpf if the host and the pin allow it, and kmod otherwise: the probe is
// part of Falco, so it needs no compiler and survives kernel updates.
//
// The error is a [*RefusedError].
func Decide(h Host, r Request) (Decision, error) { return decide(table(), h, r) }

func decide(rows []Row, h Host, r Request) (Decision, error) {
	drivers, err := driversOf(r.Driver)
	if err != nil {
		return Decision{}, err
	}
	var pin version
	if r.Version != "" {
		if pin, err = parseVersion(r.Version); err != nil {
			return Decision{}, &RefusedError{reason: err.Error(), Hint: "pin a whole version, or none for the newest that this host can run"}
		}
	}
	var refused *RefusedError
	for _, driver := range drivers {
		d, no := question{rows, h, driver, pin, r.Version != ""}.answer()
		if no == nil {
			return d, nil
		}
		if refused == nil || refused.nearest == "" && no.nearest != "" {
			refused = no
		}
	}
	return Decision{}, refused
}

func driversOf(driver string) ([]string, error) {
	switch driver {
	case "", Auto:
		return []string{ModernEBPF, Kmod}, nil
	case ModernEBPF, Kmod:
		return []string{driver}, nil
	case "ebpf":
		return nil, &RefusedError{
			reason: "driver ebpf is not supported: Falco deprecated it in 0.43 and dropped it in 0.44",
			Hint:   "use modern_ebpf, which takes its place",
		}
	}
	return nil, &RefusedError{
		reason: fmt.Sprintf("%q is not a Falco driver", driver),
		Hint:   "use auto, modern_ebpf or kmod",
	}
}

// A question is what the rows are asked about one driver.
type question struct {
	rows   []Row
	host   Host
	driver string
	pin    version
	pinned bool
}

func (q question) applies(c condition) bool {
	return c.fits(q.host) && (c.driver == "" || c.driver == q.driver) && (!c.unpinned || !q.pinned)
}

// blocker returns the first row that forbids a version, or nil.
func (q question) blocker(v version) *Row {
	i := slices.IndexFunc(q.rows, func(r Row) bool {
		return (r.Kind == refuse || r.Kind == avoid) && q.applies(r.When) && r.When.falco.has(v)
	})
	if i < 0 {
		return nil
	}
	return &q.rows[i]
}

func (q question) answer() (Decision, *RefusedError) {
	allowed := slices.DeleteFunc(published(), func(v version) bool { return q.blocker(v) != nil })
	open := q.blocker(future) == nil // future versions will run
	if len(allowed) == 0 && !open {
		row := q.culprit()
		reason := fmt.Sprintf("%s cannot run Falco with driver %s: %s", q.host, q.driver, row.Reason)
		return Decision{}, &RefusedError{reason: reason, Hint: row.Remedy, row: row}
	}
	if row := q.blocker(q.pin); q.pinned && row != nil {
		near := q.nearest(allowed)
		return Decision{}, &RefusedError{
			reason: fmt.Sprintf("Falco %s cannot run on %s with driver %s: %s", q.pin, q.host, q.driver, row.Reason),
			Hint:   fmt.Sprintf("%s; the nearest version that works with driver %s is %s", row.Remedy, q.driver, near),
			row:    *row, nearest: near,
		}
	}
	d := Decision{Driver: q.driver, question: q}
	d.bound(allowed, open)
	d.collect()
	return d, nil
}

// culprit returns the row to blame where no version works: the first that
// forbids them all, or else the one that forbids the newest.
func (q question) culprit() Row {
	for _, row := range q.rows {
		if row.Kind == refuse && row.When.falco == (span{}) && q.applies(row.When) {
			return row
		}
	}
	return *q.blocker(future)
}

// lowest returns the lower bound of future versions.
func (q question) lowest() version {
	var low version
	for _, row := range q.rows {
		if b := dotted(row.When.falco.below); row.Kind == refuse && low.less(b) && q.applies(row.When) {
			low = b
		}
	}
	return low
}

// nearest returns the version nearest to the pin: the next one up or down, the one
// with fewer releases in between, or the newer if both have as many. If none is
// allowed yet, it is the lowest that will be.
func (q question) nearest(allowed []version) string {
	if len(allowed) == 0 {
		return q.lowest().String()
	}
	place := func(v version) int {
		return len(slices.DeleteFunc(published(), func(w version) bool { return !w.less(v) }))
	}
	var best version
	least := len(Releases()) + 1
	for _, v := range allowed {
		distance := place(v) - place(q.pin)
		if distance = max(distance, -distance); distance <= least {
			best, least = v, distance
		}
	}
	return best.String()
}

// bound sets the range and the versions excluded from it.
func (d *Decision) bound(allowed []version, open bool) {
	if len(allowed) == 0 {
		d.Min = d.question.lowest().String()
		return
	}
	first, last := allowed[0], allowed[len(allowed)-1]
	d.Min = first.String()
	if !open {
		d.Max = last.String()
	}
	for _, v := range published() {
		inside := first.less(v) && (open || v.less(last))
		if inside && !slices.Contains(allowed, v) {
			d.Exclude = append(d.Exclude, v.String())
		}
	}
}

// collect sets the rows that apply, and the warnings among them. Without a pin
// a row warns only if it covers the newest version that may be installed, which
// is a future one if there is no upper bound.
func (d *Decision) collect() {
	q, newest := d.question, future
	switch {
	case q.pinned:
		newest = q.pin
	case d.Max != "":
		newest = dotted(d.Max)
	}
	for _, row := range q.rows {
		covers := row.When.falco.has(newest)
		if !q.applies(row.When) || q.pinned && !covers {
			continue
		}
		d.rows = append(d.rows, row)
		if row.Kind == warn && covers {
			d.Warnings = append(d.Warnings, Warning{row.Reason, row.Remedy})
		}
	}
	if !q.pinned && before(Newest(), d.Min) {
		d.Warnings = append(d.Warnings, Warning{
			Message: fmt.Sprintf("%s needs Falco %s or later, which was not released when this program was built", q.host, d.Min),
			Hint:    "boot an older kernel if the repository does not have it yet",
		})
	}
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falco

import (
	"fmt"
	"slices"
)

// Decide draws the verdict for a host and a request. With no pin it allows
// every version that can run; with one, the pin must. [Auto] takes modern_ebpf
// if the host and the pin allow it, and kmod otherwise: a probe that Falco
// brings along needs no compiler and outlives kernel updates.
//
// The error is a [*RefusedError].
func Decide(h Host, r Request) (Decision, error) { return decide(Table(), h, r) }

func decide(table []Row, h Host, r Request) (Decision, error) {
	drivers, err := driversOf(r.Driver)
	if err != nil {
		return Decision{}, err
	}
	var pin *version
	if r.Version != "" {
		v, err := parseVersion(r.Version)
		if err != nil {
			return Decision{}, &RefusedError{Reason: err.Error(), Hint: "pin a whole version, or none for the newest that this host can run"}
		}
		pin = &v
	}
	var refused *RefusedError
	for _, driver := range drivers {
		v, no := evaluate(table, h, driver, pin)
		if no == nil {
			return v, nil
		}
		if refused == nil || refused.Nearest == "" && no.Nearest != "" {
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
			Reason: "driver ebpf is not supported: Falco deprecated it in 0.43 and dropped it in 0.44",
			Hint:   "use modern_ebpf, which takes its place",
		}
	}
	return nil, &RefusedError{
		Reason: fmt.Sprintf("%q is not a driver of Falco", driver),
		Hint:   "use auto, modern_ebpf or kmod",
	}
}

// blocker returns the first row that forbids a version, or nil.
func blocker(table []Row, h Host, driver string, v version, pinned bool) *Row {
	for i, row := range table {
		forbids := row.Kind == Refuse || row.Kind == Avoid
		if forbids && row.When.applies(h, driver, pinned) && row.When.covers(v) {
			return &table[i]
		}
	}
	return nil
}

// evaluate draws the verdict for one driver.
func evaluate(table []Row, h Host, driver string, pin *version) (Decision, *RefusedError) {
	pinned := pin != nil
	free := func(v version) bool { return blocker(table, h, driver, v, pinned) == nil }
	v := Decision{Driver: driver, host: h, pinned: pinned, table: table}
	var allowed []version
	for _, r := range Releases() {
		if known := mustVersion(r.Version); free(known) {
			allowed = append(allowed, known)
		}
	}
	open := free(future) // what is still to come will run
	switch {
	case len(allowed) == 0 && !open:
		return Decision{}, refusal(whole(table, h, driver, pinned), h, driver)
	case pinned && !free(*pin):
		near := nearest(*pin, allowed)
		if near == "" {
			near = lowest(table, h, driver, pinned).String()
		}
		row := *blocker(table, h, driver, *pin, pinned)
		return Decision{}, &RefusedError{
			Reason: fmt.Sprintf("Falco %s cannot run on %s with driver %s: %s", pin, h, driver, row.Reason),
			Hint:   fmt.Sprintf("%s; the nearest version that works with driver %s is %s", row.Remedy, driver, near),
			Row:    row, Nearest: near,
		}
	}
	v.bound(allowed, open)
	v.apply(pin, open)
	return v, nil
}

// whole returns the row to blame where no version works: the first that forbids
// them all, or else the one that forbids the newest.
func whole(table []Row, h Host, driver string, pinned bool) Row {
	for _, row := range table {
		bounded := row.When.FalcoMin != "" || row.When.FalcoBelow != ""
		if row.Kind == Refuse && !bounded && row.When.applies(h, driver, pinned) {
			return row
		}
	}
	return *blocker(table, h, driver, future, pinned)
}

func refusal(row Row, h Host, driver string) *RefusedError {
	return &RefusedError{
		Reason: fmt.Sprintf("%s cannot run Falco with driver %s: %s", h, driver, row.Reason),
		Hint:   row.Remedy, Row: row,
	}
}

// bound sets the range, and what is left out of it.
func (v *Decision) bound(allowed []version, open bool) {
	if len(allowed) == 0 {
		v.Min = lowest(v.table, v.host, v.Driver, v.pinned).String()
		return
	}
	first, last := allowed[0], allowed[len(allowed)-1]
	v.Min = first.String()
	if !open {
		v.Max = last.String()
	}
	for _, r := range Releases() {
		known := mustVersion(r.Version)
		inside := !known.less(first) && (open || !last.less(known))
		if inside && !slices.Contains(allowed, known) {
			v.Exclude = append(v.Exclude, r.Version)
		}
	}
}

// lowest returns the lower bound of the versions still to come.
func lowest(table []Row, h Host, driver string, pinned bool) version {
	var low version
	for _, row := range table {
		if row.Kind == Refuse && row.When.FalcoBelow != "" && row.When.applies(h, driver, pinned) {
			if b := mustVersion(row.When.FalcoBelow); low.less(b) {
				low = b
			}
		}
	}
	return low
}

// apply collects the rows that speak of the host and driver, and the warnings
// among them. Without a pin a row warns only if it speaks of the newest version
// that will be taken, which is one still to come if nothing bounds it.
func (v *Decision) apply(pin *version, open bool) {
	newest := future
	switch {
	case pin != nil:
		newest = *pin
	case !open:
		newest = mustVersion(v.Max)
	}
	for _, row := range v.table {
		if !row.When.applies(v.host, v.Driver, v.pinned) || pin != nil && !row.When.covers(*pin) {
			continue
		}
		v.Rows = append(v.Rows, row)
		if row.Kind == Warn && row.When.covers(newest) {
			v.Warnings = append(v.Warnings, Warning{Message: row.Reason, Hint: row.Remedy, Row: row.ID})
		}
	}
	if latest := Releases(); pin == nil && mustVersion(latest[len(latest)-1].Version).less(mustVersion(v.Min)) {
		v.Warnings = append(v.Warnings, Warning{
			Message: fmt.Sprintf("%s needs Falco %s or later, which was not out when this program was made", v.host, v.Min),
			Hint:    "boot an older kernel if the repository does not have it yet",
		})
	}
}

// nearest returns the version next to the pin: the next one up or down,
// whichever has fewer releases in between, the newer if neither has.
func nearest(pin version, allowed []version) string {
	if len(allowed) == 0 {
		return ""
	}
	place := func(v version) int {
		n := 0
		for _, r := range Releases() {
			if mustVersion(r.Version).less(v) {
				n++
			}
		}
		return n
	}
	best, least := "", 1<<30
	for _, v := range allowed {
		if d := abs(place(v) - place(pin)); d <= least {
			best, least = v.String(), d
		}
	}
	return best
}

func abs(n int) int { return max(n, -n) }

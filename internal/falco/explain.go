// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falco

import (
	"errors"
	"fmt"
	"strings"
)

// An Explanation is a verdict with everything that led to it.
type Explanation struct {
	Host    string `json:"host"`
	Glibc   string `json:"glibc"`
	Driver  string `json:"driver,omitempty"`
	Falco   string `json:"falco,omitempty"` // the range in words, or the pin
	Unit    string `json:"unit,omitempty"`
	DropIn  bool   `json:"drop_in"` // libresolv for the pin, or for some of the range
	Allowed bool   `json:"allowed"`
	Reason  string `json:"reason,omitempty"` // of a refusal
	Hint    string `json:"hint,omitempty"`
	Nearest string `json:"nearest,omitempty"`
	// Packages are installed with Falco.
	Packages []string       `json:"packages,omitempty"`
	Rows     []ExplainedRow `json:"rows,omitempty"`
}

// An ExplainedRow is a row that applies.
type ExplainedRow struct {
	ID     string `json:"id"`
	Kind   Kind   `json:"kind"`
	When   string `json:"when"`
	Reason string `json:"reason"`
	Remedy string `json:"remedy"`
	Source string `json:"source"`
}

func explained(r Row) ExplainedRow {
	return ExplainedRow{ID: r.ID, Kind: r.Kind, When: r.When.String(), Reason: r.Reason, Remedy: r.Remedy, Source: r.Source}
}

// Explain says what Falco the host can run and why.
func Explain(h Host, r Request) Explanation {
	e := Explanation{Host: h.String(), Glibc: h.GlibcVersion()}
	v, err := Decide(h, r)
	var refused *RefusedError
	if errors.As(err, &refused) {
		e.Reason, e.Hint, e.Nearest = refused.Reason, refused.Hint, refused.Nearest
		if refused.Row.ID != "" {
			e.Rows = []ExplainedRow{explained(refused.Row)}
		}
		return e
	}
	e.Allowed, e.Driver, e.Falco = true, v.Driver, v.Range()
	if r.Version != "" {
		e.Falco = "Falco " + r.Version
	}
	unit := r.Version
	if unit == "" {
		unit = v.Max
	}
	e.Unit = UnitFor(v.Driver, unit)
	e.Packages = packages(h, v.Driver, unit)
	for _, row := range v.Rows {
		e.DropIn = e.DropIn || row.Kind == DropIn && v.reaches(row)
		e.Rows = append(e.Rows, explained(row))
	}
	return e
}

// reaches reports whether a row speaks of a version that the verdict allows.
func (v Decision) reaches(row Row) bool {
	for _, r := range Releases() {
		if row.When.covers(mustVersion(r.Version)) && v.Allows(r.Version) {
			return true
		}
	}
	return false
}

// packages lists what is installed with a Falco.
func packages(h Host, driver, falcoVersion string) []string {
	all := []string{"falco"}
	if !NeedsBuildDeps(driver, falcoVersion) {
		return all
	}
	all = append(all, "dkms")
	if h.Kernel.Release != "" {
		all = append(all, h.Kernel.DevelPackage())
	}
	if toolset := h.Kernel.Toolset(h.OS.Major); toolset != "" && driver == Kmod {
		all = append(all, toolset)
	}
	return all
}

// String lays the explanation out for a terminal.
func (e Explanation) String() string {
	var b strings.Builder
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%-9s %s\n", name, value)
		}
	}
	line("host", e.Host)
	line("glibc", e.Glibc)
	if e.Allowed {
		line("driver", e.Driver)
		line("falco", e.Falco)
		line("unit", e.Unit)
		line("packages", strings.Join(e.Packages, ", "))
		if e.DropIn {
			line("drop-in", "LD_PRELOAD=/lib64/libresolv.so.2, for Falco 0.42 to 0.44")
		}
	} else {
		line("refused", e.Reason)
		line("hint", e.Hint)
	}
	for _, r := range e.Rows {
		fmt.Fprintf(&b, "\n%s (%s: %s)\n  %s.\n  To do: %s.\n  Source: %s\n", r.ID, r.Kind, r.When, r.Reason, r.Remedy, r.Source)
	}
	return b.String()
}

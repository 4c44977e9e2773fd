// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falco

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// An Explanation is a decision with everything that led to it.
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
	Packages []string `json:"packages,omitempty"`
	Rows     []Row    `json:"rows,omitempty"` // those that apply

	preload string // the minor releases that need the drop-in
}

// Explain says which Falco the host can run and why.
func Explain(h Host, r Request) Explanation {
	e := Explanation{Host: h.String(), Glibc: h.GlibcVersion()}
	d, err := Decide(h, r)
	var refused *RefusedError
	if errors.As(err, &refused) {
		e.Reason, e.Hint, e.Nearest = refused.reason, refused.Hint, refused.nearest
		if refused.row.ID != "" {
			e.Rows = []Row{refused.row}
		}
		return e
	}
	e.Allowed, e.Driver, e.Falco, e.Rows = true, d.Driver, d.Range(), d.rows
	newest := d.Max
	if r.Version != "" {
		e.Falco, newest = "Falco "+r.Version, r.Version
	}
	e.Unit = UnitFor(d.Driver, newest)
	e.Packages = packages(h, d.Driver, newest)
	for _, row := range d.rows {
		allowed := func(v version) bool { return row.When.falco.has(v) && d.Allows(v.String()) }
		if row.Kind == needsDropIn && slices.ContainsFunc(published(), allowed) {
			e.DropIn, e.preload = true, row.When.falco.minors()
		}
	}
	return e
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
	line("driver", e.Driver)
	line("falco", e.Falco)
	line("unit", e.Unit)
	line("packages", strings.Join(e.Packages, ", "))
	if e.DropIn {
		line("drop-in", "LD_PRELOAD="+PreloadLibrary+", for Falco "+e.preload)
	}
	line("refused", e.Reason)
	line("hint", e.Hint)
	for _, r := range e.Rows {
		fmt.Fprintf(&b, "\n%s (%s: %s)\n  %s.\n  To do: %s.\n  Source: %s\n", r.ID, r.Kind, r.When, r.Reason, r.Remedy, r.Source)
	}
	return b.String()
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falco

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/falco-bootstrap/falco-bootstrap/pkg/osrelease"
)

// A Kind is what a row asks for.
type Kind string

// The kinds of rows.
const (
	Refuse  Kind = "refuse"        // cannot run
	Avoid   Kind = "avoid"         // this version must not be installed
	DropIn  Kind = "needs drop-in" // runs with a drop-in of the unit
	Package Kind = "needs package" // runs with other packages
	Warn    Kind = "warn"          // may fail, or is not known to work
	Note    Kind = "note"          // worth knowing when something else fails
)

// A Row is one line of the table.
type Row struct {
	ID     string
	When   Condition
	Kind   Kind
	Reason string // a sentence without its full stop
	Remedy string // what to do, likewise
	Source string // where this is known from
}

// A Condition says what a row speaks of. Fields that are zero ask nothing, and
// a field whose fact is not known does not apply.
type Condition struct {
	OSMin, OSMax int // major releases, both included
	Flavours     []osrelease.Flavour
	// Kernel versions: from KernelMin, up to and not including KernelBelow.
	KernelMin, KernelBelow [2]int
	// Builds of an RHCK, which tell its backports: the number behind the
	// version, as 553 in 4.18.0-553.16.1.el8_10. BuildMin is included.
	BuildMin, BuildBelow int
	GlibcBelow           string
	OtherArch            bool // neither x86_64 nor aarch64
	NoBTF                bool
	Driver               string
	// Falco versions: from FalcoMin, up to and not including FalcoBelow.
	FalcoMin, FalcoBelow string
	// Unpinned applies only where no version is pinned.
	Unpinned bool
}

// host reports whether what the condition asks of the node is so.
func (c Condition) host(h Host) bool {
	return c.system(h) && c.kernel(h.Kernel)
}

func (c Condition) system(h Host) bool {
	glibc := h.GlibcVersion()
	switch {
	case c.OSMin != 0 && h.OS.Major < c.OSMin,
		c.OSMax != 0 && (h.OS.Major == 0 || h.OS.Major > c.OSMax),
		c.GlibcBelow != "" && (glibc == "" || !glibcLess(glibc, c.GlibcBelow)),
		c.OtherArch && (h.Arch == "" || h.Arch == "x86_64" || h.Arch == "aarch64"),
		c.NoBTF && !h.NoBTF:
		return false
	}
	return true
}

func (c Condition) kernel(k osrelease.Kernel) bool {
	asks := c.Flavours != nil || c.KernelMin != [2]int{} || c.KernelBelow != [2]int{} || c.BuildMin != 0 || c.BuildBelow != 0
	switch {
	case !asks:
		return true
	case k.Release == "",
		c.Flavours != nil && !slices.Contains(c.Flavours, k.Flavour),
		c.KernelMin != [2]int{} && !k.AtLeast(c.KernelMin[0], c.KernelMin[1]),
		c.KernelBelow != [2]int{} && k.AtLeast(c.KernelBelow[0], c.KernelBelow[1]):
		return false
	}
	build := buildOf(k)
	return (c.BuildMin == 0 || build >= c.BuildMin) && (c.BuildBelow == 0 || build != 0 && build < c.BuildBelow)
}

var buildForm = regexp.MustCompile(`^[0-9.]+-(\d{1,6})\b`)

// buildOf returns the number behind a kernel's version, or 0.
func buildOf(k osrelease.Kernel) int {
	m := buildForm.FindStringSubmatch(k.Release)
	if m == nil {
		return 0
	}
	n, _ := strconv.Atoi(m[1])
	return n
}

// covers reports whether the condition speaks of a Falco version.
func (c Condition) covers(v version) bool {
	if c.FalcoMin != "" && v.less(mustVersion(c.FalcoMin)) {
		return false
	}
	return c.FalcoBelow == "" || v.less(mustVersion(c.FalcoBelow))
}

// applies reports whether the condition speaks of the host and driver.
func (c Condition) applies(h Host, driver string, pinned bool) bool {
	return c.host(h) && (c.Driver == "" || c.Driver == driver) && (!c.Unpinned || !pinned)
}

// glibcLess compares two versions of glibc, all of which begin with "2.".
func glibcLess(a, b string) bool {
	minor := func(s string) int {
		n, _ := strconv.Atoi(strings.TrimPrefix(s, "2."))
		return n
	}
	return minor(a) < minor(b)
}

// String says the condition in words.
func (c Condition) String() string {
	var parts []string
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	switch {
	case c.OSMin != 0 && c.OSMin == c.OSMax:
		add("OL%d", c.OSMin)
	case c.OSMin != 0:
		add("OL%d and later", c.OSMin)
	case c.OSMax != 0:
		add("OL%d and older", c.OSMax)
	}
	if c.Flavours != nil {
		var names []string
		for _, f := range c.Flavours {
			names = append(names, string(f))
		}
		add("%s kernel", strings.Join(names, " or "))
	}
	if s := span("kernel", base(c.KernelMin), base(c.KernelBelow)); s != "" {
		parts = append(parts, s)
	}
	if s := span("build", number(c.BuildMin), number(c.BuildBelow)); s != "" {
		parts = append(parts, s)
	}
	if c.GlibcBelow != "" {
		add("glibc < %s", c.GlibcBelow)
	}
	if c.OtherArch {
		add("neither x86_64 nor aarch64")
	}
	if c.NoBTF {
		add("no BTF")
	}
	if c.Driver != "" {
		add("driver %s", c.Driver)
	}
	if s := span("Falco", c.FalcoMin, c.FalcoBelow); s != "" {
		parts = append(parts, s)
	}
	if c.Unpinned {
		add("no pinned version")
	}
	if parts == nil {
		return "always"
	}
	return strings.Join(parts, ", ")
}

func span(what, from, below string) string {
	switch {
	case from == "" && below == "":
		return ""
	case below == "":
		return fmt.Sprintf("%s ≥ %s", what, from)
	case from == "":
		return fmt.Sprintf("%s < %s", what, below)
	}
	return fmt.Sprintf("%s ≤ %s < %s", from, what, below)
}

func base(v [2]int) string {
	if v == [2]int{} {
		return ""
	}
	return fmt.Sprintf("%d.%d", v[0], v[1])
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

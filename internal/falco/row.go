// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falco

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/falco-bootstrap/falco-bootstrap/pkg/osrelease"
)

// A kind is what a row asks for.
type kind string

const (
	refuse       kind = "refuse"        // cannot run
	avoid        kind = "avoid"         // this version must not be installed
	needsDropIn  kind = "needs drop-in" // runs with a drop-in of the unit
	needsPackage kind = "needs package" // runs with other packages
	warn         kind = "warn"          // may fail, or is not known to work
	note         kind = "note"          // worth knowing when something else fails
)

// A Row is one line of the table.
type Row struct {
	ID     string    `json:"id"`
	Kind   kind      `json:"kind"`
	When   condition `json:"when"`   // in words
	Reason string    `json:"reason"` // a sentence without its full stop
	Remedy string    `json:"remedy"` // what to do, also without a full stop
	Source string    `json:"source"` // where this is known from
}

// A condition says what a row applies to. A zero field matches everything, and
// any other does not match a fact that is not known.
type condition struct {
	osMin, osMax int // major releases, both included
	flavours     []osrelease.Flavour
	kernel       span
	// build of an RHCK, which determines its backports: the number after the
	// version, as 553 in 4.18.0-553.16.1.el8_10.
	build      span
	glibcBelow string
	otherArch  bool // neither x86_64 nor aarch64
	noBTF      bool
	driver     string
	falco      span
	unpinned   bool // applies only where no version is pinned
}

// fits reports whether the node meets the condition.
func (c condition) fits(h Host) bool {
	glibc := h.GlibcVersion()
	switch {
	case h.OS.Major < c.osMin,
		c.osMax != 0 && (h.OS.Major == 0 || h.OS.Major > c.osMax),
		c.glibcBelow != "" && (glibc == "" || !dotted(glibc).less(dotted(c.glibcBelow))),
		c.otherArch && (h.Arch == "" || h.Arch == "x86_64" || h.Arch == "aarch64"),
		c.noBTF && !h.NoBTF:
		return false
	}
	return c.fitsKernel(h.Kernel)
}

func (c condition) fitsKernel(k osrelease.Kernel) bool {
	switch {
	case c.flavours == nil && c.kernel == span{} && c.build == span{}:
		return true
	case k.Release == "",
		c.flavours != nil && !slices.Contains(c.flavours, k.Flavour),
		!c.kernel.has(k.Version):
		return false
	case c.build == span{}:
		return true
	}
	m := kernelBuild.FindStringSubmatch(k.Release)
	return m != nil && c.build.has(dotted(m[1]))
}

var kernelBuild = regexp.MustCompile(`^[0-9.]+-(\d{1,6})\b`)

// String formats the condition for people.
func (c condition) String() string {
	var parts []string
	add := func(asks bool, format string, args ...any) {
		if asks {
			parts = append(parts, fmt.Sprintf(format, args...))
		}
	}
	one := c.osMin == c.osMax
	add(c.osMin != 0 && one, "OL%d", c.osMin)
	add(c.osMin != 0 && !one, "OL%d and later", c.osMin)
	add(c.osMax != 0 && !one, "OL%d and older", c.osMax)
	var flavours []string
	for _, f := range c.flavours {
		flavours = append(flavours, string(f))
	}
	add(flavours != nil, "%s kernel", strings.Join(flavours, " or "))
	add(c.kernel != span{}, "%s", c.kernel.of("kernel"))
	add(c.build != span{}, "%s", c.build.of("build"))
	add(c.glibcBelow != "", "glibc < %s", c.glibcBelow)
	add(c.otherArch, "neither x86_64 nor aarch64")
	add(c.noBTF, "no BTF")
	add(c.driver != "", "driver %s", c.driver)
	add(c.falco != span{}, "%s", c.falco.of("Falco"))
	add(c.unpinned, "no pinned version")
	if parts == nil {
		return "always"
	}
	return strings.Join(parts, ", ")
}

func (c condition) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

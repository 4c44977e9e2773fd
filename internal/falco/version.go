// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falco

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A version is up to three numbers: of a Falco, a kernel, an RHCK's build or a
// glibc. The numbers that are not there are 0.
type version [3]int

// future stands for a Falco that is newer than all known ones.
var future = version{1 << 30}

var versionForm = regexp.MustCompile(`^(\d{1,4}\.\d{1,4}\.\d{1,4})(?:[-~+^._][0-9A-Za-z.~+^_-]*)?$`)

// parseVersion reads a whole version of Falco. It ignores what follows the third
// number.
func parseVersion(s string) (version, error) {
	m := versionForm.FindStringSubmatch(s)
	if m == nil {
		return version{}, fmt.Errorf("%q is not a version of Falco, such as %s", s, Newest())
	}
	return dotted(m[1]), nil
}

// dotted reads numbers separated by dots, which the caller knows to be well
// formed.
func dotted(s string) version {
	var v version
	for i, n := range strings.SplitN(s, ".", len(v)) {
		v[i], _ = strconv.Atoi(n)
	}
	return v
}

// before reports whether a version of Falco is older than a release. One that
// is empty or cannot be read counts as the newest.
func before(falco, release string) bool {
	v, err := parseVersion(falco)
	return err == nil && v.less(dotted(release))
}

func (v version) String() string { return fmt.Sprintf("%d.%d.%d", v[0], v[1], v[2]) }

// minor returns the first two numbers, such as "0.44".
func (v version) minor() string { return fmt.Sprintf("%d.%d", v[0], v[1]) }

func (v version) less(w version) bool { return slices.Compare(v[:], w[:]) < 0 }

// A span is a range of versions from one up to but not including another.
// Either bound may be empty.
type span struct{ from, below string }

func (s span) has(v version) bool {
	return !v.less(dotted(s.from)) && (s.below == "" || v.less(dotted(s.below)))
}

// of formats the span for people, such as "Falco < 0.40.0".
func (s span) of(what string) string {
	switch {
	case s.below == "":
		return what + " ≥ " + s.from
	case s.from == "":
		return what + " < " + s.below
	}
	return s.from + " ≤ " + what + " < " + s.below
}

// minors names the first and last minor release of Falco in the span, such as
// "0.42 to 0.44".
func (s span) minors() string {
	in := slices.DeleteFunc(published(), func(v version) bool { return !s.has(v) })
	return in[0].minor() + " to " + in[len(in)-1].minor()
}

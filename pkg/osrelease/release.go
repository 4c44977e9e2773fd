// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Package osrelease reads what an Oracle Linux node says about itself in
// /etc/oracle-release and /etc/os-release, and the kernel release that uname -r
// prints.
//
// It does not read /etc/redhat-release: on Oracle Linux that file claims to be
// Red Hat Enterprise Linux. The package opens no file, runs no command, and
// does not judge whether a node is fit for Falco.
package osrelease

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// The files that [Detect] takes the content of.
const (
	OracleReleaseFile = "/etc/oracle-release"
	OSReleaseFile     = "/etc/os-release"
)

// A Release is a distribution's name and version.
type Release struct {
	ID           string // os-release's ID in lower case: "ol" for Oracle Linux
	Major, Minor int    // the version's first two numbers; 0 for one that it lacks
	Pretty       string // the name for people, such as "Oracle Linux Server 8.10"
}

// malformed returns the error for a file in a form that no known Oracle Linux
// has. It shows at most 80 bytes of the content.
func malformed(file, problem, content string) error {
	const limit = 80
	if len(content) > limit {
		content = content[:limit] + "..."
	}
	return fmt.Errorf("reading %s: %s: %q", file, problem, content)
}

// The file has one line on every release from 6.10 to 10.1. The minor version
// has two digits since 8.10. No known release has a code name in parentheses, but
// one is accepted.
var oracleRelease = regexp.MustCompile(`^Oracle Linux Server release ([1-9]\d{0,2})\.(\d{1,3})(?: \([^()]*\))?$`)

// ParseOracleRelease reads the content of /etc/oracle-release, a line such as
// "Oracle Linux Server release 8.10". It ignores space around the line; anything
// else is an error that shows the content.
func ParseOracleRelease(b []byte) (Release, error) {
	line := strings.TrimSpace(string(b))
	if line == "" {
		return Release{}, malformed(OracleReleaseFile, "it is empty", string(b))
	}
	m := oracleRelease.FindStringSubmatch(line)
	if m == nil {
		return Release{}, malformed(OracleReleaseFile, `want "Oracle Linux Server release X.Y"`, line)
	}
	r := Release{ID: "ol", Major: number(m[1]), Minor: number(m[2])}
	r.Pretty = fmt.Sprintf("Oracle Linux Server %d.%d", r.Major, r.Minor)
	return r, nil
}

var versionID = regexp.MustCompile(`^(\d{1,6})(?:\.(\d{1,6}))?(?:\D.*)?$`)

// parseOSRelease reads the content of /etc/os-release of any distribution. A
// missing key has its default of os-release(5): ID "linux", no version.
func parseOSRelease(b []byte) (Release, error) {
	values, err := assignments(b)
	if err != nil {
		return Release{}, err
	}
	r := Release{
		ID:     strings.ToLower(cmp.Or(values["ID"], "linux")),
		Pretty: cmp.Or(values["PRETTY_NAME"], values["NAME"], values["ID"], "Linux"),
	}
	if m := versionID.FindStringSubmatch(values["VERSION_ID"]); m != nil {
		r.Major, r.Minor = number(m[1]), number(m[2])
	}
	return r, nil
}

// Detect returns the Oracle Linux release that the two files describe; nil means
// that a file is missing. /etc/oracle-release decides if it exists: Detect fails
// if that file is malformed, even if os-release is not. Any other distribution
// is an error.
func Detect(oracleRelease, osRelease []byte) (Release, error) {
	if oracleRelease != nil {
		return ParseOracleRelease(oracleRelease)
	}
	if osRelease == nil {
		return Release{}, errors.New("neither " + OracleReleaseFile + " nor " + OSReleaseFile + " exists")
	}
	r, err := parseOSRelease(osRelease)
	switch {
	case err != nil:
		return Release{}, err
	case r.ID != "ol":
		return Release{}, fmt.Errorf("not Oracle Linux but %.80s", r.Pretty)
	case r.Major == 0:
		return Release{}, malformed(OSReleaseFile, "ID is ol and VERSION_ID is not a version", r.Pretty)
	}
	return r, nil
}

// number converts digits that a pattern has matched, and "" to 0.
func number(digits string) int {
	n, _ := strconv.Atoi(digits)
	return n
}

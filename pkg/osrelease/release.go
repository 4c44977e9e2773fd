// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Package osrelease reads what an Oracle Linux node says about itself: the
// lines of /etc/oracle-release and /etc/os-release, and the kernel release
// that uname -r prints.
//
// It takes bytes and answers with values. /etc/redhat-release is not among
// them: on Oracle Linux that file claims to be Red Hat Enterprise Linux. The
// package opens no file, runs no command, and does not judge whether a node is
// fit for Falco.
package osrelease

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// The files that a [Release] can come from, as its Source names them.
const (
	OracleReleaseFile = "/etc/oracle-release"
	OSReleaseFile     = "/etc/os-release"
)

// ErrNoRelease says that a node has neither of the two files.
var ErrNoRelease = errors.New("neither " + OracleReleaseFile + " nor " + OSReleaseFile + " is there")

// A Release is what a distribution calls itself.
type Release struct {
	// ID is os-release's ID, in lower case: "ol" for Oracle Linux.
	ID string
	// Major and Minor are the version's first two numbers. Both are 0 for a
	// distribution without one; Minor is 0 where the version has one number.
	Major, Minor int
	// Pretty is the name for people, such as "Oracle Linux Server 8.10".
	Pretty string
	// Source is the file it was read from.
	Source string
}

// Version returns the version as people write it, such as "8.10".
func (r Release) Version() string {
	return strconv.Itoa(r.Major) + "." + strconv.Itoa(r.Minor)
}

// A NotOracleError says that the node runs another distribution.
type NotOracleError struct {
	ID     string // os-release's ID, such as "debian"
	Pretty string // what it calls itself, such as "Debian GNU/Linux 12 (bookworm)"
}

func (e *NotOracleError) Error() string {
	return "not Oracle Linux but " + e.Pretty
}

// A MalformedError says that a release file is not of the form that it has on
// every Oracle Linux seen, and shows it.
type MalformedError struct {
	File    string // the file's path
	Problem string // what is wrong with it
	Content string // its content or the line in question, at most 80 bytes of it
}

func (e *MalformedError) Error() string {
	return fmt.Sprintf("reading %s: %s: %q", e.File, e.Problem, e.Content)
}

func malformed(file, problem, content string) error {
	const most = 80
	if len(content) > most {
		content = content[:most] + "..."
	}
	return &MalformedError{File: file, Problem: problem, Content: content}
}

// One line is all that the file holds, from 6.10 to 10.1. The minor version
// has two digits since 8.10, and the file must not be read by position. A code
// name has never been seen there; one in parentheses does no harm.
var oracleRelease = regexp.MustCompile(`^Oracle Linux Server release (\d{1,3})\.(\d{1,3})(?: \([^()]*\))?$`)

// ParseOracleRelease reads the content of /etc/oracle-release, a line such as
// "Oracle Linux Server release 8.10". Space around it is ignored; anything
// else is a [*MalformedError].
func ParseOracleRelease(b []byte) (Release, error) {
	line := strings.TrimSpace(string(b))
	if line == "" {
		return Release{}, malformed(OracleReleaseFile, "it is empty", string(b))
	}
	m := oracleRelease.FindStringSubmatch(line)
	if m == nil {
		return Release{}, malformed(OracleReleaseFile, `want "Oracle Linux Server release X.Y"`, line)
	}
	r := Release{ID: "ol", Major: number(m[1]), Minor: number(m[2]), Source: OracleReleaseFile}
	r.Pretty = "Oracle Linux Server " + r.Version()
	return r, nil
}

var versionID = regexp.MustCompile(`^(\d{1,6})(?:\.(\d{1,6}))?(?:\D.*)?$`)

// ParseOSRelease reads the content of /etc/os-release of any distribution.
// What the file leaves out has the value that os-release(5) gives it: ID
// "linux", no version. A line that is no assignment, or is badly quoted, is a
// [*MalformedError].
func ParseOSRelease(b []byte) (Release, error) {
	values, err := assignments(b)
	if err != nil {
		return Release{}, err
	}
	r := Release{
		ID:     strings.ToLower(first(values["ID"], "linux")),
		Pretty: first(values["PRETTY_NAME"], values["NAME"], values["ID"], "Linux"),
		Source: OSReleaseFile,
	}
	if m := versionID.FindStringSubmatch(values["VERSION_ID"]); m != nil {
		r.Major, r.Minor = number(m[1]), number(m[2])
	}
	return r, nil
}

// Detect says which Oracle Linux the two files describe; nil stands for a file
// that is not there. /etc/oracle-release decides where it exists: if it is
// broken, so is the node, and the answer is a [*MalformedError] even where
// os-release reads well. Another distribution is a [*NotOracleError], and
// neither file is [ErrNoRelease].
func Detect(oracleRelease, osRelease []byte) (Release, error) {
	if oracleRelease != nil {
		return ParseOracleRelease(oracleRelease)
	}
	if osRelease == nil {
		return Release{}, ErrNoRelease
	}
	r, err := ParseOSRelease(osRelease)
	switch {
	case err != nil:
		return Release{}, err
	case r.ID != "ol":
		return Release{}, &NotOracleError{ID: r.ID, Pretty: r.Pretty}
	case r.Major == 0:
		return Release{}, malformed(OSReleaseFile, "ID is ol and VERSION_ID is not a version", r.Pretty)
	}
	return r, nil
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// number converts digits that a pattern has matched, and "" to 0.
func number(digits string) int {
	n, _ := strconv.Atoi(digits)
	return n
}

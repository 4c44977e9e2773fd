// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package pkgmgr

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/program"
	"github.com/falco-bootstrap/falco-bootstrap/internal/redact"
)

// A diagnosis is what the output of dnf or yum says about a failure.
type diagnosis struct {
	code node.Code
	// what is the cause in a few words; hint what to do about it.
	what, hint string
	// tries is how often the transaction may be tried in all: 1 if waiting does
	// not help.
	tries int
}

// A pattern is a line of that output and what it means.
type pattern struct {
	line      *regexp.Regexp
	diagnosis // what may contain $1, the first group of line
}

// Hints that several patterns share.
const (
	hintPin   = "list the versions that exist (dnf --showduplicates list falco), and pin one of them or none"
	hintKeys  = "find out which key signs this repository now; if Falco has rotated its key, pin the new one in repository.fingerprints; nothing was installed"
	hintDeps  = "pin a newer or older version with --falco-version, or enable the repository that has what is missing"
	hintSpace = "make room on that file system and run again"
	hintLock  = "another program is changing packages: wait until it ends, or find out why it hangs"
	hintCA    = "check the clock (timedatectl) and the CA certificates (package ca-certificates) of this node"
)

// whatKept is the cause if a package is still installed beside its successor.
const whatKept = "the package's own script keeps it from being removed"

// patterns returns the patterns in the order they are tried, trust first: after
// a failure of trust, no transaction is tried again. The texts are those of
// dnf 4 (dnf/base.py, dnf/cli, libdnf), yum 3.4 and librepo.
func patterns() []pattern {
	trust, packages := node.CodeTrust, node.CodePackages
	s := func(line string, code node.Code, tries int, what, hint string) pattern {
		return pattern{regexp.MustCompile(line), diagnosis{code, what, hint, tries}}
	}
	return []pattern{
		s(`(?i)package (\S+) is not signed`, trust, 1, "the package $1 is not signed", hintKeys),
		s(`Public key for (\S+) is not (?:installed|trusted)`, trust, 1, "$1 is signed by a key that is not trusted here", hintKeys),
		s(`(?i)the gpg keys listed for the "(.+?)" repository are already installed but`, trust, 1, `a package of repository "$1" is signed by a key outside the pinned ones`, hintKeys),
		s(`(?i)repomd\.xml GPG signature verification error|gpg: .*signature.*(?:bad|fail)|repomd\.xml signature could not be verified`, trust, 1, "the repository's metadata is not signed by the pinned key", hintKeys),
		s(`(?i)GPG check FAILED|GPG key retrieval failed|didn't install any keys|Invalid GPG Key|(?:key|keys) import(?:ing)? failed|Header V\d.*(?:BAD|NOKEY)`, trust, 1, "the signature check failed", hintKeys),
		s(`Problem repository: \[?([^\]\s]+)`, trust, 1, "the repository $1 names no key (gpgkey=) to check its packages with", "set gpgkey= for that repository in /etc/yum.repos.d"),
		s(`No space left on device|[Dd]isk quota exceeded`, packages, 1, "the disk is full", hintSpace),
		s(`At least (\d+[KMG]B more space needed on the \S+ filesystem)`, packages, 1, "at least $1", hintSpace),
		s(`Ignoring repositories: (.+)$`, packages, 4, "the repository $1 cannot be read", hintNet),
		s(`filtered out by exclude filtering for argument: (.+)$`, packages, 1, "every $1 there is excluded (exclude= in the configuration of dnf, a version lock, or a version that cannot run here)", hintPin),
		s(`(?i)(?:No match for argument|Unable to find a match|No package)[: ]+(.+?)(?: available\.?)?$`, packages, 1, "the repository has no $1", hintPin),
		s(`nothing provides (dkms|kernel-devel) needed by (falco-\S+)`, packages, 1, "nothing provides $1, which $2 needs", "Falco before 0.40 needs it: pin that version with --falco-version, and its dependencies are installed with it"),
		s(`nothing provides (.+?) needed by (\S+)`, packages, 1, "nothing provides $1, which $2 needs", hintDeps),
		s(`requires (.+?), but none of the providers can be installed`, packages, 1, "it requires $1, and nothing that has it can be installed", hintDeps),
		s(`(?i)Requires: (.+)$`, packages, 1, "it needs $1, which is not there", hintDeps),
		s(`(?i)conflicting requests|file .+ conflicts with|cannot install both|Depsolve Error|Protected multilib`, packages, 1, "its dependencies cannot be met", hintDeps),
		s(`(?i)(?:Error in PREUN scriptlet|%preun\(.+\) scriptlet failed|erase failed)`, packages, 1, whatKept, "read the end of the script's output; the package is still installed"),
		s(`(?i)SSL certificate problem|Curl error \((?:35|51|58|60|77)\)|Peer's certificate`, packages, 1, "the server's certificate is not trusted", hintCA),
		s(`(?i)(?:Status code|HTTP Error|returned error)[: ]+(40[013457])\b`, packages, 2, "the repository's server answers $1", "check repository.baseurl and the proxy"),
		s(`(?i)waiting for process with pid|yum lock|transaction lock|rpm\.lock|Resource temporarily unavailable`, packages, 20, "another program holds the package lock", hintLock),
		s(`(?i)Could not resolve host:? *([^\s\]]*)`, packages, 5, "the name $1 cannot be resolved", hintNet),
		s(`(?i)Curl error \((?:5|6|7|16|18|28|52|55|56|92)\)|timed? ?out|Failed to connect|Connection (?:refused|reset)|Network is unreachable|No route to host|Operation too slow`, packages, 4, "the repository's server does not answer", hintNet),
		s(`(?i)(?:checksum|digest|size).{0,40}(?:mismatch|doesn't match|not match)|no more mirrors to try|All mirrors were (?:already )?tried`, packages, 4, "the download failed", "if it happens again, the mirror is inconsistent: use another one"),
		s(`(?i)Failed to (?:download metadata|synchronize cache) for repo '?"?([^'": ]+)`, packages, 4, "the metadata of repository $1 cannot be loaded", hintNet),
		s(`(?i)Cannot (?:retrieve repository metadata|find a valid baseurl)|repomd\.xml`, packages, 4, "the metadata of a repository cannot be loaded", hintNet),
		s(`(?i)(?:Unknown repo|No matching repo|Error getting repository data).*?:? *'?([^' ]*)'?$`, packages, 1, "there is no repository $1", "check the repository's name against the files in /etc/yum.repos.d"),
		s(`(?i)Nothing to do`, packages, 1, "there is nothing to do", hintPin),
		s(`(?i)Transaction failed|scriptlet failed|Rpmdb changed underneath`, packages, 2, "the transaction failed", ""),
	}
}

// diagnose finds the cause of a failure in the output.
func diagnose(tool packageTool, out program.Result) diagnosis {
	lines := program.LastLines(out.Stdout, 400)
	for _, p := range patterns() {
		for _, line := range lines {
			if m := p.line.FindStringSubmatchIndex(line); m != nil {
				d := p.diagnosis
				d.what = program.Clip(redact.Text(string(p.line.ExpandString(nil, d.what, line, m))))
				return d
			}
		}
	}
	d := diagnosis{code: node.CodePackages, what: out.Failure(tool.name()), tries: 1}
	if out.Signal != 0 {
		d.tries, d.hint = 3, "check whether memory ran out (dmesg)"
	}
	return d
}

// err returns the error of a transaction: the packages, the repositories, the
// cause, the end of the output, and why the run was stopped, if it was.
func (d diagnosis) err(tool packageTool, c node.Install, out program.Result, stopped error) error {
	text := c.String()
	if len(c.Repositories) > 0 {
		text += " from " + strings.Join(c.Repositories, ", ")
	}
	text += ": " + d.what
	last := program.LastLines(out.Stdout, 8)
	for i := range last {
		last[i] = strings.TrimSpace(program.Clip(redact.Text(last[i])))
	}
	if len(last) > 0 {
		text += fmt.Sprintf(" (%s: %s)", tool.name(), strings.Join(last, " | "))
	}
	if stopped != nil {
		return node.Errorf(d.code, d.hint, "%s: %w", text, stopped)
	}
	return node.Errorf(d.code, d.hint, "%s", text)
}

// skippedName matches what yum says about a package that it skips with exit
// status 0.
var skippedName = regexp.MustCompile(`(?m)^No package .+ available\.$`)

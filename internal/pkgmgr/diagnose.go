// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package pkgmgr

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/program"
	"github.com/falco-bootstrap/falco-bootstrap/internal/redact"
)

// A diagnosis is what the output of dnf or yum says about a failure.
type diagnosis struct {
	// row is the name of the table's row, or empty; repo and pkg are whose failure
	// it is, as far as the output says so.
	row, repo, pkg string

	code node.Code
	// what is the cause in a few words; hint what to do about it.
	what, hint string
	// tries is how often the transaction may be tried in all.
	tries int
}

// diagnose finds the cause of a failure in the output.
func diagnose(tool packageTool, c node.Install, out program.Result) diagnosis {
	text := strings.Join(program.LastLines(out.Stdout, 400), "\n")
	for _, o := range outcomes() {
		if m := o.line.FindStringSubmatch(text); m != nil {
			return o.of(readSubject(o.line, m, tool, c, text)).withSkipped(text)
		}
	}
	d := diagnosis{code: node.CodePackages, what: out.Failure(tool.name()), tries: permanent}
	d.hint = fmt.Sprintf("try `%[1]s makecache` and `%[1]s --noplugins makecache`: if only the second works, a plugin of %[1]s is at fault", tool.name())
	if out.Signal != 0 {
		d.tries, d.hint = killed, "check whether memory ran out (dmesg)"
	}
	return d
}

// of returns the row's diagnosis of a subject.
func (o outcome) of(s subject) diagnosis {
	what, text := o.what, o.hint.own
	if s.repo == "" {
		what = strings.NewReplacer(" of repository $repo", "", "the repository $repo", "a repository", "$repo", "a repository").Replace(what)
	}
	if !s.own && o.hint.other != "" {
		text = o.hint.other
		if o.name == "no-match" || o.name == excluded {
			text = cmp.Or(hintFor(o.name, s.pkg), text)
		}
	}
	return diagnosis{
		row: o.name, repo: s.repo, pkg: s.pkg, code: o.code, tries: o.tries,
		what: program.Clip(redact.Text(s.fill(what, cmp.Or(s.label, s.pkg, "a package")))),
		hint: redact.Text(s.fill(text, cmp.Or(s.pkg, "PACKAGE"))),
	}
}

// skippedFile matches what dnf says about a repository file that it cannot read.
var skippedFile = regexp.MustCompile(`(?m)^Warning: failed loading '([^']+)', skipping`)

// withSkipped names a repository file that dnf skips, which may have what is
// missing.
func (d diagnosis) withSkipped(text string) diagnosis {
	missing := []string{"no-match", "needs", "needs-builder", "needs-other", "no-repository", "unknown-repository"}
	if file := firstGroup(skippedFile, text); file != "" && slices.Contains(missing, d.row) {
		d.what += "; dnf skips " + file + ", which it cannot read"
		d.hint = "correct that file first, since its repositories may have it: it must begin with a [section], and only a value that goes on may be indented; or " + d.hint
	}
	return d
}

// hintFor returns the hint for a missing package that a kernel module is built
// with.
func hintFor(row, pkg string) string {
	without := "; Falco from 0.40 on needs none with the driver modern_ebpf (falco.driver)"
	switch {
	case strings.HasPrefix(pkg, "kernel-") && row == excluded:
		return "an exclude=kernel*, or a lock of the kernel's version, keeps the headers out too: let " + pkg + " in (includepkgs= and exclude= of dnf.conf and the repository files, dnf versionlock list)" + without
	case strings.HasPrefix(pkg, "kernel-"):
		return "the headers must be those of the running kernel: enable the repository that has them, see dnf --enablerepo='*' --showduplicates list " + pkg + ", or reboot into a kernel that the repositories have" + without
	case strings.HasPrefix(pkg, "oracle-epel-release") && row == "no-match":
		return "a mirror without " + pkg + ": put a section for EPEL into a repository file, with enabled=0" + without
	case pkg == "dkms" && row == "no-match":
		return "dkms is in EPEL: see that its repository is there and has it" + without
	}
	return ""
}

// A subject says whose failure it is.
type subject struct {
	repo, pkg, detail string
	// label names what was asked for where that is more than a package's name.
	label string
	// own is set for Falco's packages and the repository that the settings
	// declare.
	own bool
}

// fill puts the subject into a template of the table.
func (s subject) fill(template, pkg string) string {
	return strings.NewReplacer("$repo", cmp.Or(s.repo, "ID"), "$package", pkg, "$detail", s.detail).Replace(template)
}

// readSubject reads the groups of a match, and looks in the rest of the output
// for what they leave out.
func readSubject(line *regexp.Regexp, match []string, tool packageTool, c node.Install, text string) subject {
	group := func(name string) string {
		for i, n := range line.SubexpNames() {
			if match[i] != "" && strings.TrimRight(n, "2345") == name {
				return strings.TrimSpace(match[i])
			}
		}
		return ""
	}
	s := subject{repo: group("repo"), detail: group("detail")}
	s.pkg = cmp.Or(group("package"), firstGroup(failingPackage, text))
	if i := slices.IndexFunc(c.Targets, func(t node.Target) bool { return s.pkg == t.Spec || s.pkg == tool.argument(t) }); i >= 0 {
		s.label, s.pkg = c.Targets[i].Spec, c.Targets[i].Name
	} else if bare := bareName(s.pkg); bare != s.pkg {
		s.label, s.pkg = s.pkg, bare
	}
	if s.repo == "" && s.pkg != "" {
		s.repo = repositoryOf(text, s.pkg)
	}
	if s.repo == "" && group("package") == "" {
		s.repo = cmp.Or(firstGroup(repositoryName, text), group("reponame"))
	}
	if s.repo == "" && len(c.Repositories) == 1 {
		s.repo = c.Repositories[0]
	}
	s.own = s.pkg == "falco" || s.repo == c.Declared && s.repo != ""
	if s.pkg == "" && s.repo == "" {
		s.own = true
	}
	return s
}

// failingPackage names the package that a line near it is about.
var failingPackage = regexp.MustCompile(`(?m)(?:Failing package is: |^\[(?:MIRROR|FAILED)\] )([^\s:]+)`)

// repositoryName is how dnf and yum name the repository that a line near it is
// about.
var repositoryName = regexp.MustCompile(`(?:for repo '|downloading metadata for repository '|retrieving repo key for |yum --disablerepo=|failure: \S+ from )([^'\s<>:]+)`)

func firstGroup(re *regexp.Regexp, text string) string {
	if m := re.FindStringSubmatch(text); m != nil {
		return m[1]
	}
	return ""
}

// repositoryOf finds a package in the table of the transaction, whose columns
// are name, architecture, version, repository and size. A long column goes on on
// the next line.
func repositoryOf(text, pkg string) string {
	return firstGroup(regexp.MustCompile(`(?m)^ `+regexp.QuoteMeta(pkg)+`\s+(?:x86_64|aarch64|noarch|i686)\s+\S+\s+(\S+)\s+[\d.]+ ?[kMG]?\s*$`), text)
}

var packageForm = regexp.MustCompile(`^(?:\d+:)?(.+?)-(?:\d+:)?\d[^-]*(?:-[^-]+)?$`)

// bareName returns the name of a package from NAME-VERSION-RELEASE.ARCH, with or
// without ".rpm", or what it is given if that has no such form.
func bareName(nevra string) string {
	return cmp.Or(firstGroup(packageForm, strings.TrimSuffix(nevra, ".rpm")), nevra)
}

// chatter matches lines that say nothing about a failure: progress, and where
// packages are kept.
var chatter = regexp.MustCompile(`\d +[kMG]?B/s \| |^The downloaded packages were saved|^You can remove cached packages|^Last metadata expiration check`)

// err returns the error of a transaction: the packages, the repositories, the cause,
// the line of the output that says most, and why the run was stopped, if it was.
func (d diagnosis) err(tool packageTool, c node.Install, out program.Result, stopped error) error {
	text := c.String()
	if len(c.Repositories) > 0 {
		text += " from " + strings.Join(c.Repositories, ", ")
	}
	text += ": " + d.what
	if line := told(tool, c, out); line != "" {
		text += fmt.Sprintf(" (%s: %s)", tool.name(), line)
	}
	if stopped != nil {
		return node.Errorf(d.code, d.hint, "%s: %w", text, stopped)
	}
	return node.Errorf(d.code, d.hint, "%s", text)
}

// told returns the last line of the output that begins with "Error: ", or else the
// last one.
func told(tool packageTool, c node.Install, out program.Result) string {
	lines := slices.DeleteFunc(program.LastLines(out.Stdout, 20), chatter.MatchString)
	if len(lines) == 0 {
		return ""
	}
	line := lines[len(lines)-1]
	for _, l := range lines {
		if rest, ok := strings.CutPrefix(l, "Error: "); ok {
			line = rest
		}
	}
	for _, t := range c.Targets {
		line = strings.ReplaceAll(line, tool.argument(t), t.Spec)
	}
	return strings.TrimSpace(program.Clip(redact.Text(line)))
}

// outOfTime is the diagnosis of a tool that was told to stop because the run's time was
// over. last is that of the try before, if there was one, which says more.
func (d diagnosis) outOfTime(tool packageTool, out program.Result, last diagnosis) diagnosis {
	if out.Signal != 0 && d.row == "" {
		if last.row != "" {
			return last
		}
		d.what = tool.name() + " had not ended"
		d.hint = "the last lines of /var/log/" + tool.name() + ".log say what it waited for, and a longer --timeout gives it more time; " + hintNet
	}
	return d
}

// skippedName matches what yum says about a package that it skips with exit
// status 0.
var skippedName = regexp.MustCompile(`(?m)^No package .+ available\.$`)

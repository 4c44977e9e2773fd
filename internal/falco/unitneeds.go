// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falco

import (
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/falco-bootstrap/falco-bootstrap/pkg/systemd"
)

// UnitNeeds is what a unit of Falco must be given.
type UnitNeeds struct {
	Version string
	// PreloadFor is the version of glibc for which Falco needs
	// [PreloadLibrary], or "".
	PreloadFor string
	UMask      fs.FileMode // with which a new alert log has its mode
	Group      string      // that a new alert log is to have
}

// An Overruled is a line of a unit's file that gives a unit another value than it
// needs.
type Overruled struct {
	By              systemd.Assignment
	Says, Why, Hint string
}

// DropIn returns the lines of the section Service that a unit needs over those
// of its files.
func (n UnitNeeds) DropIn(files []systemd.UnitFile) []string {
	var lines []string
	if n.PreloadFor != "" {
		libraries := PreloadLibrary
		if theirs, _ := preloaded(files); !isPreloaded(theirs) {
			libraries = strings.Join(append([]string{libraries}, libraryNames(theirs)...), ":")
		}
		lines = append(lines,
			"# Falco "+n.Version+" needs it with glibc "+n.PreloadFor+": falcosecurity/plugins#1500.",
			"Environment=LD_PRELOAD="+libraries)
	}
	if mask, _ := umask(files); !SameForFiles(mask, n.UMask) {
		lines = append(lines,
			fmt.Sprintf("# The unit's own %04o would make every new alert log %04o.", mask, 0o666&^mask),
			fmt.Sprintf("UMask=%04o", n.UMask))
	}
	if group, _ := groupOf(files); !isGroup(group, n.Group) {
		lines = append(lines,
			"# A new alert log has the group that Falco runs in; it stays root's.",
			"Group="+n.Group)
	}
	return lines
}

// Overruled returns the first line in a unit's files, the agent's drop-in among
// them, that gives the unit another value than it needs. environment is what the
// unit's EnvironmentFiles hold, as KEY=VALUE.
func (n UnitNeeds) Overruled(files []systemd.UnitFile, environment []string) (Overruled, bool) {
	if mask, by := umask(files); !SameForFiles(mask, n.UMask) {
		return Overruled{
			by, by.Key + "=" + by.Value, fmt.Sprintf("a new alert log would have the mode %04o and not %04o", 0o666&^mask, 0o666&^n.UMask),
			"remove the line, or declare another log.mode",
		}, true
	}
	if a, ok := systemd.Last(files, "Service", "User"); ok && !isGroup(a.Value, "root") && n.UMask&0o020 != 0 {
		return Overruled{
			a, "User=" + a.Value, "Falco could not write the alert log, which is root's",
			"remove the line, or declare a log.group of that user and a log.mode that lets the group write",
		}, true
	}
	if group, by := groupOf(files); !isGroup(group, n.Group) {
		return Overruled{by, by.Key + "=" + by.Value, "a new alert log would not have the group " + n.Group, "remove the line, or declare another log.group"}, true
	}
	if n.PreloadFor == "" {
		return Overruled{}, false
	}
	why := "Falco " + n.Version + " does not start here without " + PreloadLibrary + " in it"
	hint := "preload both there: LD_PRELOAD=" + PreloadLibrary + ":OTHER"
	value, by := preloaded(files)
	says := by.Key + "=" + by.Value
	for _, variable := range environment { // it wins over Environment=
		if v, ok := strings.CutPrefix(variable, "LD_PRELOAD="); ok {
			value = v
			by, _ = systemd.Last(files, "Service", "EnvironmentFile")
			says = by.Key + "=" + by.Value + ", which sets " + variable
		}
	}
	return Overruled{by, says, why, hint}, !isPreloaded(value)
}

// SameForFiles reports whether files that nobody executes have the same mode with
// two masks.
func SameForFiles(a, b fs.FileMode) bool { return 0o666&^a == 0o666&^b }

// umask is the UMask in force, and where it is set. The shipped units have 0077;
// an empty value is systemd's default. systemd ignores one that it cannot read.
func umask(files []systemd.UnitFile) (mask fs.FileMode, by systemd.Assignment) {
	for _, a := range slices.Backward(systemd.Assignments(files, "Service", "UMask")) {
		if a.Value == "" {
			return 0o022, a
		}
		if n, err := strconv.ParseUint(a.Value, 8, 32); err == nil && n <= 0o777 {
			return fs.FileMode(n), a
		}
	}
	return 0o077, by
}

// groupOf is the group in force, and where it is set: "?", the one of the user,
// if the unit has another user than root and no group.
func groupOf(files []systemd.UnitFile) (group string, by systemd.Assignment) {
	if a, ok := systemd.Last(files, "Service", "Group"); ok && a.Value != "" {
		return a.Value, a
	}
	if a, ok := systemd.Last(files, "Service", "User"); ok && !isGroup(a.Value, "root") {
		return "?", a
	}
	return "root", by
}

// isGroup reports whether two names of groups are the same, as far as names tell.
func isGroup(a, b string) bool {
	isRoot := func(name string) bool { return name == "" || name == "root" || name == "0" }
	return a == b || isRoot(a) && isRoot(b)
}

// preloaded is the value of LD_PRELOAD in force, and what sets it or takes it
// away.
func preloaded(files []systemd.UnitFile) (value string, by systemd.Assignment) {
	for _, v := range systemd.Environment(files) {
		if v.Name == "LD_PRELOAD" {
			return v.Value, v.From
		}
	}
	by, ok := systemd.Last(files, "Service", "UnsetEnvironment")
	if !ok {
		by, _ = systemd.Last(files, "Service", "Environment")
	}
	return "", by
}

// libraryNames splits the value of LD_PRELOAD: ld.so(8).
func libraryNames(value string) []string {
	return strings.FieldsFunc(value, func(r rune) bool { return r == ':' || r == ' ' })
}

func isPreloaded(value string) bool { return slices.Contains(libraryNames(value), PreloadLibrary) }

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package systemd

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// An Obstacle is a line of a unit with which systemd would not start it, as far as
// the files of the machine tell.
type Obstacle struct {
	Assignment
	Missing string // the path that does not exist; empty for a condition
}

// FindObstacle returns the first obstacle among the files of a unit, in the order
// of their effect: a condition or an assertion about a path that is not met, or a
// path that systemd needs and that does not exist. What it cannot judge, such as
// a value with a specifier or a condition of another kind, is no obstacle. tree
// holds the machine's files.
func FindObstacle(files []UnitFile, tree fs.FS) (Obstacle, bool) {
	for _, prefix := range []string{"Condition", "Assert"} {
		if a, found := unmet(files, prefix, tree); found {
			return Obstacle{Assignment: a}, true
		}
	}
	return missingPath(files, tree)
}

// unmet returns the condition that fails. All must be met, and one of those that
// begin with "|". An empty value resets all conditions, of whatever kind
// (systemd.unit(5)).
func unmet(files []UnitFile, prefix string, tree fs.FS) (Assignment, bool) {
	var all []Assignment
	for _, f := range files {
		for _, a := range parseUnitFile(f) {
			switch {
			case a.Section != "Unit" || !strings.HasPrefix(a.Key, prefix):
			case a.Value == "":
				all = nil
			default:
				all = append(all, a)
			}
		}
	}
	var triggers []Assignment
	oneMet := false
	for _, a := range all {
		value, isTrigger := strings.CutPrefix(a.Value, "|")
		name, negated := strings.CutPrefix(trimSpace(value), "!")
		met, known := holds(strings.TrimPrefix(a.Key, prefix), trimSpace(name), tree)
		fails := known && met == negated
		switch {
		case isTrigger:
			triggers, oneMet = append(triggers, a), oneMet || !fails
		case fails:
			return a, true
		}
	}
	if len(triggers) > 0 && !oneMet {
		return triggers[len(triggers)-1], true
	}
	return Assignment{}, false
}

// holds judges a condition about a path.
func holds(kind, name string, tree fs.FS) (met, known bool) {
	if !path.IsAbs(name) || strings.Contains(name, "%") {
		return false, false
	}
	in := strings.TrimPrefix(path.Clean(name), "/")
	if in == "" {
		in = "."
	}
	if kind == "PathExistsGlob" {
		found, err := fs.Glob(tree, in)
		return len(found) > 0, err == nil
	}
	info, err := fs.Stat(tree, in)
	if !isKnown(err) {
		return false, false
	}
	there := err == nil
	switch kind {
	case "PathExists":
		return there, true
	case "PathIsDirectory":
		return there && info.IsDir(), true
	case "FileNotEmpty":
		return there && info.Mode().IsRegular() && info.Size() > 0, true
	case "FileIsExecutable":
		return there && info.Mode().IsRegular() && info.Mode()&0o111 != 0, true
	case "DirectoryNotEmpty":
		entries, err := fs.ReadDir(tree, in)
		return len(entries) > 0, isKnown(err)
	}
	return false, false
}

// missingPath returns the first path that systemd needs for starting the unit and
// that does not exist (systemd.exec(5)). A command before the main one may make
// any of them.
func missingPath(files []UnitFile, tree fs.FS) (Obstacle, bool) {
	made := madeBySystemd(files)
	for _, key := range []string{
		"ExecStartPre", "EnvironmentFile", "WorkingDirectory", "BindPaths", "BindReadOnlyPaths",
		"ReadWritePaths", "ReadOnlyPaths", "InaccessiblePaths", "ReadWriteDirectories", "ReadOnlyDirectories", "InaccessibleDirectories",
	} {
		before := List(files, "Service", "ExecStartPre")
		if key != "ExecStartPre" && len(before) > 0 {
			break
		}
		all := List(files, "Service", key)
		if key == "WorkingDirectory" && len(all) > 1 { // takes one value
			all = all[len(all)-1:]
		}
		for _, a := range all {
			for _, name := range needed(a) {
				within := func(dir string) bool { return name == dir || strings.HasPrefix(name, dir+"/") }
				if isMissing(name, tree) && !slices.ContainsFunc(made, within) {
					return Obstacle{a, name}, true
				}
			}
		}
	}
	return Obstacle{}, false
}

// needed returns the absolute paths in an assignment that must exist.
func needed(a Assignment) []string {
	words, err := Words(a.Value)
	if err != nil || len(words) == 0 {
		return nil
	}
	switch a.Key {
	case "ExecStartPre":
		words = []string{strings.TrimLeft(words[0], "@:+!|")}
	case "EnvironmentFile", "WorkingDirectory":
		words = []string{a.Value}
	}
	var out []string
	for _, word := range words {
		if strings.HasPrefix(a.Key, "Bind") {
			word, _, _ = strings.Cut(word, ":")
		}
		if word = strings.TrimPrefix(word, "+"); path.IsAbs(word) && !strings.ContainsAny(word, "%*?[$") {
			out = append(out, path.Clean(word))
		}
	}
	return out
}

// madeBySystemd returns directories that systemd makes, or hides with others,
// before it needs those of [missingPath].
func madeBySystemd(files []UnitFile) []string {
	var out []string
	for key, parent := range map[string]string{
		"LogsDirectory": "/var/log", "StateDirectory": "/var/lib", "CacheDirectory": "/var/cache", "RuntimeDirectory": "/run", "ConfigurationDirectory": "/etc",
		"BindPaths": "/", "BindReadOnlyPaths": "/", "TemporaryFileSystem": "/",
	} {
		for _, a := range List(files, "Service", key) {
			words, _ := Words(a.Value)
			for _, word := range words {
				parts := strings.Split(word, ":")
				if strings.HasPrefix(key, "Bind") && len(parts) > 1 {
					parts = parts[1:]
				}
				out = append(out, path.Join(parent, parts[0]))
			}
		}
	}
	return out
}

func isMissing(name string, tree fs.FS) bool {
	met, known := holds("PathExists", name, tree)
	return known && !met
}

// isKnown reports whether an error tells that there is no file, or is nil.
func isKnown(err error) bool { return err == nil || errors.Is(err, fs.ErrNotExist) }

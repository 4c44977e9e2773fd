// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falcoconf

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// A Config is what a Falco of a given version reads at its start.
type Config struct {
	version   string
	main      string
	fsys      fs.FS
	root      *entry // a map
	layers    []Layer
	problems  []Problem
	fragments []string
}

// A Layer is one file, or the command line, in the order in which Falco lays
// them over each other: the last wins.
type Layer struct {
	File string // absolute path, or CommandLine
	// Strategy is "main", "append", "override", "add-only", or "command line".
	Strategy string
	// Keys are the top-level keys that the layer holds, in its order.
	Keys []string
	// Broken says that Falco dies of the file. See Problems.
	Broken bool
}

// A Problem is something in the configuration that Falco dies of, or passes in
// silence though it was hardly meant.
type Problem struct {
	File    string // absolute path, or CommandLine
	Line    int    // 1-based; 0 if the whole file is meant
	Message string
	Hint    string
	Fatal   bool // Falco does not start
}

// String formats the problem as "FILE:LINE: MESSAGE".
func (p Problem) String() string {
	return Origin{p.File, p.Line}.String() + ": " + p.Message
}

// A Value is an effective value and where it comes from. A list that several
// layers have appended to has the origin of the last of them.
type Value struct {
	Value  any
	Origin Origin
}

// Load reads what a Falco of the given version ("0.44.1"; empty is the newest)
// reads: the main file, the files of config_files, and the -o options of its
// unit, in the order of that version.
//
// fsys is the node's tree rooted at "/", with names without a leading slash;
// main is an absolute path on the node. Relative paths are taken from "/", the
// working folder of the packaged units. overrides are the arguments of -o, such
// as "engine.kind=modern_ebpf".
//
// The error is about the main file: missing, unreadable or not YAML. Everything
// else that is wrong is in Problems.
func Load(fsys fs.FS, main, version string, overrides []string) (*Config, error) {
	src, err := fs.ReadFile(fsys, rooted(main))
	if err != nil {
		hint := "install falco, or restore the file"
		if !errors.Is(err, fs.ErrNotExist) {
			hint = "make the file readable"
		}
		return nil, &Error{File: main, Reason: "cannot be read: " + err.Error(), Hint: hint, Err: err}
	}
	return LoadCandidate(fsys, main, src, version, overrides)
}

// LoadCandidate is Load with src in place of the content of the main file,
// which need not be there.
func LoadCandidate(fsys fs.FS, main string, src []byte, version string, overrides []string) (*Config, error) {
	c := &Config{version: version, main: main, fsys: fsys}
	r := reader{file: main, budget: maxNodes}
	root, several, err := r.readFile(src)
	if err != nil {
		return nil, err
	}
	if root != nil && root.kind != mapKind && !root.isNull() {
		return nil, &Error{File: main, Line: root.origin.Line, Reason: "root is not a map", Hint: "make the file a map of keys, as falco.yaml is shipped", Err: ErrUnsupported}
	}
	if root == nil || root.kind != mapKind {
		root = &entry{kind: mapKind, origin: Origin{File: main, Line: 1}}
	}
	c.root = root
	c.problems = append(c.problems, r.dups...)
	if several {
		c.warn(main, 0, "file holds several YAML documents, of which Falco reads the first only", "keep the first one only")
	}
	c.layers = append(c.layers, Layer{File: main, Strategy: "main", Keys: keysOf(root)})
	c.merge(overrides)
	c.check()
	slices.SortStableFunc(c.problems, func(a, b Problem) int {
		if a.Fatal != b.Fatal {
			return map[bool]int{true: -1, false: 1}[a.Fatal]
		}
		return 0
	})
	return c, nil
}

// merge lays the fragments and the overrides over the main file. Up to 0.40 the
// overrides come before the fragments and lose to them; from 0.41 on they come
// last, but for those that say which fragments there are (falco 0.40.0 and
// 0.41.0 userspace/falco/configuration.cpp, init_from_file).
func (c *Config) merge(overrides []string) {
	before, after := overrides, []string(nil)
	if atLeast(c.version, strategiesSince) {
		before = nil
		for _, o := range overrides {
			if strings.HasPrefix(o, configFiles) {
				before = append(before, o)
			} else {
				after = append(after, o)
			}
		}
	}
	c.override(before)
	c.addCommandLine(before)
	if atLeast(c.version, fragmentsSince) {
		c.mergeFragments()
	}
	c.override(after)
	c.addCommandLine(after)
}

func (c *Config) addCommandLine(overrides []string) {
	if len(overrides) == 0 {
		return
	}
	layer := Layer{File: CommandLine, Strategy: "command line"}
	for _, o := range overrides {
		key, _, _ := strings.Cut(o, "=")
		layer.Keys = append(layer.Keys, key)
	}
	c.layers = append(c.layers, layer)
}

func keysOf(e *entry) []string {
	var keys []string
	if e != nil {
		for _, p := range e.pairs {
			keys = append(keys, p.key)
		}
	}
	return keys
}

// rooted turns a path on the node into a name of an [fs.FS].
func rooted(p string) string {
	name := strings.TrimPrefix(path.Clean("/"+p), "/")
	if name == "" {
		return "."
	}
	return name
}

func (c *Config) warn(file string, line int, message, hint string) {
	c.problems = append(c.problems, Problem{File: file, Line: line, Message: message, Hint: hint})
}

func (c *Config) fatal(file string, line int, message, hint string) {
	c.problems = append(c.problems, Problem{File: file, Line: line, Message: message, Hint: hint, Fatal: true})
}

// Get returns the effective value at path. It is false for a path that is
// absent or ill-formed.
func (c *Config) Get(path string) (Value, bool) {
	steps, err := parsePath(path)
	if err != nil {
		return Value{}, false
	}
	e := c.root.at(steps)
	if e == nil {
		return Value{}, false
	}
	return Value{Value: e.value(), Origin: e.origin}, true
}

// Layers returns the files in the order in which Falco merges them.
func (c *Config) Layers() []Layer { return c.layers }

// Problems returns what is wrong with the configuration, what Falco dies of
// first.
func (c *Config) Problems() []Problem { return c.problems }

// Inputs returns the absolute paths of every file that Falco reads at its
// start: the main file, the fragments, and the rules files, those in folders
// included. Files that are listed but missing are left out.
func (c *Config) Inputs() []string {
	files := append([]string{c.main}, c.fragments...)
	for _, f := range c.rulesFiles() {
		if !slices.Contains(files, f) {
			files = append(files, f)
		}
	}
	return files
}

// quote marks a value in a message.
func quote(s string) string { return strconv.Quote(s) }

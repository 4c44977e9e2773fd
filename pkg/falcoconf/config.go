// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falcoconf

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/falco-bootstrap/falco-bootstrap/pkg/yamledit"
)

// A Config is what a Falco of a given version reads when it starts.
type Config struct {
	start    Start
	version  string
	main     string
	fsys     fs.FS
	root     *entry // a map
	layers   []Layer
	fatals   []Problem
	warnings []Problem
}

// A Layer is one file, or the command line. Layers are merged in order; the last
// one wins.
type Layer struct {
	File string // absolute path, or CommandLine
	// Strategy is "main", "append", "override", "add-only", or "command line".
	Strategy string
}

// An Origin is where a value comes from.
type Origin struct {
	File string // absolute path on the node, or CommandLine
	Line int    // 1-based; 0 for the whole file and for the command line
}

// CommandLine is the File of a value that an -o option in Falco's unit sets.
const CommandLine = "-o"

// String formats the origin as FILE:LINE, and [CommandLine] in words.
func (o Origin) String() string {
	switch {
	case o.File == CommandLine:
		return "the unit's command line"
	case o.Line == 0:
		return o.File
	}
	return o.File + ":" + strconv.Itoa(o.Line)
}

// A Problem is something that Falco fails on, or that it accepts silently
// although it is probably a mistake.
type Problem struct {
	Origin
	Message string
	Hint    string
	Fatal   bool // Falco does not start
}

// String formats the problem as "FILE:LINE: MESSAGE".
func (p Problem) String() string { return p.Origin.String() + ": " + p.Message }

// A Value is an effective value and where it comes from. A list to which several
// layers append has the origin of the last of them.
type Value struct {
	Value  any
	Origin Origin
}

// A Start is how Falco is started, as far as it decides what Falco reads.
type Start struct {
	// Version is that of Falco ("0.44.1"); empty means the newest.
	Version string
	// Overrides are the arguments of -o, such as "engine.kind=modern_ebpf".
	Overrides []string
	// Environment is that of Falco's process. If it is nil, nothing is known of
	// it.
	Environment Environment
}

// Load works out what Falco reads: the main file, the files of config_files, and
// the -o options of its unit, in the order of its version.
//
// fsys is the node's tree rooted at "/", with names without a leading slash.
// main is an absolute path on the node. Relative paths start at "/", the working
// directory of the packaged units.
//
// The error is about the main file: missing, unreadable or not YAML. Everything
// else that is wrong is in Problems.
func Load(fsys fs.FS, main string, start Start) (*Config, error) {
	src, err := fs.ReadFile(fsys, rooted(main))
	if err != nil {
		hint := "make the file readable"
		if errors.Is(err, fs.ErrNotExist) {
			hint = "install falco, or restore the file"
		}
		return nil, &Error{File: main, Reason: "cannot be read: " + err.Error(), Hint: hint, Err: err}
	}
	return LoadCandidate(fsys, main, src, start)
}

// LoadCandidate is Load with src in place of the content of the main file, which
// need not exist.
func LoadCandidate(fsys fs.FS, main string, src []byte, start Start) (*Config, error) {
	root, warnings, err := start.parse(main, src)
	if err != nil {
		return nil, err
	}
	switch {
	case root == nil || root.isNull():
		root = &entry{kind: mapKind, origin: Origin{main, 1}}
	case root.kind != mapKind:
		return nil, &Error{File: main, Line: root.origin.Line, Reason: "root is not a map", Hint: "make the file a map of keys, as falco.yaml is shipped", Err: yamledit.ErrUnsupported}
	}
	c := &Config{start: start, version: start.Version, main: main, fsys: fsys, root: root, warnings: warnings}
	c.layers = append(c.layers, Layer{File: main, Strategy: "main"})
	c.merge(start.Overrides)
	c.check()
	return c, nil
}

// rooted turns a path on the node into a name for an [fs.FS].
func rooted(p string) string {
	if name := strings.TrimPrefix(path.Clean("/"+p), "/"); name != "" {
		return name
	}
	return "."
}

func (c *Config) warn(at Origin, message, hint string) {
	c.warnings = append(c.warnings, Problem{Origin: at, Message: message, Hint: hint})
}

func (c *Config) fatal(at Origin, message, hint string) {
	c.fatals = append(c.fatals, Problem{Origin: at, Message: message, Hint: hint, Fatal: true})
}

// Get returns the effective value at path. It is false for a path that is absent
// or malformed.
func (c *Config) Get(path string) (Value, bool) {
	e := c.entry(path)
	if e == nil {
		return Value{}, false
	}
	return Value{Value: e.value(), Origin: e.origin}, true
}

// Layers returns the files in the order in which Falco merges them.
func (c *Config) Layers() []Layer { return c.layers }

// Problems returns what is wrong with the configuration, fatal problems first.
func (c *Config) Problems() []Problem { return slices.Concat(c.fatals, c.warnings) }

// Inputs returns the absolute paths of all files that Falco reads when it starts:
// the main file, the fragments, and the rules files, also those in directories.
// Files that are listed but missing are left out.
func (c *Config) Inputs() []string {
	var files []string
	for _, l := range c.layers {
		if l.File != CommandLine {
			files = append(files, l.File)
		}
	}
	for _, f := range c.rulesFiles() {
		if !slices.Contains(files, f) {
			files = append(files, f)
		}
	}
	return files
}

func quote(s string) string { return strconv.Quote(s) }

// The releases that changed how Falco reads its configuration.
const (
	engineSince     = "0.37.0" // engine block, listen_address
	fragmentsSince  = "0.38.0" // config_files, rules_files
	strategiesSince = "0.41.0" // append, override, add-only; -o after the fragments; rules directories: only *.yaml and *.yml
	captureSince    = "0.42.0" // capture block
	fewEnginesSince = "0.44.0" // no ebpf, no gvisor
)

// atLeast reports whether version is since or newer. The empty version is the
// newest. A suffix such as -rc1 is ignored.
func atLeast(version, since string) bool {
	return version == "" || slices.Compare(numbers(version), numbers(since)) >= 0
}

func numbers(version string) []int {
	n := make([]int, 3)
	for i, part := range strings.SplitN(version, ".", 3) {
		_, _ = fmt.Sscanf(part, "%d", &n[i]) // 0 if part is not a number
	}
	return n
}

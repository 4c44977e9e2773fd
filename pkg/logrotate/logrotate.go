// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Package logrotate reads logrotate's configuration as logrotate does, to tell
// which block rotates a log, which blocks are in its way, and which files
// logrotate ignores and why.
//
// It follows the source of logrotate 3.14 to 3.22 (config.c), and for the files
// it ignores that of 3.8.6, on Oracle Linux 7. It rotates nothing, opens files
// only through an [fs.FS], looks up no user or group, and does not resolve a
// symbolic link in a log's path. Files of a directory are read in byte order;
// logrotate sorts them by its locale.
package logrotate

import (
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
)

// Main is the file that the unit and the cron job of Oracle Linux start
// logrotate with.
const Main = "/etc/logrotate.conf"

// A Config is everything that logrotate reads when it starts.
type Config struct {
	fsys     fs.FS
	release  [3]int
	taboo    []taboo
	blocks   []block
	dirs     []included
	files    []string
	ignored  []Ignored
	problems []Problem
	depth    int
}

// A Directive is a line such as "rotate 4". A script such as postrotate has its
// text as its value.
type Directive struct {
	Name, Value string
	File        string
	Line        int
}

// An Ignored is a file that logrotate finds but does not read.
type Ignored struct {
	File  string
	Cause string // "its name matches *.rpmsave, which logrotate excludes"
	Error bool   // logrotate reports an error and exits with 1
}

// A Problem is an error in logrotate's configuration: logrotate goes on with
// what it can use and exits with 1, so its systemd unit fails.
type Problem struct {
	File string
	Line int // 0 for the whole file
	Text string
}

func (p Problem) String() string {
	if p.Line == 0 {
		return p.File + ": " + p.Text
	}
	return p.File + ":" + strconv.Itoa(p.Line) + ": " + p.Text
}

// A block is a list of names with the directives in the braces after it.
type block struct {
	file       string
	line       int
	names      []string
	directives []Directive // the inherited ones first
	inherited  int         // the number of inherited ones
}

// included is a directory that logrotate reads, and what it excludes there.
type included struct {
	dir   string
	taboo []taboo
}

// Load reads the file main and everything that it includes, as a version of
// logrotate such as "3.18.0" does; "" means the newest. It fails only if main
// cannot be read. Errors in the files are in [Config.Problems].
func Load(fsys fs.FS, main, version string) (*Config, error) {
	c := &Config{fsys: fsys, release: parseRelease(version)}
	c.taboo = defaultTaboo(c.release)
	if _, err := fs.Stat(fsys, rooted(main)); err != nil {
		return nil, fmt.Errorf("reading logrotate's configuration: %w", err)
	}
	var globals []Directive
	c.readPath(clean(main), "/", &globals)
	return c, nil
}

// Problems returns what makes logrotate exit with 1: first the errors in the
// files, then the logs that are in two blocks. For a log that does not exist yet,
// see [Config.Rules].
func (c *Config) Problems() []Problem { return slices.Concat(c.problems, c.duplicates()) }

// Ignored returns the files that logrotate finds but does not read.
func (c *Config) Ignored() []Ignored { return c.ignored }

// Files returns the files that logrotate reads, in order.
func (c *Config) Files() []string { return c.files }

// Reads reports whether logrotate reads, or would read, a file at path that
// belongs to root and has mode 0644. If not, cause says why.
func (c *Config) Reads(path string) (cause string, ok bool) {
	path = clean(path)
	dir, name := split(path)
	cause = "no include of logrotate's configuration leads to it"
	for _, d := range c.dirs {
		if d.dir != dir {
			continue
		}
		t, excluded := match(d.taboo, name)
		if !excluded {
			return "", true
		}
		cause = t.cause()
	}
	if slices.Contains(c.files, path) {
		return "", true
	}
	return cause, false
}

// parseRelease reads a version; numbers that are missing are 0.
func parseRelease(version string) [3]int {
	if version == "" {
		return [3]int{1 << 30}
	}
	var r [3]int
	for i, n := range strings.SplitN(version, ".", len(r)) {
		digits := n[:len(n)-len(strings.TrimLeft(n, "0123456789"))]
		r[i], _ = strconv.Atoi(digits)
	}
	return r
}

// since reports whether the release is at least another.
func (c *Config) since(major, minor int) bool {
	return slices.Compare(c.release[:2], []int{major, minor}) >= 0
}

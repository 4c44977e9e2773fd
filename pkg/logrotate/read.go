// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package logrotate

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
	"syscall"
)

// logrotate's own limits: config.c, MAX_NESTING and readConfigFile.
const (
	maxNesting = 16
	maxSize    = 0xffffff
)

// clean returns an absolute path without "." and double slashes.
func clean(p string) string { return path.Clean("/" + p) }

// rooted returns the name of a path in an [fs.FS] of the whole tree.
func rooted(p string) string {
	if p = clean(p)[1:]; p == "" {
		return "."
	}
	return p
}

func split(p string) (dir, name string) {
	dir, name = path.Split(p)
	return clean(dir), name
}

// readPath reads a file, or every file of a directory, and reports whether there
// was no error. The blocks of a file with an error stay, and its directives
// outside of blocks are dropped: readConfigPath in config.c.
func (c *Config) readPath(name, cwd string, globals *[]Directive) bool {
	if !strings.HasPrefix(name, "/") {
		name = path.Join(cwd, name)
	}
	name = clean(name)
	info, err := fs.Stat(c.fsys, rooted(name))
	if err != nil {
		c.problem(name, 0, "cannot be read: "+cause(err))
		return false
	}
	if !info.IsDir() {
		return c.readOrUndo(name, cwd, globals)
	}
	entries, err := fs.ReadDir(c.fsys, rooted(name))
	if err != nil {
		c.problem(name, 0, "cannot be read: "+cause(err))
		return false
	}
	c.dirs = append(c.dirs, included{name, slices.Clone(c.taboo)})
	var files []string
	for _, e := range entries {
		file := path.Join(name, e.Name())
		if t, excluded := match(c.taboo, e.Name()); excluded {
			c.ignored = append(c.ignored, Ignored{File: file, Cause: t.cause()})
			continue
		}
		files = append(files, file)
	}
	good := true
	for _, file := range files {
		good = c.readOrUndo(file, name, globals) && good
	}
	return good
}

func (c *Config) readOrUndo(file, cwd string, globals *[]Directive) bool {
	before := slices.Clone(*globals)
	good := c.readFile(file, cwd, globals)
	if !good {
		*globals = before
	}
	return good
}

func (c *Config) readFile(file, cwd string, globals *[]Directive) bool {
	info, err := fs.Stat(c.fsys, rooted(file))
	if err != nil {
		c.problem(file, 0, "cannot be read: "+cause(err))
		return false
	}
	if why, wrong := c.refuses(info); why != "" {
		c.ignored = append(c.ignored, Ignored{file, why, wrong})
		if wrong && (c.since(3, 22) || info.Size() > maxSize) {
			return false
		}
		return true
	}
	src, err := fs.ReadFile(c.fsys, rooted(file))
	if err != nil {
		c.problem(file, 0, "cannot be read: "+cause(err))
		return false
	}
	c.files = append(c.files, file)
	r := reader{config: c, file: file, cwd: cwd, src: src, line: 1, globals: globals, current: -1, good: true}
	return r.read()
}

// refuses says why logrotate, which runs as root, does not read a file. Only the
// newest versions exit with 1 because of its mode or owner.
func (c *Config) refuses(info fs.FileInfo) (why string, wrong bool) {
	mode := info.Mode()
	special := mode&(fs.ModeSetuid|fs.ModeSetgid|fs.ModeSticky) != 0
	owner, known := info.Sys().(*syscall.Stat_t)
	switch {
	case !mode.IsRegular():
		return "it is not a regular file", false
	case !c.since(3, 14) && (special || mode.Perm()&0o533 != 0o400):
		return "its mode is " + mode.Perm().String() + ", and this logrotate wants it not executable and writable by root alone", false
	case c.since(3, 14) && mode.Perm()&0o022 != 0:
		return "it is writable by its group or by others", c.since(3, 22)
	case known && owner.Uid != 0:
		return "it does not belong to root", c.since(3, 22)
	case info.Size() > maxSize:
		return "it is too large for a configuration file", true
	case info.Size() == 0:
		return "it is empty", false
	}
	return "", false
}

func (c *Config) problem(file string, line int, text string) {
	c.problems = append(c.problems, Problem{file, line, text})
}

// cause leaves out the path, which the problem already names.
func cause(err error) string {
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
		err = pe.Err
	}
	return err.Error()
}

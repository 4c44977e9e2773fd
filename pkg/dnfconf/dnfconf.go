// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Package dnfconf reads what dnf is configured with on a node, or yum on Oracle
// Linux 7: the main file, the repository files that it leads to, and how their
// servers are reached. It reads a file tree and changes nothing; it knows
// neither what plugins add nor dnf's command line.
package dnfconf

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/falco-bootstrap/falco-bootstrap/pkg/yumrepo"
)

// standard is where repository files are on Oracle Linux.
const standard = "/etc/yum.repos.d"

// A Config is what dnf is configured with.
type Config struct {
	// File is the main file: dnf.conf, or yum.conf where there is no dnf.
	File string
	Main yumrepo.Main
	// Err is why dnf cannot read the main file; Main is empty then.
	Err error

	tree fs.FS
	text []byte
}

// Read reads the main file of a tree whose names have no leading slash. Without
// one dnf has its defaults. It fails only if the file cannot be read at all.
func Read(tree fs.FS) (Config, error) {
	c := Config{File: yumrepo.DNFConf, tree: tree}
	if _, err := fs.Stat(tree, "usr/bin/dnf"); errors.Is(err, fs.ErrNotExist) {
		if _, err := fs.Stat(tree, inTree(yumrepo.YumConf)); err == nil {
			c.File = yumrepo.YumConf
		}
	}
	text, err := fs.ReadFile(tree, inTree(c.File))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return c, fmt.Errorf("reading %s: %w", c.File, err)
	}
	c.text = text
	if c.Main, c.Err = yumrepo.ReadMain(text); c.Err != nil {
		c.Err = fmt.Errorf("reading %s: %w", c.File, c.Err)
	}
	return c, nil
}

func inTree(name string) string { return strings.TrimPrefix(path.Clean(name), "/") }

// Home returns the directory where a new repository file belongs: the usual one
// if dnf reads it, else the first that it reads. It fails if dnf reads none.
func (c Config) Home() (string, error) {
	dirs := c.dirs()
	switch {
	case slices.Contains(dirs, standard):
		return standard, nil
	case len(dirs) == 0:
		o, _ := c.Main.Get("reposdir")
		return "", fmt.Errorf("%s:%d: reposdir= names no directory, so dnf reads no repository file", c.File, o.Line)
	}
	return dirs[0], nil
}

func (c Config) dirs() []string {
	var dirs []string
	for _, dir := range c.Main.ReposDirs() {
		if dir = path.Clean(dir); path.IsAbs(dir) {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// Files returns every repository file that dnf reads, by path: those of its
// directories, and the main file if it has a repository too.
func (c Config) Files() (map[string][]byte, error) {
	files := map[string][]byte{}
	err := c.each(func(name string) (err error) {
		if path.Ext(name) == ".repo" {
			files[name], err = fs.ReadFile(c.tree, inTree(name))
			if errors.Is(err, fs.ErrNotExist) { // a link that leads nowhere
				delete(files, name)
				return nil
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(Repositories(map[string][]byte{c.File: c.text})) > 0 {
		files[c.File] = c.text
	}
	return files, nil
}

// Backups returns files beside the repository files whose names end with a
// suffix, such as ".osms-backup".
func (c Config) Backups(suffix string) ([]string, error) {
	var names []string
	err := c.each(func(name string) error {
		if strings.HasSuffix(name, suffix) {
			names = append(names, name)
		}
		return nil
	})
	return names, err
}

// each calls do with every file of the directories, in the order of dnf.
func (c Config) each(do func(name string) error) error {
	for _, dir := range c.dirs() {
		entries, err := fs.ReadDir(c.tree, inTree(dir))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("reading %s: %w", dir, err)
		}
		for _, e := range entries {
			if !e.IsDir() {
				if err := do(path.Join(dir, e.Name())); err != nil {
					return fmt.Errorf("reading %s: %w", path.Join(dir, e.Name()), err)
				}
			}
		}
	}
	return nil
}

// Repositories returns the repositories of files, in the order of their names,
// each of a file once and as dnf reads it. A file that dnf skips has none.
func Repositories(files map[string][]byte) []yumrepo.Section {
	var all []yumrepo.Section
	for _, name := range slices.Sorted(maps.Keys(files)) {
		f, err := yumrepo.Parse(files[name])
		if err != nil {
			continue
		}
		seen := []string{"main"}
		for _, s := range f.Sections() {
			if !slices.Contains(seen, s.ID) {
				seen = append(seen, s.ID)
				whole, _ := f.Section(s.ID)
				all = append(all, whole)
			}
		}
	}
	return all
}

// Get returns a key of the repository id, or of [main] where its section does
// not have it: how its server is reached. It is empty if neither has it. dnf
// expands variables in a section, and none in [main].
func (c Config) Get(id, key string) string {
	files, _ := c.Files()
	for _, s := range Repositories(files) {
		if value, ok := s.Get(key); ok && s.ID == id {
			return yumrepo.Expand(strings.Trim(strings.TrimSpace(value), `"'`), c.variables())
		}
	}
	o, _ := c.Main.Get(key)
	return strings.TrimSpace(o.Value)
}

// Excluder returns the option of [main] that keeps every package of a name away
// from dnf, and whether there is one. A pattern that matches only some versions
// or machines, and what repositories and plugins exclude, only dnf knows.
func (c Config) Excluder(name string) (yumrepo.Option, bool) {
	if off, _ := c.Main.List("disable_excludes"); slices.Contains(off, "all") || slices.Contains(off, "main") {
		return yumrepo.Option{}, false
	}
	for _, o := range c.Main.Excludes() {
		for _, pattern := range yumrepo.SplitList(o.Value) {
			if ok, err := path.Match(pattern, name); ok && err == nil {
				return o, true
			}
		}
	}
	return yumrepo.Option{}, false
}

// variables are those of the directories of varsdir=. A later directory wins.
func (c Config) variables() map[string]string {
	files := map[string][]byte{}
	for _, dir := range c.Main.VarsDirs() {
		entries, _ := fs.ReadDir(c.tree, inTree(dir))
		for _, e := range entries {
			if text, err := fs.ReadFile(c.tree, inTree(path.Join(dir, e.Name()))); err == nil {
				files[e.Name()] = text
			}
		}
	}
	return yumrepo.Variables(files)
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falcoconf

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
)

const (
	configFiles = "config_files"

	strategyAppend   = "append"
	strategyOverride = "override"
	strategyAddOnly  = "add-only"
)

// An include is one entry of config_files.
type include struct {
	path, strategy string
	line           int
}

// includes returns the entries of config_files.
func (c *Config) includes() []include {
	list := c.root.get(configFiles)
	if list == nil || list.kind == mapKind {
		return nil
	}
	items := list.items
	if list.kind == scalarKind {
		items = []*entry{list}
	}
	strategies := atLeast(c.version, strategiesSince)
	var out []include
	for _, item := range items {
		in := include{path: item.text, strategy: strategyOverride, line: item.origin.Line}
		if strategies {
			in.strategy = strategyAppend
		}
		if item.kind == mapKind && strategies {
			in.path, in.strategy = c.strategyOf(item)
		}
		if in.path == "" || item.kind == listKind || item.kind == mapKind && !strategies {
			c.fatal(item.origin.File, item.origin.Line, "entry of config_files names no file", "write the path of a file or folder; {path, strategy} needs Falco 0.41")
			continue
		}
		out = append(out, in)
	}
	return out
}

// strategyOf reads an entry of config_files that is a map.
func (c *Config) strategyOf(item *entry) (file, strategy string) {
	strategy = strategyAppend
	if p := item.get("path"); p != nil {
		file = p.text
	}
	if s := item.get("strategy"); s != nil {
		switch s.text {
		case strategyAppend, strategyOverride, strategyAddOnly:
			strategy = s.text
		default:
			c.warn(s.origin.File, s.origin.Line, "strategy "+quote(s.text)+" is unknown; Falco appends", "write append, override or add-only")
		}
	}
	return file, strategy
}

// mergeFragments lays the files of config_files over the main file.
func (c *Config) mergeFragments() {
	origin := c.root.origin
	if e := c.root.get(configFiles); e != nil {
		origin = e.origin
	}
	for _, in := range c.includes() {
		if path.Clean(in.path) == path.Clean(c.main) {
			c.fatal(origin.File, in.line, "config_files names the main file itself", "remove the entry")
			continue
		}
		info, err := fs.Stat(c.fsys, rooted(in.path))
		switch {
		case err != nil:
			if path.Ext(in.path) != "" && path.Ext(in.path) != ".d" {
				c.warn(origin.File, in.line, "config_files names "+in.path+", which is not there; Falco passes it over", "create the file, or remove the entry")
			}
		case info.Mode().IsRegular():
			c.mergeFile(in.path, in.strategy)
		case info.IsDir():
			for _, file := range c.regularFiles(in.path) {
				c.checkStray(file)
				c.mergeFile(file, in.strategy)
			}
		}
	}
}

// regularFiles returns the paths of the regular files in a folder, links to
// them included, in byte order.
func (c *Config) regularFiles(dir string) []string {
	entries, err := fs.ReadDir(c.fsys, rooted(dir))
	if err != nil {
		c.fatal(dir, 0, "folder cannot be read: "+err.Error(), "make the folder readable")
		return nil
	}
	var files []string
	for _, d := range entries {
		file := path.Join(dir, d.Name())
		if info, err := fs.Stat(c.fsys, rooted(file)); err == nil && info.Mode().IsRegular() {
			files = append(files, file)
		}
	}
	slices.Sort(files)
	return files
}

// mergeFile lays one fragment over what is there. Falco dies of a fragment that
// it cannot read, without saying which one that is.
func (c *Config) mergeFile(file, strategy string) {
	c.fragments = append(c.fragments, file)
	layer := Layer{File: file, Strategy: strategy}
	defer func() { c.layers = append(c.layers, layer) }()
	broken := func(line int, message, hint string) {
		layer.Broken = true
		c.fatal(file, line, message, hint)
	}
	src, err := fs.ReadFile(c.fsys, rooted(file))
	if err != nil {
		broken(0, "fragment cannot be read: "+err.Error(), "make the file readable, or move it out of the folder")
		return
	}
	r := reader{file: file, budget: maxNodes}
	root, several, err := r.readFile(src)
	if err != nil {
		var e *Error
		if errors.As(err, &e) {
			broken(e.Line, "fragment is broken: "+e.Reason, e.Hint)
		}
		return
	}
	c.problems = append(c.problems, r.dups...)
	if several {
		c.warn(file, 0, "file holds several YAML documents, of which Falco reads the first only", "keep the first one only")
	}
	switch {
	case root == nil || root.isNull():
	case root.kind == listKind:
		broken(root.origin.Line, "fragment is a list, not a map of keys", "write KEY: VALUE, or move the file out of the folder")
	case root.kind == scalarKind:
		c.warn(file, root.origin.Line, "fragment is plain text and has no effect", "write KEY: VALUE, or move the file out of the folder")
	default:
		layer.Keys = keysOf(root)
		if p := c.mergeEntry(root, strategy); p != nil {
			broken(p.origin.Line, p.message, p.hint)
		}
	}
}

// A mergeFault is why Falco cannot lay a fragment over the rest.
type mergeFault struct {
	origin        Origin
	message, hint string
}

// mergeEntry lays the top-level keys of a fragment over the rest: maps are
// replaced whole, lists are appended with the strategy append (falco
// userspace/engine/yaml_helper.h, include_config_file).
func (c *Config) mergeEntry(fragment *entry, strategy string) *mergeFault {
	for _, p := range fragment.pairs {
		if p.key == configFiles {
			return &mergeFault{p.val.origin, "config_files stands in a fragment, where Falco forbids it", "move the entry to " + c.main}
		}
		base := c.root.get(p.key)
		switch {
		case strategy == strategyAddOnly && base != nil:
		case strategy == strategyAppend && p.val.kind == listKind:
			if base != nil && base.kind != listKind && !base.isNull() && len(p.val.items) > 0 {
				return &mergeFault{p.val.origin, "list " + p.key + " is appended to what is no list (" + base.origin.String() + ")", "make both lists"}
			}
			if len(p.val.items) == 0 {
				continue
			}
			list := &entry{kind: listKind, origin: p.val.origin}
			if base != nil {
				list.items = slices.Clone(base.items)
			}
			list.items = append(list.items, p.val.items...)
			c.root.set(p.key, list)
		default:
			if base != nil && base.kind == mapKind && p.val.isNull() {
				c.warn(p.val.origin.File, p.val.origin.Line, "key "+p.key+" has no value and wipes the block of "+base.origin.String(), "remove the key, or write the block whole")
			}
			c.root.set(p.key, p.val)
		}
	}
	return nil
}

// checkStray warns of a file in a folder of fragments that hardly belongs
// there: Falco loads every regular file, whatever its name.
func (c *Config) checkStray(file string) {
	name := path.Base(file)
	ext := path.Ext(name)
	if !strings.HasPrefix(name, ".") && (ext == ".yaml" || ext == ".yml") {
		return
	}
	c.warn(file, 0, "file is loaded by Falco, as every file in the folder is, whatever its name", "move it out of the folder, or give it a name that ends in .yaml")
}

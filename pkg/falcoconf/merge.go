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

// merge lays the fragments and the overrides over the main file. Up to 0.40 the
// overrides come before the fragments, which win. Since 0.41 they come last,
// except for those that set config_files (falco 0.40.0 and 0.41.0
// userspace/falco/configuration.cpp, init_from_file).
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
	if atLeast(c.version, fragmentsSince) {
		c.mergeFragments()
	}
	c.override(after)
}

// mergeFragments lays the files of config_files over the main file.
func (c *Config) mergeFragments() {
	list := c.root.get(configFiles)
	if list == nil || list.isNull() {
		return
	}
	for _, item := range list.sequence() {
		file, strategy, ok := c.include(item)
		at := Origin{list.origin.File, item.origin.Line}
		info, err := fs.Stat(c.fsys, rooted(file))
		switch {
		case !ok:
			c.fatal(item.origin, "entry of config_files has no path", "write the path of a file or directory; {path, strategy} needs Falco 0.41")
		case item.unknown || item.get("path") != nil && item.get("path").unknown:
			c.warn(at, "config_files names "+quote(file)+", which depends on Falco's environment; what is in it is not known", "write the path without a variable")
		case file == "":
			c.warn(at, "entry of config_files is empty; Falco skips it", "remove the entry")
		case path.Clean(file) == path.Clean(c.main):
			c.fatal(at, "config_files names the main file itself", "remove the entry")
		case err != nil:
			if path.Ext(file) != "" && path.Ext(file) != ".d" {
				c.warn(at, "config_files names "+file+", which does not exist; Falco skips it", "create the file, or remove the entry")
			}
		case info.Mode().IsRegular():
			c.mergeFile(file, strategy)
		case info.IsDir():
			for _, fragment := range c.regularFiles(file) {
				c.checkStray(fragment)
				c.mergeFile(fragment, strategy)
			}
		}
	}
}

// include reads an entry of config_files. It is not ok if Falco fails on it
// (falco 0.44.1 userspace/falco/configuration.h,
// convert<falco_configuration::config_files_config>).
func (c *Config) include(item *entry) (file, strategy string, ok bool) {
	strategy = strategyAppend
	if !atLeast(c.version, strategiesSince) {
		strategy = strategyOverride
	} else if p := item.get("path"); p != nil {
		s := item.get("strategy")
		switch {
		case s == nil:
		case slices.Contains([]string{strategyAppend, strategyOverride, strategyAddOnly}, s.text):
			strategy = s.text
		default:
			c.warn(s.origin, "strategy "+quote(s.text)+" is unknown; Falco appends", "write append, override or add-only")
		}
		item = p
	}
	return item.string(), strategy, item.kind == scalarKind
}

// regularFiles returns the paths of the regular files in a directory, including
// symbolic links to regular files, in byte order.
func (c *Config) regularFiles(dir string) []string {
	entries, err := fs.ReadDir(c.fsys, rooted(dir))
	if err != nil {
		c.fatal(Origin{File: dir}, "directory cannot be read: "+err.Error(), "make the directory readable")
		return nil
	}
	var files []string
	for _, d := range entries {
		file := path.Join(dir, d.Name())
		if info, err := fs.Stat(c.fsys, rooted(file)); err == nil && info.Mode().IsRegular() {
			files = append(files, file)
		}
	}
	return files
}

// checkStray warns of a file in a directory of fragments that probably does not
// belong there: Falco loads every regular file, whatever its name.
func (c *Config) checkStray(file string) {
	ext := path.Ext(file)
	if strings.HasPrefix(path.Base(file), ".") || ext != ".yaml" && ext != ".yml" {
		c.warn(Origin{File: file}, "file is loaded by Falco, as is every file in the directory, whatever its name", "move it out of the directory, or give it a name that ends in .yaml")
	}
}

// mergeFile lays one fragment over the rest. Falco fails on a fragment that it
// cannot read, and does not name it.
func (c *Config) mergeFile(file, strategy string) {
	c.layers = append(c.layers, Layer{File: file, Strategy: strategy})
	src, err := fs.ReadFile(c.fsys, rooted(file))
	if err != nil {
		c.fatal(Origin{File: file}, "fragment cannot be read: "+err.Error(), "make the file readable, or move it out of the directory")
		return
	}
	root, warnings, err := c.start.parse(file, src)
	if e, ok := errors.AsType[*Error](err); ok {
		c.fatal(Origin{file, e.Line}, "fragment is broken: "+e.Reason, e.Hint)
		return
	}
	c.warnings = append(c.warnings, warnings...)
	switch {
	case root == nil || root.isNull():
	case root.kind == listKind:
		c.fatal(root.origin, "fragment is a list, not a map of keys", "write KEY: VALUE, or move the file out of the directory")
	case root.kind == scalarKind:
		c.warn(root.origin, "fragment is plain text and has no effect", "write KEY: VALUE, or move the file out of the directory")
	default:
		for _, p := range root.pairs {
			if !c.mergePair(p.key, p.val, strategy) {
				return
			}
		}
	}
}

// mergePair lays a top-level key of a fragment over the rest: a map is replaced
// as a whole, a list is appended with the strategy append (falco
// userspace/engine/yaml_helper.h, include_config_file). ok is false if Falco
// fails on the key.
func (c *Config) mergePair(key string, val *entry, strategy string) (ok bool) {
	if key == configFiles {
		c.fatal(val.origin, "config_files is set in a fragment, which Falco forbids", "move the entry to "+c.main)
		return false
	}
	base := c.root.get(key)
	switch {
	case strategy == strategyAddOnly && base != nil:
	case strategy == strategyAppend && val.kind == listKind:
		if len(val.items) == 0 {
			break
		}
		list := &entry{kind: listKind, origin: val.origin, items: val.items}
		if base != nil && base.kind != listKind && !base.isNull() {
			c.fatal(val.origin, "list "+key+" is appended to a value that is not a list ("+base.origin.String()+")", "make both values lists")
			return false
		}
		if base != nil {
			list.items = slices.Concat(base.items, val.items)
		}
		c.root.set(key, list)
	default:
		if base != nil && base.kind == mapKind && val.isNull() {
			c.warn(val.origin, "key "+key+" has no value and wipes the block of "+base.origin.String(), "remove the key, or write the whole block")
		}
		c.root.set(key, val)
	}
	return true
}

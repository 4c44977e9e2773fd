// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"gopkg.in/yaml.v3"
)

// A state is a configuration in force: the merged tree and the rules.
type state struct {
	tree
	file   string            // the main file
	files  map[string]string // every file that was read, with its schema verdict
	rules  []rule
	shadow bool // an open of /etc/shadow is reported
}

// prepare reads the configuration and its layers, and checks the values that
// are fatal. The log is set up from what was read.
func (a *app) prepare(o options, log *logger) (*state, error) {
	st := &state{tree: tree{}, file: o.config, files: map[string]string{}}
	text, err := os.ReadFile(o.config)
	switch {
	case err != nil && !o.explicit:
		return st, nil // no configuration at all is not an error yet
	case errors.Is(err, os.ErrNotExist), errors.Is(err, os.ErrPermission):
		return nil, says("Could not find configuration file at %s", o.config)
	case err != nil:
		return nil, syntaxError(fmt.Sprintf("Cannot read config file (%s): basic_filebuf::underflow error reading the file: Is a directory", o.config))
	}
	d, err := parse(text)
	if err != nil {
		return nil, syntaxError(fmt.Sprintf("Cannot read config file (%s): %v", o.config, err))
	}
	st.tree = d.tree
	st.files[o.config] = a.verdict(d)
	if err := a.layer(st, o.sets); err != nil {
		return nil, err
	}
	for _, s := range o.sets {
		if err := st.override(s); err != nil {
			return nil, err
		}
	}
	log.configure(st.tree)
	a.announce(st, log)
	if err := st.checkValues(a.sys.minor); err != nil {
		return nil, err
	}
	return st, nil
}

// layer lays the fragments named by config_files over the tree, from 0.38 on.
// Falco asks the command line for config_files before it reads them.
func (a *app) layer(st *state, sets []string) error {
	if a.sys.minor < 38 {
		return nil
	}
	for _, s := range sets {
		if strings.HasPrefix(s, "config_files=") || strings.HasPrefix(s, "config_files[]=") {
			if err := st.override(s); err != nil {
				return err
			}
		}
	}
	entries, _ := st.get("config_files")
	if s, ok := entries.(string); ok {
		entries = []any{s}
	}
	list, _ := entries.([]any)
	for _, entry := range list {
		path, strategy := describe(entry)
		for _, file := range fragments(path) {
			if err := a.lay(st, file, strategy); err != nil {
				return err
			}
		}
	}
	return nil
}

// describe splits an entry of config_files: a path, or a map of path and
// strategy.
func describe(entry any) (path, strategy string) {
	switch e := entry.(type) {
	case string:
		return e, "append"
	case map[string]any:
		path, _ = e["path"].(string)
		strategy, _ = e["strategy"].(string)
	}
	return path, strategy
}

// fragments lists what a path of config_files stands for: itself, or every
// regular file of the folder, whatever its name, in byte order.
func fragments(path string) []string {
	info, err := os.Stat(path)
	if err != nil {
		return nil
	}
	if !info.IsDir() {
		return []string{path}
	}
	var files []string
	entries, _ := os.ReadDir(path)
	for _, e := range entries {
		file := filepath.Join(path, e.Name())
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() {
			files = append(files, file)
		}
	}
	sort.Strings(files)
	return files
}

// lay lays one fragment over the tree. Errors do not name the fragment.
func (a *app) lay(st *state, file, strategy string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("bad file: %s", file)
	}
	d, err := parse(text)
	if err != nil {
		return err
	}
	st.files[file] = a.verdict(d)
	if !d.isMap {
		st.files[file] = "schema validation: failed for <root>: Value type not permitted by 'type' constraint."
		return nil
	}
	if _, ok := d.tree["config_files"]; ok {
		return says("Error reading config file (%s): Config error: 'config_files' directive can't be placed in included config files", st.file)
	}
	for key, value := range d.tree {
		old, present := st.tree[key]
		oldList, isOld := old.([]any)
		newList, isNew := value.([]any)
		switch {
		case strategy == "add-only" && present:
		case a.sys.minor >= 41 && strategy != "override" && isOld && isNew:
			st.tree[key] = append(append([]any{}, oldList...), newList...)
		default:
			st.tree[key] = value
		}
	}
	return nil
}

// override sets one key from the command line: KEY=VALUE or LIST[]=VALUE.
func (st *state) override(set string) error {
	key, value, ok := strings.Cut(set, "=")
	if !ok {
		return says("Error parsing config option \"%s\". Must be of the form key=val or key.subkey=val", set)
	}
	var parsed any = value
	if strings.HasPrefix(value, "{") || strings.HasPrefix(value, "[") {
		var node yaml.Node
		if err := yaml.Unmarshal([]byte(value), &node); err == nil && len(node.Content) > 0 {
			parsed = new(document).convert(node.Content[0])
		}
	}
	st.set(key, parsed)
	return nil
}

// announce logs what was read, in alphabetical order as Falco does.
func (a *app) announce(st *state, log *logger) {
	log.info(fmt.Sprintf("Falco version: %s (x86_64)", a.sys.version))
	log.info("Falco initialized with configuration files:")
	files := make([]string, 0, len(st.files))
	for file := range st.files {
		files = append(files, file)
	}
	sort.Strings(files)
	for _, file := range files {
		verdict := st.files[file]
		switch {
		case a.sys.minor < 39:
			log.info("   " + file)
		case strings.HasSuffix(verdict, ": ok"):
			log.info("   " + file + " | " + verdict)
		default:
			log.log(levelWarning, "   "+file+" | "+verdict)
		}
	}
}

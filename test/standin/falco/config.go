// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A state is a configuration in force: the merged tree and the result of the rules.
type state struct {
	tree
	file   string            // the main file
	schema map[string]string // how every file that was read fits the schema
	shadow bool              // an open of /etc/shadow is reported
	output string            // what somebody has put in the place of the rule's output
}

// readConfig reads the configuration and its fragments, and fails on a value that is
// fatal to Falco. It sets up the log as the configuration says.
func (a *app) readConfig() (*state, error) {
	file := a.opts.config
	st := &state{tree: tree{}, file: file, schema: map[string]string{}}
	text, err := os.ReadFile(file)
	switch {
	case err != nil && !a.opts.explicit:
		return st, nil // no configuration at all is not an error yet
	case err != nil: // even if it exists
		return nil, says("Could not find configuration file at %s", file)
	}
	t, isMap, err := parse(text)
	if err != nil {
		return nil, falcoError{logged: fmt.Sprintf("Cannot read config file (%s): %v", file, err), printed: "std::exception"}
	}
	st.tree = t
	st.schema[file] = a.validate(t, isMap)
	for _, dir := range st.list("config_files") {
		if a.minor < 38 { // which does not know the key
			break
		}
		for _, fragment := range regularFiles(dir) {
			if err := a.merge(st, fragment); err != nil {
				return nil, err
			}
		}
	}
	for _, set := range a.opts.sets {
		key, value, _ := strings.Cut(set, "=")
		st.set(key, value)
	}
	a.log.configure(st.tree)
	a.announce(st)
	return st, st.check()
}

// regularFiles lists the files that a path of config_files or rules_files means: the
// file itself, or every regular file of the directory in byte order.
func regularFiles(path string) []string {
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
	return files
}

// merge merges one fragment into the tree: its keys replace whole blocks and, from
// 0.41 on, its lists are appended (falco 0.44.1 userspace/engine/yaml_helper.h,
// include_config_file). Errors do not name the fragment.
func (a *app) merge(st *state, file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("bad file: %s", file)
	}
	fragment, isMap, err := parse(text)
	if err != nil {
		return err
	}
	st.schema[file] = a.validate(fragment, isMap)
	if _, ok := fragment["config_files"]; ok {
		return says("Error reading config file (%s): Config error: 'config_files' directive can't be placed in included config files", st.file)
	}
	for _, p := range pairs(text) { // of equal keys the last one counts here
		oldList, isOld := st.tree[p.key].([]any)
		newList, isNew := p.value.([]any)
		switch old := st.tree[p.key]; {
		case a.minor < 41 || !isNew:
		case isOld:
			p.value = slices.Concat(oldList, newList)
		case old != nil: // yaml-cpp's BadPushback
			return says("appending to a non-sequence")
		}
		st.tree[p.key] = p.value
	}
	return nil
}

// announce logs the files that were read, in alphabetical order as Falco does.
func (a *app) announce(st *state) {
	a.log.info(fmt.Sprintf("Falco version: %s (x86_64)", a.version))
	a.log.info("Falco initialized with configuration files:")
	for _, file := range slices.Sorted(maps.Keys(st.schema)) {
		result := st.schema[file]
		switch {
		case a.minor < 39:
			a.log.info("   " + file)
		case result == schemaOK:
			a.log.info("   " + file + " | " + result)
		default:
			a.log.log(levelWarning, "   "+file+" | "+result)
		}
	}
}

// priority returns a level's rank, 0 for the most severe, or -1 if it is unknown.
func priority(name string) int {
	name = strings.ToLower(name)
	if name == "info" {
		name = "informational"
	}
	return slices.Index([]string{"emergency", "alert", "critical", "error", "warning", "notice", "informational", "debug"}, name)
}

// check returns the error of the first value that is fatal to Falco.
func (st *state) check() error {
	if p := st.text("priority", "debug"); priority(p) < 0 {
		return says("Unknown priority \"%s\"--must be one of emergency, alert, critical, error, warning, notice, informational, debug", p)
	}
	if level := st.text("log_level", "info"); priority(level) < 0 {
		return says("Unknown log level %s", level)
	}
	for output, key := range map[string]string{"file": "filename", "program": "program", "http": "url"} {
		if st.flag(output+"_output.enabled", false) && st.text(output+"_output."+key, "") == "" {
			return says("Error reading config file (%s): %s output enabled but no %s in configuration block", st.file, output, key)
		}
	}
	if address := st.text("webserver.listen_address", "0.0.0.0"); net.ParseIP(address) == nil {
		return says("Error reading config file (%s): webserver listen address \"%s\" is not a valid IP address", st.file, address)
	}
	return cmp.Or(st.checkShapes(), st.checkNumbers())
}

// checkShapes returns the error of the first list whose entries do not convert.
func (st *state) checkShapes() error {
	for _, e := range slices.Concat(st.entries("rules_file"), st.entries("rules_files")) {
		if _, ok := e.(string); !ok {
			return says("yaml-cpp: error at line 1, column 1: bad conversion")
		}
	}
	for _, e := range st.entries("rules") {
		if _, ok := e.(map[string]any); !ok {
			return says("yaml-cpp: error at line 1, column 1: bad conversion")
		}
	}
	for _, e := range st.entries("plugins") {
		if p, _ := e.(map[string]any); p["name"] == nil {
			return says("Error reading config file (%s): could not load plugins config: yaml-cpp: error at line 1, column 1: bad conversion", st.file)
		}
	}
	return nil
}

// checkNumbers returns the error of a number that is out of range.
func (st *state) checkNumbers() error {
	threshold := strings.Replace(st.text("syscall_event_drops.threshold", "0.1"), ".inf", "inf", 1) // as YAML writes it
	if t, err := strconv.ParseFloat(threshold, 64); err == nil && (t < 0 || t > 1) {
		return says("Error reading config file (%s): syscall event drops threshold must be a double in the range [0, 1]", st.file)
	}
	interval, err := time.ParseDuration(st.text("metrics.interval", "1h"))
	if st.flag("metrics.enabled", false) && (err != nil || interval < 100*time.Millisecond) {
		return says("Metrics interval must have a minimum value of 100ms and reflect a Prometheus compliant time duration format")
	}
	return nil
}

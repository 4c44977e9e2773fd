// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// loadPlugins "loads" the plugins that load_plugins names and returns them.
func (a *app) loadPlugins(st *state) ([]string, error) {
	var loaded []string
	for _, name := range st.list("load_plugins") {
		path, ok := st.library(name)
		if !ok {
			return nil, says("Error reading config file (%s): Cannot load plugin '%s': plugin config not found for given name", st.file, name)
		}
		if !filepath.IsAbs(path) {
			path = filepath.Join(a.sys.plugins, path)
		}
		if _, err := os.Stat(path); err != nil {
			return nil, runtimeError(fmt.Sprintf("cannot load plugin %s: can't load plugin dynamic library: %s: "+
				"cannot open shared object file: No such file or directory", path, path))
		}
		if a.unresolved(name) {
			return nil, runtimeError(fmt.Sprintf("cannot load plugin %s: can't load plugin dynamic library: %s: "+
				"undefined symbol: __res_search", path, path))
		}
		if slices.Contains(loaded, name) {
			return nil, runtimeError(fmt.Sprintf("cannot register plugin %s: found another plugin with name %s. Aborting.", path, name))
		}
		loaded = append(loaded, name)
	}
	return loaded, nil
}

// unresolved reports whether the container plugin misses a symbol: that of
// 0.42 to 0.44, where the C library is older than 2.34 and libresolv was not
// loaded beforehand (falcosecurity/falco#3719).
func (a *app) unresolved(name string) bool {
	return name == "container" && a.sys.el8 && a.sys.minor >= 42 && a.sys.minor <= 44 &&
		!strings.Contains(a.sys.preload, "libresolv.so.2")
}

// library returns the library_path of the plugin of that name.
func (st *state) library(name string) (string, bool) {
	entries, _ := st.get("plugins")
	list, _ := entries.([]any)
	for _, entry := range list {
		if e, ok := entry.(map[string]any); ok && e["name"] == name {
			path, _ := e["library_path"].(string)
			return path, true
		}
	}
	return "", false
}

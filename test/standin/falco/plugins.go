// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
)

// loadPlugins "loads" the plugins that load_plugins names and returns them.
func (a *app) loadPlugins(st *state) ([]string, error) {
	names := st.list("load_plugins")
	for _, name := range names {
		library, ok := st.library(name)
		if !ok {
			return nil, says("Error reading config file (%s): Cannot load plugin '%s': plugin config not found for given name", st.file, name)
		}
		path := filepath.Join(a.pluginDir, library)
		problem := ""
		if _, err := os.Stat(path); err != nil {
			problem = "cannot open shared object file: No such file or directory"
		} else if a.unresolved(name) {
			problem = "undefined symbol: __res_search"
		}
		if problem != "" {
			return nil, runtimeError("cannot load plugin %[1]s: can't load plugin dynamic library: %[1]s: %[2]s", path, problem)
		}
	}
	return names, nil
}

// unresolved reports whether the plugin has an undefined symbol. The container plugin
// of 0.42 to 0.44 has one if the C library is older than 2.34, unless libresolv is
// preloaded (falcosecurity/falco#3719).
func (a *app) unresolved(name string) bool {
	return name == "container" && a.oldLibc && a.minor >= 42 && a.minor <= 44 && !strings.Contains(a.preload, "libresolv.so.2")
}

// library returns the library_path of the plugin with the given name.
func (st *state) library(name string) (string, bool) {
	list, _ := st.get("plugins").([]any)
	for _, entry := range list {
		if e, ok := entry.(map[string]any); ok && e["name"] == name {
			path, _ := e["library_path"].(string)
			return path, true
		}
	}
	return "", false
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Command render writes the sources of the test node's packages: for releases of
// Falco a spec file and the tree it packages, and for every release of Oracle Linux
// its repository files. It builds no package: rpmbuild is in the image.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: render TEMPLATES OUT")
		os.Exit(64)
	}
	if err := render(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "render:", err)
		os.Exit(1)
	}
}

// render writes the sources of every package below out. The templates are in a
// directory beside the node cases.
func render(templates, out string) error {
	named, err := namedVersions(filepath.Dir(templates))
	if err != nil {
		return err
	}
	for _, version := range versions(named) {
		e := newEra(version)
		if err := e.write(templates, out); err != nil {
			return fmt.Errorf("falco %s: %w", version, err)
		}
	}
	for _, ol := range releases() {
		if err := ol.write(templates, out); err != nil {
			return fmt.Errorf("oracle linux %d: %w", ol.Number, err)
		}
	}
	return nil
}

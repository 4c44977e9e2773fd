// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"regexp"

	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
)

// versions lists the releases of Falco in the node's repositories: the newest of each
// minor version in the table, and those that the cases name. All releases would take
// about ten seconds of the image build.
func versions(named map[string]bool) []string {
	var list []string
	all := falco.Releases()
	for i, r := range all {
		newest := i == len(all)-1 || newEra(all[i+1].Version).Minor != newEra(r.Version).Minor
		if newest || named[r.Version] {
			list = append(list, r.Version)
		}
	}
	return list
}

var versionForm = regexp.MustCompile(`\b0\.\d\d\.\d+\b`)

// namedVersions returns the versions of Falco that the node cases and scripts in dir
// name.
func namedVersions(dir string) (map[string]bool, error) {
	named := map[string]bool{}
	for _, pattern := range []string{"*_test.go", "*.sh", "packages/*.sh"} {
		files, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				return nil, err
			}
			for _, version := range versionForm.FindAllString(string(text), -1) {
				named[version] = true
			}
		}
	}
	return named, nil
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"path/filepath"
)

// A release is one major release of Oracle Linux with the repository files of its
// images. The repository IDs are those of the oraclelinux-release-elN and
// oracle-epel-release-elN packages.
type release struct {
	Number int
	Files  map[string][]section
}

// A section is one repository in a file.
type section struct {
	ID, Name, Path string
	Enabled        int
	Extra          []string // lines beyond the usual keys
}

// releases lists the releases that a node can be set up as.
func releases() []release {
	return []release{
		{Number: 7, Files: map[string][]section{
			"oracle-linux-ol7": {
				{ID: "ol7_latest", Name: "Latest", Path: "OL7/latest", Enabled: 1},
				{ID: "ol7_optional_latest", Name: "Optional Latest", Path: "OL7/optional/latest"},
			},
			"uek-ol7":         {{ID: "ol7_UEKR6", Name: "Latest Unbreakable Enterprise Kernel Release 6", Path: "OL7/UEKR6", Enabled: 1}},
			"oracle-epel-ol7": {epel("ol7_developer_EPEL", "OL7/developer_EPEL")},
		}},
		{Number: 8, Files: map[string][]section{
			"oracle-linux-ol8": modern(8),
			"uek-ol8": {
				{ID: "ol8_UEKR7", Name: "Latest Unbreakable Enterprise Kernel Release 7", Path: "OL8/UEKR7", Enabled: 1},
				{ID: "ol8_UEKR6", Name: "Latest Unbreakable Enterprise Kernel Release 6", Path: "OL8/UEKR6"},
			},
			"oracle-epel-ol8": {
				epel("ol8_developer_EPEL", "OL8/developer/EPEL"),
				epel("ol8_developer_EPEL_modular", "OL8/developer/EPEL/modular"),
			},
		}},
		{Number: 9, Files: map[string][]section{
			"oracle-linux-ol9": modern(9),
			"uek-ol9": {
				{ID: "ol9_UEKR8", Name: "Latest Unbreakable Enterprise Kernel Release 8", Path: "OL9/UEKR8", Enabled: 1},
				{ID: "ol9_UEKR7", Name: "Latest Unbreakable Enterprise Kernel Release 7", Path: "OL9/UEKR7"},
			},
			"oracle-epel-ol9": {epel("ol9_developer_EPEL", "OL9/developer/EPEL")},
		}},
		{Number: 10, Files: map[string][]section{
			"oracle-linux-ol10": modern(10),
			"uek-ol10":          {{ID: "ol10_UEKR8", Name: "Latest Unbreakable Enterprise Kernel Release 8", Path: "OL10/UEKR8", Enabled: 1}},
			"oracle-epel-ol10":  {epel("ol10_u1_developer_EPEL", "OL10/1/developer/EPEL")},
		}},
	}
}

// modern returns the base repositories of Oracle Linux 8 and later.
func modern(n int) []section {
	id := func(name string) string { return fmt.Sprintf("ol%d_%s", n, name) }
	path := func(name string) string { return fmt.Sprintf("OL%d/%s", n, name) }
	return []section{
		{ID: id("baseos_latest"), Name: "BaseOS Latest", Path: path("baseos/latest"), Enabled: 1},
		{ID: id("appstream"), Name: "Application Stream", Path: path("appstream"), Enabled: 1},
		{ID: id("addons"), Name: "Addons", Path: path("addons")},
		{
			ID: id("codeready_builder"), Name: "CodeReady Builder", Path: path("codeready/builder"),
			Extra: []string{"# Unsupported: for building, not for running.", "priority=20"},
		},
	}
}

// epel returns a section as the oracle-epel-release packages ship it: enabled.
func epel(id, path string) section {
	return section{ID: id, Name: "EPEL Packages for Development", Path: path, Enabled: 1}
}

// write renders the release's repository files below out/repos/olN.
func (r release) write(templates, out string) error {
	for name, sections := range r.Files {
		to := filepath.Join(out, "repos", fmt.Sprintf("ol%d", r.Number), name+".repo")
		if err := expand(filepath.Join(templates, "oracle.repo.tmpl"), to, sections, 0o644); err != nil {
			return err
		}
	}
	return nil
}

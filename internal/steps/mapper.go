// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package steps

import (
	"context"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/yumrepo"
)

// Oracle's images have repository files with $ociregion and $ocidomain in their
// addresses, and a unit that asks the metadata service at boot which they are.
// On Oracle Linux 9 and 10 nothing waits for it, so a node's first script may
// come first: dnf then cannot resolve yum$ociregion.$ocidomain
// (oracle/oracle-linux oracle-linux-image-tools cloud/oci oci-yum-repo-mapper).
const (
	mapperUnit   = "oci-yum-repo-mapper.service"
	mapperMarker = "/var/lib/oci-linux-config/yum_populated"
	// mapperLimit is more than its two requests of 25 seconds and a boot.
	mapperLimit = 3 * time.Minute
)

// mapperFiles are the signs that it is done: its marker, and the variable for
// dnf and for yum.
func mapperFiles() []string {
	return []string{mapperMarker, "/etc/dnf/vars/ociregion", "/etc/yum/vars/ociregion"}
}

// mapper returns what to wait for before the named repositories are read, or
// nil: nothing on a node where they do not use the variables, where those are
// filled in, or where nothing will ever fill them in.
func mapper(ctx context.Context, sv *survey, ids []string) (*node.Await, error) {
	for _, f := range mapperFiles() {
		if _, err := fs.Stat(sv.view.Tree(), inTree(f)); err == nil {
			return nil, nil
		}
	}
	files, err := repoFiles(sv.view.Tree())
	if err != nil || !usesRegion(files, ids) {
		return nil, err
	}
	units, err := sv.view.Units(ctx, mapperUnit)
	if err != nil || !units[mapperUnit].Exists() {
		return nil, err
	}
	return &node.Await{Files: mapperFiles(), What: mapperUnit, Limit: mapperLimit}, nil
}

// usesRegion reports whether a section of those ids has the variables in its
// address.
func usesRegion(files map[string][]byte, ids []string) bool {
	for _, text := range files {
		file, err := yumrepo.Parse(text)
		if err != nil {
			continue
		}
		for _, s := range file.Sections() {
			url, _ := s.Get("baseurl")
			if slices.Contains(ids, s.ID) && strings.Contains(url, "$oci") {
				return true
			}
		}
	}
	return false
}

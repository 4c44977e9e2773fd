// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package steps

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/yumrepo"
)

// repoDir is where .repo files are.
const repoDir = "/etc/yum.repos.d"

// repoFiles reads every .repo file of the node, by path.
func repoFiles(tree fs.FS) (map[string][]byte, error) {
	entries, err := fs.ReadDir(tree, inTree(repoDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading the node: %w", err)
	}
	files := map[string][]byte{}
	for _, e := range entries {
		if path.Ext(e.Name()) != ".repo" || e.IsDir() {
			continue
		}
		name := repoDir + "/" + e.Name()
		if files[name], err = readOptional(tree, name); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// A repoSet is what the node's repository files offer.
type repoSet struct {
	// base are the enabled sections of the distribution itself.
	base []string
	// epel are EPEL's sections, enabled or not, or a pattern for the one that is
	// about to be installed.
	epel    []string
	hasEPEL bool
}

// distribution matches the ids of Oracle Linux's own packages and kernels.
var distribution = regexp.MustCompile(`^ol\d+_(latest|baseos_latest|u\d+_baseos_base|appstream|addons|optional_latest|MODRHCK|UEKR\d+)$`)

// readRepos sorts the sections of the node's repository files. If none has one
// of Oracle's names, as behind a mirror, every enabled section is base. EPEL's
// sections of another major release, which a node that was upgraded in place
// may have, are left out.
func readRepos(tree fs.FS, major int) (repoSet, error) {
	files, err := repoFiles(tree)
	if err != nil {
		return repoSet{}, err
	}
	var set repoSet
	var enabled []string
	for _, name := range slices.Sorted(maps.Keys(files)) {
		ids := yumrepo.EPEL(files[name])
		for _, id := range ids {
			if strings.HasPrefix(id, fmt.Sprintf("ol%d_", major)) {
				set.epel = append(set.epel, id)
			}
		}
		file, err := yumrepo.Parse(files[name])
		if err != nil {
			continue // dnf skips it too; the step that owns it reports it
		}
		for _, s := range file.Sections() {
			if s.Enabled() && !slices.Contains(ids, s.ID) {
				enabled = append(enabled, s.ID)
			}
		}
	}
	for _, id := range enabled {
		if distribution.MatchString(id) {
			set.base = append(set.base, id)
		}
	}
	if set.base == nil {
		set.base = enabled
	}
	if set.hasEPEL = len(set.epel) > 0; !set.hasEPEL {
		set.epel = []string{fmt.Sprintf("ol%d*_developer_EPEL", major)} // not ol8_developer_EPEL_modular
	}
	return set, nil
}

// Oracle's images have repository files with $ociregion and $ocidomain in their
// URLs, and a unit that asks the metadata service at boot which they are. On
// Oracle Linux 9 and 10 nothing waits for that unit, so a node's first script
// may run before it has finished: dnf then cannot resolve
// yum$ociregion.$ocidomain (oracle/oracle-linux oracle-linux-image-tools
// cloud/oci oci-yum-repo-mapper).
const (
	mapperUnit   = "oci-yum-repo-mapper.service"
	mapperMarker = "/var/lib/oci-linux-config/yum_populated"
	// mapperLimit is longer than its two requests of 25 seconds and a boot.
	mapperLimit = 3 * time.Minute
)

// mapperFiles are the signs that it has finished: its marker, and the variable
// for dnf and for yum.
func mapperFiles() []string {
	return []string{mapperMarker, "/etc/dnf/vars/ociregion", "/etc/yum/vars/ociregion"}
}

// awaitMapper returns what to wait for before the named repositories are read.
// It is nil on a node where they do not use the variables, where those are set
// already, or where nothing will ever set them.
func awaitMapper(ctx context.Context, view node.View, ids []string) (*node.Await, error) {
	for _, f := range mapperFiles() {
		if _, err := fs.Stat(view.Tree(), inTree(f)); err == nil {
			return nil, nil
		}
	}
	files, err := repoFiles(view.Tree())
	if err != nil || !usesRegion(files, ids) {
		return nil, err
	}
	units, err := view.Units(ctx, mapperUnit)
	if err != nil || !units[mapperUnit].Exists() {
		return nil, err
	}
	return &node.Await{Files: mapperFiles(), What: mapperUnit, Limit: mapperLimit}, nil
}

// usesRegion reports whether one of the sections has the variables in its URL.
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

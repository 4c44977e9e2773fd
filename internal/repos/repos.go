// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Package repos sorts the repositories that dnf has on a node: the
// distribution's, EPEL, and that of the running kernel, and reads local packages,
// which stand in for one. It plans nothing and
// changes nothing.
package repos

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/dnfconf"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/osrelease"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/yumrepo"
)

// Files reads dnf's configuration and the repository files that it leads to,
// by path.
func Files(tree fs.FS) (dnfconf.Config, map[string][]byte, error) {
	conf, err := dnfconf.Read(tree)
	if err != nil {
		return conf, nil, fmt.Errorf("reading the node: %w", err)
	}
	files, err := conf.Files()
	if err != nil {
		return conf, nil, fmt.Errorf("reading the node: %w", err)
	}
	return conf, files, nil
}

// A Set is what the node's repository files offer.
type Set struct {
	conf  dnfconf.Config
	files map[string][]byte
	// Base are the enabled repositories of the distribution itself.
	Base []string
	// EPEL is EPEL, enabled or not, or a pattern for the one that is about to be
	// installed.
	EPEL    []string
	HasEPEL bool
}

var (
	// distribution matches the ids of Oracle Linux's own packages and kernels, and
	// of their mirrors in OS Management Hub, "ol8_appstream-ol8-x86_64".
	distribution = regexp.MustCompile(`(?i)^ol\d+_(latest|baseos_latest|u\d+_baseos_base|appstream|addons|optional_latest|MODRHCK|UEKR\d+|developer_UEKnext)(-ol\d+-\w+)?$`)
	// oracleEPEL matches Oracle's ids of EPEL. Oracle Linux 10 has one for each
	// update release, and the version does not tell whether the newest has one yet:
	// ol10_u1_developer_EPEL was seen on a 10.2 host.
	oracleEPEL = regexp.MustCompile(`^ol\d+(_u\d+)?_developer_EPEL$`)
	// epelRelease finds the release that an EPEL is for.
	epelRelease = regexp.MustCompile(`(?i)^ol(\d+)_|epel[-/]?(\d+)`)
)

// Read sorts the repositories of the node's files. If none has one of
// Oracle's names, as behind a mirror, every enabled one but Falco's own is base.
func Read(tree fs.FS, major int, own string) (Set, error) {
	conf, files, err := Files(tree)
	if err != nil {
		return Set{}, err
	}
	set := Set{conf: conf, files: files}
	var enabled []string
	var epel []yumrepo.Section
	for _, s := range dnfconf.Repositories(files) {
		switch {
		case yumrepo.IsEPEL(s):
			if yumrepo.IsPlainEPEL(s) && !isOfOtherRelease(s, major) {
				epel = append(epel, s)
			}
		case s.Enabled() && s.ID != own:
			enabled = append(enabled, s.ID)
			if distribution.MatchString(s.ID) {
				set.Base = append(set.Base, s.ID)
			}
		}
	}
	if set.Base == nil {
		set.Base = enabled
	}
	set.EPEL = chooseEPEL(epel)
	if set.HasEPEL = len(set.EPEL) > 0; !set.HasEPEL {
		set.EPEL = []string{fmt.Sprintf("ol%d*_developer_EPEL", major)} // not ol8_developer_EPEL_modular
	}
	return set, nil
}

// OfKernel returns the repository of the running UEK if it is there and off.
// Oracle's images enable only the newest one of a release, and a node may still run
// the UEK before (oracle/oracle-linux oracle-linux-image-tools
// distr/ol8-slim/provision.sh).
func (r Set) OfKernel(k osrelease.Kernel, major int) []string {
	name := "developer_UEKnext"
	switch {
	case k.UEKRelease() != 0:
		name = fmt.Sprintf("UEKR%d", k.UEKRelease())
	case k.Flavour != osrelease.UEKNext:
		return nil
	}
	var ids []string
	for _, s := range dnfconf.Repositories(r.files) {
		if strings.EqualFold(s.ID, fmt.Sprintf("ol%d_%s", major, name)) && !slices.Contains(r.Base, s.ID) && !slices.Contains(ids, s.ID) {
			ids = append(ids, s.ID)
		}
	}
	return ids
}

// isOfOtherRelease reports whether an EPEL is for another release, as a node
// that was upgraded in place may have.
func isOfOtherRelease(s yumrepo.Section, major int) bool {
	metalink, _ := s.Get("metalink")
	base, _ := s.Get("baseurl")
	for _, text := range []string{s.ID, metalink, base} {
		if m := epelRelease.FindStringSubmatch(text); m != nil {
			return m[1]+m[2] != strconv.Itoa(major)
		}
	}
	return false
}

// chooseEPEL returns the ids of the EPEL to use where there are several: the one
// that is on, since the node reaches it, else Oracle's, else any.
func chooseEPEL(all []yumrepo.Section) []string {
	for _, fits := range []func(yumrepo.Section) bool{
		yumrepo.Section.Enabled,
		func(s yumrepo.Section) bool { return oracleEPEL.MatchString(s.ID) },
		func(yumrepo.Section) bool { return true },
	} {
		var ids []string
		for _, s := range all {
			if fits(s) && !slices.Contains(ids, s.ID) {
				ids = append(ids, s.ID)
			}
		}
		if ids != nil {
			return ids
		}
	}
	return nil
}

// Refuse fails if dnf's main file keeps packages away from dnf, or dnf from
// starting.
func (r Set) Refuse(targets []node.Target) error {
	if err := r.conf.Err; err != nil {
		return node.Errorf(node.CodePackages, "correct that file: dnf itself does not start with it", "%w", err)
	}
	for _, t := range targets {
		if o, ok := r.conf.Excluder(t.Name); ok && !path.IsAbs(t.Spec) {
			return node.Errorf(node.CodePackages, "take "+t.Name+" out of that line, or list the packages in it that are meant", "%s:%d excludes the package %s: %s=%s", r.conf.File, o.Line, t.Name, o.Key, o.Value)
		}
	}
	return nil
}

// RequireBase fails if no repository of the distribution is there. OS Management
// renames Oracle's files, and its plugin of dnf offers the packages instead.
func (r Set) RequireBase() error {
	if len(r.Base) > 0 {
		return nil
	}
	backups, err := r.conf.Backups(".osms-backup")
	if err != nil {
		return fmt.Errorf("reading the node: %w", err)
	}
	what, hint := "no repository of the distribution is enabled", "enable the repositories of Oracle Linux (dnf repolist --all), or use the driver modern_ebpf (falco.driver), with which Falco from 0.40 on needs no packages of theirs"
	if len(backups) > 0 {
		what += ": OS Management has renamed " + path.Base(backups[0])
		if more := len(backups) - 1; more > 0 {
			what += fmt.Sprintf(" and %d more", more)
		}
		hint = "take the node out of OS Management, or rename the *.osms-backup files back; with the driver modern_ebpf (falco.driver), Falco from 0.40 on needs no packages of theirs"
	}
	return node.Errorf(node.CodePackages, hint, "%s, and a kernel module is built with its packages", what)
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
// in a directory that dnf reads.
func mapperFiles(conf dnfconf.Config) []string {
	files := []string{mapperMarker}
	for _, dir := range conf.Main.VarsDirs() {
		files = append(files, path.Join(dir, "ociregion"))
	}
	return files
}

// Await returns what to wait for before the named repositories are read.
// It is nil on a node where they do not use the variables, where those are set
// already, or where nothing will ever set them.
func (r Set) Await(ctx context.Context, view node.View, ids []string) (*node.Await, error) {
	signs := mapperFiles(r.conf)
	for _, f := range signs {
		if _, err := fs.Stat(view.Tree(), strings.TrimPrefix(f, "/")); err == nil {
			return nil, nil
		}
	}
	if !usesRegion(r.files, ids) {
		return nil, nil
	}
	units, err := view.Units(ctx, mapperUnit)
	if err != nil || !units[mapperUnit].Exists() {
		return nil, err
	}
	return &node.Await{Files: signs, What: mapperUnit, Limit: mapperLimit}, nil
}

// usesRegion reports whether one of the repositories has the variables in its
// URL.
func usesRegion(files map[string][]byte, ids []string) bool {
	return slices.ContainsFunc(dnfconf.Repositories(files), func(s yumrepo.Section) bool {
		url, _ := s.Get("baseurl")
		return slices.Contains(ids, s.ID) && strings.Contains(url, "$oci")
	})
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falco

import (
	"io/fs"
	"slices"
	"strings"
)

// PreloadLibrary is the library that [NeedsPreload] is about.
const PreloadLibrary = "/lib64/libresolv.so.2"

// NeedsPreload reports whether Falco's unit needs libresolv preloaded: its
// container plugin uses a function that glibc before 2.34 keeps in libresolv,
// and is linked against that from 0.45 on:
// falcosecurity/plugins#1500, falcosecurity/falco#3719.
func NeedsPreload(h Host, falcoVersion string) bool {
	v, err := parseVersion(falcoVersion)
	return err == nil && slices.ContainsFunc(table(), func(r Row) bool {
		return r.Kind == needsDropIn && r.When.fits(h) && r.When.falco.has(v)
	})
}

// NeedsBuildDeps reports whether dkms and kernel headers must be installed:
// for the kernel module, and for any Falco before 0.40, whose package requires
// them with every driver: falcosecurity/falco#3450.
func NeedsBuildDeps(driver, falcoVersion string) bool {
	return driver == Kmod || RequiresBuildDeps(falcoVersion)
}

// RequiresBuildDeps reports whether the package itself requires them.
func RequiresBuildDeps(falcoVersion string) bool { return before(falcoVersion, "0.40.0") }

// Unerasable reports whether the package can be neither removed nor upgraded
// by its own scriptlets, which contain unexpanded macros: falcosecurity/falco#3503.
func Unerasable(falcoVersion string) bool {
	v, err := parseVersion(falcoVersion)
	return err == nil && v == dotted("0.40.0")
}

// ModuleCommands returns the commands that build Falco's kernel module for a
// kernel and load it, in order, or none for 0.32 and 0.33, whose package does
// it in %post: falcosecurity/falco scripts/rpm/postinstall.in by tag. The
// loader of 0.34 to 0.36 builds only for the running kernel.
func ModuleCommands(falcoVersion, kernelRelease string) [][]string {
	const falcoctl = "/usr/bin/falcoctl"
	switch {
	case before(falcoVersion, "0.34.0"):
		return nil
	case before(falcoVersion, "0.37.0"):
		return [][]string{{"/usr/bin/falco-driver-loader", "--compile", "module"}}
	}
	config := []string{falcoctl, "driver", "config", "--type", Kmod}
	install := []string{falcoctl, "driver", "install", "--download=false"}
	if kernelRelease != "" {
		install = append(install, "--kernelrelease="+kernelRelease)
	}
	return [][]string{config, install}
}

// InstallEnvironment returns the environment in which Falco's scriptlets do not
// ask at the terminal, choose a driver or start falcoctl: falco 0.44.1
// scripts/rpm/postinstall.in. They still unmask [FollowUnit].
func InstallEnvironment() []string {
	return []string{"FALCO_FRONTEND=noninteractive", "FALCO_DRIVER_CHOICE=none", "FALCOCTL_ENABLED=no"}
}

// A Directory is one that the package puts files into.
type Directory struct {
	// Pattern is its path, as [path.Match] takes it.
	Pattern string
	// Shared means that most of what is there belongs to others.
	Shared bool
}

// Has reports whether a file of this name there can be Falco's.
func (d Directory) Has(name string) bool { return !d.Shared || strings.HasPrefix(name, "falco") }

// Roots returns the directories of a tree that are Falco's alone, by absolute path.
func Roots(tree fs.FS) []string {
	var all []string
	for _, dir := range Directories() {
		found, _ := fs.Glob(tree, dir.Pattern[1:]) // the patterns are well-formed
		for _, root := range found {
			if !dir.Shared {
				all = append(all, "/"+root)
			}
		}
	}
	return all
}

// Directories returns where the package and its scriptlets put files, in any
// release: `rpm -qlp` of falco 0.32.2 to 0.44.1.
func Directories() []Directory {
	return []Directory{
		{Pattern: "/etc/falco"},
		{Pattern: "/etc/falcoctl"},
		{Pattern: "/usr/share/falco"},
		{Pattern: "/usr/src/falco-*"},
		{Pattern: "/usr/bin", Shared: true},
		{Pattern: "/usr/lib/systemd/system", Shared: true},
	}
}

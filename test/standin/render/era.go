// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"path"
	"strings"

	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
)

// An era is one release of Falco with what distinguishes its package. Sources:
// falcosecurity/falco scripts/rpm, scripts/systemd and
// cmake/modules/CPackConfig.cmake at the release's tag.
type era struct {
	Version string // such as 0.44.1
	Minor   int    // 44
}

func newEra(version string) era {
	e := era{Version: version}
	if _, err := fmt.Sscanf(version, "0.%d.", &e.Minor); err != nil {
		panic("version " + version + ": " + err.Error())
	}
	return e
}

// Units returns the units that start Falco itself, by file name.
func (e era) Units() []string {
	modern := falco.UnitFor(falco.ModernEBPF, e.Version)
	if modern == falco.AliasUnit {
		return []string{modern}
	}
	units := []string{falco.UnitFor(falco.Kmod, e.Version), modern, "falco-custom.service"}
	if e.Minor < 44 {
		units = append(units, "falco-bpf.service")
	}
	return units
}

// UnitList returns the names of Units separated by spaces, for a shell command.
func (e era) UnitList() string { return strings.Join(e.Units(), " ") }

// FollowUnit returns the unit that replaces rules by itself.
func (e era) FollowUnit() string { return falco.FollowUnit }

// NeedsDKMS reports whether the package requires dkms.
func (e era) NeedsDKMS() bool { return falco.NeedsBuildDeps(falco.ModernEBPF, e.Version) }

// Unerasable reports whether unexpanded macros break the package's scriptlets.
func (e era) Unerasable() bool { return falco.Unerasable(e.Version) }

// A unit is one service file of an era.
type unit struct {
	Falco era
	Name  string // without .service
}

// ExecStart returns the command line that starts Falco.
func (u unit) ExecStart() string {
	kind := map[string]string{"falco-kmod": falco.Kmod, "falco-bpf": "ebpf", "falco-modern-bpf": falco.ModernEBPF}[u.Name]
	command := falco.Program
	if u.Falco.Minor < 36 {
		command += " --pidfile=/var/run/falco.pid"
	}
	switch {
	case u.Falco.Minor >= 37 && kind != "":
		command += " -o engine.kind=" + kind
	case u.Falco.Minor < 37 && kind == falco.ModernEBPF:
		command += " --modern-bpf"
	}
	return command
}

// InjectUnit returns the unit that loads the kernel module for this unit, or "".
func (u unit) InjectUnit() string {
	switch {
	case u.Falco.Minor == 33:
		return "falco_inject_kmod.service"
	case u.Name == "falco-kmod":
		return "falco-kmod-inject.service"
	}
	return ""
}

// Alias returns the other name that the unit has while it is enabled, or "". Up to
// 0.38 only falco-kmod has one (falcosecurity/falco#3332).
func (u unit) Alias() string {
	if u.Name+".service" != falco.AliasUnit && (u.Falco.Minor >= 39 || u.Name == "falco-kmod") {
		return falco.AliasUnit
	}
	return ""
}

// A file is one file of the packaged tree: the name of its template and its path.
type file struct {
	template, path string
	data           any
	mode           uint32
}

// files lists the era's tree except for the falco program, which the image adds.
func (e era) files() []file {
	const units = "usr/lib/systemd/system/"
	list := []file{
		{"falco.yaml.tmpl", "etc/falco/falco.yaml", e, 0o644},
		{"falco_rules.yaml.tmpl", "etc/falco/falco_rules.yaml", e, 0o644},
		{"falco_rules.local.yaml", "etc/falco/falco_rules.local.yaml", e, 0o644},
		{"version.tmpl", "usr/share/falco/version", e, 0o644},
		// The module's source, which dkms builds in every era. The real package's
		// directory has the version of the driver in its name.
		{"dkms.conf.tmpl", "usr/src/falco-" + e.Version + "/dkms.conf", e, 0o644},
	}
	for _, name := range e.Units() {
		u := unit{Falco: e, Name: strings.TrimSuffix(name, ".service")}
		list = append(list, file{"unit.service.tmpl", units + name, u, 0o644})
		if inject := u.InjectUnit(); inject != "" {
			list = append(list, file{inject, units + inject, e, 0o644})
		}
	}
	if e.Minor < 37 {
		list = append(list, file{"falco-driver-loader", "usr/bin/falco-driver-loader", e, 0o755})
	}
	if e.Minor >= 34 {
		list = append(list,
			file{"falcoctl", "usr/bin/falcoctl", e, 0o755},
			file{"falcoctl.yaml.tmpl", "etc/falcoctl/falcoctl.yaml", e, 0o644},
			file{"falcoctl-artifact-follow.service.tmpl", path.Join(units, falco.FollowUnit), e, 0o644},
		)
	}
	if e.Minor >= 41 {
		list = append(list,
			file{"falco.container_plugin.yaml", "etc/falco/config.d/falco.container_plugin.yaml", e, 0o644},
			file{"libcontainer.so", "usr/share/falco/plugins/libcontainer.so", e, 0o644},
		)
	}
	return list
}

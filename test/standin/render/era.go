// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strconv"
	"strings"
)

// versions lists the releases of Falco that the node's repositories hold: one
// or more of every era in which the package behaves alike.
func versions() []string {
	return []string{
		"0.32.2", "0.36.2", "0.37.1", "0.38.2", "0.39.2", "0.40.0", "0.41.3",
		"0.44.1", "0.45.0",
	}
}

// An era is one release of Falco with what sets its package apart. Sources:
// falcosecurity/falco scripts/rpm, scripts/systemd and
// cmake/modules/CPackConfig.cmake at the release's tag.
type era struct {
	Version string // such as 0.44.1
	Minor   int    // 44
}

func newEra(version string) era {
	minor, err := strconv.Atoi(strings.Split(version, ".")[1])
	if err != nil {
		panic("version " + version + ": " + err.Error())
	}
	return era{Version: version, Minor: minor}
}

// Units returns the units that start Falco itself, by file name.
func (e era) Units() []string {
	switch {
	case e.Minor < 34:
		return []string{"falco.service"}
	case e.Minor < 44:
		return []string{"falco-kmod.service", "falco-bpf.service", "falco-modern-bpf.service", "falco-custom.service"}
	}
	return []string{"falco-kmod.service", "falco-modern-bpf.service", "falco-custom.service"}
}

// UnitList returns Units as the words of a shell command.
func (e era) UnitList() string { return strings.Join(e.Units(), " ") }

// A unit is one service file of an era.
type unit struct {
	Falco era
	Name  string // without .service
}

// ExecStart returns the command line the unit starts Falco with.
func (u unit) ExecStart() string {
	const falco = "/usr/bin/falco"
	pidfile := ""
	if u.Falco.Minor < 36 {
		pidfile = " --pidfile=/var/run/falco.pid"
	}
	kind := map[string]string{"falco-kmod": "kmod", "falco-bpf": "ebpf", "falco-modern-bpf": "modern_ebpf"}[u.Name]
	switch {
	case u.Falco.Minor >= 37 && kind != "":
		return falco + " -o engine.kind=" + kind
	case u.Falco.Minor < 37 && kind == "modern_ebpf":
		return falco + pidfile + " --modern-bpf"
	}
	return falco + pidfile
}

// Alias reports whether enabling the unit makes falco.service point at it:
// falco-kmod's alone up to 0.38, every unit's since (falcosecurity/falco#3332).
func (u unit) Alias() bool {
	if u.Falco.Minor < 34 {
		return false
	}
	return u.Falco.Minor >= 39 || u.Name == "falco-kmod"
}

// file is one file of the packaged tree: a template's name and where it goes.
type file struct {
	template, path string
	data           any
	mode           uint32
}

// files lists the era's tree, but for the falco program, which the image adds.
func (e era) files() []file {
	list := []file{
		{"falco.yaml.tmpl", "etc/falco/falco.yaml", e, 0o644},
		{"falco_rules.yaml.tmpl", "etc/falco/falco_rules.yaml", e, 0o644},
		{"falco_rules.local.yaml", "etc/falco/falco_rules.local.yaml", e, 0o644},
		{"version.tmpl", "usr/share/falco/version", e, 0o644},
	}
	for _, name := range e.Units() {
		u := unit{Falco: e, Name: strings.TrimSuffix(name, ".service")}
		list = append(list, file{"unit.service.tmpl", "usr/lib/systemd/system/" + name, u, 0o644})
	}
	if e.Minor < 37 {
		list = append(list, file{"falco-driver-loader", "usr/bin/falco-driver-loader", e, 0o755})
	}
	// The module's source, which dkms builds in every era. The real package's
	// folder bears the version of the driver.
	list = append(list, file{"dkms.conf.tmpl", fmt.Sprintf("usr/src/falco-%s/dkms.conf", e.Version), e, 0o644})
	if e.Minor < 34 {
		return list
	}
	list = append(
		list,
		file{"falcoctl", "usr/bin/falcoctl", e, 0o755},
		file{"falcoctl.yaml.tmpl", "etc/falcoctl/falcoctl.yaml", e, 0o644},
		file{"falco-kmod-inject.service", "usr/lib/systemd/system/falco-kmod-inject.service", e, 0o644},
		file{"falcoctl-artifact-follow.service.tmpl", "usr/lib/systemd/system/falcoctl-artifact-follow.service", e, 0o644},
	)
	if e.Minor >= 41 {
		list = append(
			list,
			file{"falco.container_plugin.yaml", "etc/falco/config.d/falco.container_plugin.yaml", e, 0o644},
			file{"libcontainer.so", "usr/share/falco/plugins/libcontainer.so", e, 0o644},
		)
	}
	return list
}

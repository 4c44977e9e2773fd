// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package osrelease

import (
	"regexp"
	"strings"
)

// What follows the machine in a release, and the mark of the real-time kernels
// before Oracle Linux 9, which is in the middle:
// "4.18.0-553.rt7.342.el8_10.x86_64".
var (
	kernelVariant  = regexp.MustCompile(`\.(?:x86_64|aarch64|i[3-6]86|ppc64le|s390x)[.+]([0-9A-Za-z-]+)$`)
	realTimeKernel = regexp.MustCompile(`[-.]rt\d+\.`)
)

// Variant returns which build of its version the kernel is, "" for the usual
// one. In an RHCK's release it follows a plus, since Oracle Linux 8: "debug",
// "64k", "64k-debug", "rt", "rt-debug", "rt-64k". In that of a UEK, and of an RHCK
// of Oracle Linux 7, it follows a dot: "debug", "64k", "64kdebug".
func (k Kernel) Variant() string {
	variant := ""
	if m := kernelVariant.FindStringSubmatch(k.Release); m != nil {
		variant = m[1]
	}
	if k.Flavour == RHCK && realTimeKernel.MatchString(k.Release) {
		return strings.TrimSuffix("rt-"+variant, "-")
	}
	return variant
}

// build returns the release without its variant, which is the version, release
// and machine of the kernel's packages.
func (k Kernel) build() string {
	if m := kernelVariant.FindStringSubmatch(k.Release); m != nil {
		return k.Release[:len(k.Release)-len(m[1])-1]
	}
	return k.Release
}

// DevelName returns the name of the package with the headers of exactly this
// kernel. On x86_64 kernel-devel never matches a UEK. For a UEK with pages of
// 64 KiB there is no dash before the variant: kernel-uek64k-devel,
// kernel-uek64kdebug-devel.
//
// Sources: oracle/linux-uek uek-rpm/ol8, ol9 and ol10 kernel-uek.spec
// (kernel_variant_package and its -o), its README for UEK-next, and CentOS
// Stream's kernel.spec (kernel_devel_package).
func (k Kernel) DevelName() string {
	name := map[Flavour]string{UEK: "kernel-uek", UEKNext: "kernel-ueknext"}[k.Flavour]
	if name == "" {
		name = "kernel"
	}
	switch v := k.Variant(); {
	case v == "" || k.Flavour == Other:
	case k.Flavour != RHCK && strings.HasPrefix(v, "64k"):
		name += v
	default:
		name += "-" + v
	}
	return name + "-devel"
}

// DevelPackage returns the package [Kernel.DevelName] of exactly this kernel,
// as dnf takes it: "kernel-debug-devel-4.18.0-553.el8_10.x86_64". The package's
// version and release do not name the variant.
func (k Kernel) DevelPackage() string { return k.DevelName() + "-" + k.build() }

// DevelProvides returns what a package with the headers of exactly this kernel
// provides, any of which will do: its name with its version, and the release that
// it is for, which the packages of every variant and of a rebuilt kernel
// provide. It is empty for a kernel whose release does not name its machine.
//
// Sources: the spec files of [Kernel.DevelName], and oracle/linux-uek, whose
// variant is a part of the capability's name.
func (k Kernel) DevelProvides() []string {
	version, ok := strings.CutSuffix(k.build(), "."+k.Arch)
	if !ok || k.Arch == "" {
		return nil
	}
	all := []string{k.DevelName() + " = " + version}
	for _, name := range []string{"kernel-devel", "kernel-uek-devel", "kernel-ueknext-devel"} {
		all = append(all, name+"-uname-r = "+k.Release)
	}
	return all
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package osrelease

import (
	"fmt"
	"regexp"
	"strings"
)

// A Flavour is a line of kernels.
type Flavour string

// The flavours of Oracle Linux kernels.
const (
	RHCK    Flavour = "RHCK"     // the Red Hat Compatible Kernel
	UEK     Flavour = "UEK"      // the Unbreakable Enterprise Kernel
	UEKNext Flavour = "UEK-next" // Oracle's preview of the UEK to come
	Other   Flavour = "other"    // no kernel of an Enterprise Linux
)

// A Kernel is a kernel release taken apart.
type Kernel struct {
	// Release is what uname -r prints, such as
	// "5.15.0-210.163.7.el8uek.x86_64".
	Release string
	Flavour Flavour
	// Version is the upstream version that the kernel derives from. An RHCK
	// has features of later ones backported.
	Version [3]int
	// EL is the Enterprise Linux it was built for, 8 for el8, or 0.
	EL int
	// Arch is the machine that the release names, such as "x86_64", or "".
	Arch string
	// Variant is what follows the machine, such as "debug" or "64k", or "".
	Variant string
	// UEKRelease is the release of the UEK, 6 for R6, or 0 for another kernel
	// and for a UEK older than R6.
	UEKRelease int
}

// An UnknownKernelError says that a string is no kernel release.
type UnknownKernelError struct{ Release string }

func (e *UnknownKernelError) Error() string {
	return fmt.Sprintf("%q is not a kernel release as uname -r prints it", e.Release)
}

var (
	kernelRelease = regexp.MustCompile(`^(\d{1,4})\.(\d{1,5})(?:\.(\d{1,5}))?(?:[-.+~_][0-9A-Za-z.+~_-]*)?$`)
	kernelBuild   = regexp.MustCompile(`\.el(\d{1,3})(?:_\d+)?(uek(?:next)?)?(?:\.|$)`)
	kernelArch    = regexp.MustCompile(`\.(x86_64|aarch64|i[3-6]86|ppc64le|s390x)(?:[.+]([0-9A-Za-z-]+))?$`)
)

// ParseKernel reads a kernel release as uname -r prints it. Space around it is
// ignored. The result can be put into a package name or a path: a string with
// any character that a kernel release does not have is an
// [*UnknownKernelError].
func ParseKernel(release string) (Kernel, error) {
	release = strings.TrimSpace(release)
	m := kernelRelease.FindStringSubmatch(release)
	if m == nil || len(release) > 64 || strings.Contains(release, "..") {
		return Kernel{}, &UnknownKernelError{Release: release[:min(len(release), 80)]}
	}
	k := Kernel{
		Release: release,
		Flavour: Other,
		Version: [3]int{number(m[1]), number(m[2]), number(m[3])},
	}
	if b := kernelBuild.FindStringSubmatch(release); b != nil {
		k.EL, k.Flavour = number(b[1]), RHCK
	}
	if a := kernelArch.FindStringSubmatch(release); a != nil {
		k.Arch, k.Variant = a[1], a[2]
	}
	// Wherever the letters stand, as for Falco's own tool, whose rule decides
	// whether a module can be built: falcosecurity/falcoctl
	// pkg/driver/distro/oracle.go.
	switch {
	case strings.Contains(release, "ueknext"):
		k.Flavour = UEKNext
	case strings.Contains(release, "uek"):
		k.Flavour = UEK
		k.UEKRelease = uekRelease(k.Version)
	}
	return k, nil
}

// uekRelease maps the base of a UEK to its release, as Oracle's kernel version
// matrices do.
func uekRelease(version [3]int) int {
	switch [2]int{version[0], version[1]} {
	case [2]int{5, 4}:
		return 6
	case [2]int{5, 15}:
		return 7
	case [2]int{6, 12}:
		return 8
	}
	return 0
}

// IsUEK reports whether the kernel is one of Oracle's own, the preview
// included.
func (k Kernel) IsUEK() bool { return k.Flavour == UEK || k.Flavour == UEKNext }

// Base returns the first two numbers of the version, such as "5.15".
func (k Kernel) Base() string { return fmt.Sprintf("%d.%d", k.Version[0], k.Version[1]) }

// String names the kernel for people: "UEK R7 (5.15)", "RHCK (4.18)".
func (k Kernel) String() string {
	switch {
	case k.UEKRelease != 0:
		return fmt.Sprintf("UEK R%d (%s)", k.UEKRelease, k.Base())
	case k.Flavour == Other:
		return "kernel " + k.Release
	}
	return fmt.Sprintf("%s (%s)", k.Flavour, k.Base())
}

// DevelPackage returns the package with the headers of exactly this kernel.
// On x86_64 kernel-devel-R never matches a UEK: oracle/linux-uek
// uek-rpm/ol8/kernel-uek.spec.
func (k Kernel) DevelPackage() string {
	if k.IsUEK() {
		return "kernel-uek-devel-" + k.Release
	}
	return "kernel-devel-" + k.Release
}

// Toolset returns the package with the compiler that a module for this kernel
// needs on Oracle Linux major, or "" where the distribution's own gcc is the
// one. The kernel was built with it, and an older gcc refuses its options:
// NVIDIA's driver installation guide for Oracle Linux, dkms-project/dkms#299.
func (k Kernel) Toolset(major int) string {
	switch {
	case k.UEKRelease == 7 && major == 8:
		return "gcc-toolset-11"
	case k.UEKRelease == 8 && major == 9:
		return "gcc-toolset-14"
	}
	return ""
}

// AtLeast reports whether the kernel's version is major.minor or later.
func (k Kernel) AtLeast(major, minor int) bool {
	return k.Version[0] > major || k.Version[0] == major && k.Version[1] >= minor
}

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
	UEKNext Flavour = "UEK-next" // Oracle's preview of the next UEK
	Other   Flavour = "other"    // not an Enterprise Linux kernel
)

// A Kernel is a parsed kernel release.
type Kernel struct {
	Release string // as uname -r prints it: "5.15.0-210.163.7.el8uek.x86_64"
	Flavour Flavour
	// Version is the upstream version that the kernel is based on. An RHCK has
	// features of later ones backported.
	Version [3]int
	Arch    string // the machine that the release names, such as "x86_64", or ""
}

var (
	kernelRelease = regexp.MustCompile(`^(\d{1,4})\.(\d{1,5})(?:\.(\d{1,5}))?(?:[-.+~_][0-9A-Za-z.+~_-]*)?$`)
	kernelBuild   = regexp.MustCompile(`\.el\d{1,3}(?:_\d+)?(?:uek(?:next)?)?(?:\.|$)`)
	kernelArch    = regexp.MustCompile(`\.(x86_64|aarch64|i[3-6]86|ppc64le|s390x)(?:[.+][0-9A-Za-z-]+)?$`)
)

// ParseKernel reads a kernel release as uname -r prints it, and ignores space
// around it. A character that no kernel release contains is an error, so the
// result is safe in a package name and in a path.
func ParseKernel(release string) (Kernel, error) {
	release = strings.TrimSpace(release)
	m := kernelRelease.FindStringSubmatch(release)
	if m == nil || len(release) > 64 || strings.Contains(release, "..") {
		return Kernel{}, fmt.Errorf("%q is not a kernel release as uname -r prints it", release[:min(len(release), 80)])
	}
	k := Kernel{
		Release: release,
		Flavour: Other,
		Version: [3]int{number(m[1]), number(m[2]), number(m[3])},
	}
	if a := kernelArch.FindStringSubmatch(release); a != nil {
		k.Arch = a[1]
	}
	// Falco's own tool finds UEK by these letters anywhere in the release, and
	// decides by that whether a module can be built: falcosecurity/falcoctl
	// pkg/driver/distro/oracle.go.
	switch {
	case strings.Contains(release, "ueknext"):
		k.Flavour = UEKNext
	case strings.Contains(release, "uek"):
		k.Flavour = UEK
	case kernelBuild.MatchString(release):
		k.Flavour = RHCK
	}
	return k, nil
}

// UEKRelease returns the release of a UEK, 6 for R6, by the version it is based
// on, as Oracle's kernel version matrices give them. It returns 0 for another
// kernel and for a UEK older than R6.
func (k Kernel) UEKRelease() int {
	if k.Flavour != UEK {
		return 0
	}
	return map[string]int{"5.4": 6, "5.15": 7, "6.12": 8}[k.base()]
}

// base returns the first two numbers of the version.
func (k Kernel) base() string { return fmt.Sprintf("%d.%d", k.Version[0], k.Version[1]) }

// String formats the kernel for people: "UEK R7 (5.15)", "RHCK (4.18)".
func (k Kernel) String() string {
	switch r := k.UEKRelease(); {
	case r != 0:
		return fmt.Sprintf("UEK R%d (%s)", r, k.base())
	case k.Flavour == Other:
		return "kernel " + k.Release
	}
	return fmt.Sprintf("%s (%s)", k.Flavour, k.base())
}

// Toolset returns the package with the compiler that a module for this kernel
// needs on Oracle Linux major, or "" where the distribution's own gcc will do.
// The kernel was built with that compiler, and an older gcc refuses its
// options: NVIDIA's driver installation guide for Oracle Linux,
// dkms-project/dkms#299.
func (k Kernel) Toolset(major int) string {
	switch r := k.UEKRelease(); {
	case r == 7 && major == 8:
		return "gcc-toolset-11"
	case r == 8 && major == 9:
		return "gcc-toolset-14"
	}
	return ""
}

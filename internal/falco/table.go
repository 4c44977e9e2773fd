// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falco

import (
	"slices"

	"github.com/falco-bootstrap/falco-bootstrap/pkg/osrelease"
)

// table returns the rows, in the order in which they decide: the first one
// that forbids a version gives the reason.
func table() []Row {
	return slices.Concat(hostRows(), modernRows(), moduleRows(), otherRows())
}

func uek() []osrelease.Flavour  { return []osrelease.Flavour{osrelease.UEK, osrelease.UEKNext} }
func rhck() []osrelease.Flavour { return []osrelease.Flavour{osrelease.RHCK} }

// hostRows are about hosts that cannot run Falco at all, then about versions
// of Falco, with any driver.
func hostRows() []Row {
	preloaded := span{"0.42.0", "0.45.0"}
	return []Row{
		{
			ID: "os-old", When: condition{osMax: 6}, Kind: refuse,
			Reason: "Oracle Linux 6 and older have neither systemd nor a glibc that Falco runs with",
			Remedy: "run it on Oracle Linux 7 to 10",
			Source: "https://falco.org/docs/setup/packages/#system-requirements",
		},
		{
			ID: "os-new", When: condition{osMin: 11}, Kind: refuse,
			Reason: "nothing is known yet about Falco on this release of Oracle Linux",
			Remedy: "use a newer falco-bootstrap",
			Source: "this table ends with Oracle Linux 10",
		},
		{
			ID: "arch", When: condition{otherArch: true}, Kind: refuse,
			Reason: "Falco's packages are built only for x86_64 and aarch64",
			Remedy: "run it on another machine",
			Source: "https://download.falco.org/?prefix=packages/rpm/",
		},
		{
			ID: "uek-r6", When: condition{flavours: uek(), kernel: span{below: "5.8"}}, Kind: refuse,
			Reason: "no driver works on UEK R6 (5.4) or older: the kernel has no ring buffer and lacks the program type of modern_ebpf even where it has BTF, and Falco's own tooling skips the kernel module on every UEK",
			Remedy: "boot UEK R7 or newer, or the RHCK with --driver kmod",
			Source: "https://github.com/falcosecurity/falco/issues/3498, https://github.com/falcosecurity/falco/issues/2792",
		},
		{
			ID: "kernel-7.0", When: condition{kernel: span{from: "7.0"}, falco: span{below: "0.45.0"}}, Kind: refuse,
			Reason: "Linux 7.0 is too new for Falco before 0.45, which aborts while parsing the parameters of an event",
			Remedy: "boot an older kernel, or take a newer Falco",
			Source: "https://github.com/falcosecurity/falco/issues/3955",
		},
		{
			ID: "falco-before-0.32", When: condition{falco: span{below: "0.32.0"}}, Kind: refuse,
			Reason: "this table does not go back before Falco 0.32; older packages have MD5 digests, which a host in FIPS mode refuses",
			Remedy: "pin a newer version, or none",
			Source: "https://github.com/falcosecurity/falco/issues/1894",
		},
		{
			ID: "falco-0.40.0", When: condition{falco: span{"0.40.0", "0.40.1"}}, Kind: avoid,
			Reason: "the scriptlets of the 0.40.0 package contain unexpanded macros: it enables no unit and can be neither removed nor upgraded",
			Remedy: "take 0.41.0 or later",
			Source: "https://github.com/falcosecurity/falco/issues/3503",
		},
		{
			ID: "falco-0.41.3-el8", When: condition{osMin: 8, osMax: 8, falco: span{"0.41.3", "0.41.4"}}, Kind: avoid,
			Reason: "the 0.41.3 package does not install on EL8: it needs GLIBCXX_3.4.26, which came with a newer gcc",
			Remedy: "take 0.41.2, or 0.42.0 or later",
			Source: "https://github.com/falcosecurity/falco/issues/3638",
		},
		{
			ID: "glibc-2.28", When: condition{glibcBelow: "2.28", falco: span{from: "0.40.0"}}, Kind: refuse,
			Reason: "Falco from 0.40 on is built for glibc 2.28, and this host's is older",
			Remedy: "take 0.39.2, the last that was built on CentOS 7, or move the node to Oracle Linux 8 or later",
			Source: "https://github.com/falcosecurity/falco/pull/3307, https://falco.org/docs/setup/packages/#system-requirements",
		},
		{
			ID: "libresolv", When: condition{glibcBelow: "2.34", falco: preloaded}, Kind: needsDropIn,
			Reason: "the container plugin of Falco " + preloaded.minors() + " uses __res_search, which glibc before 2.34 keeps in libresolv, and is not linked against that: Falco exits at every start",
			Remedy: "preload " + PreloadLibrary + " with a drop-in of the unit",
			Source: "https://github.com/falcosecurity/plugins/issues/1500, https://github.com/falcosecurity/falco/issues/3719",
		},
	}
}

// modernRows are about the modern eBPF probe.
func modernRows() []Row {
	return []Row{
		{
			ID: "modern-0.34", When: condition{driver: ModernEBPF, falco: span{below: "0.34.0"}}, Kind: refuse,
			Reason: "Falco's packages have a unit for modern_ebpf from 0.34 on",
			Remedy: "use --driver kmod, or a newer version",
			Source: "falcosecurity/falco scripts/systemd at 0.33.1 and 0.34.0",
		},
		{
			ID: "modern-ol7", When: condition{driver: ModernEBPF, osMax: 7}, Kind: refuse,
			Reason: "no kernel of Oracle Linux 7 has what modern_ebpf needs: the RHCK is 3.10, and UEK R6 lacks the program type",
			Remedy: "use --driver kmod on the RHCK",
			Source: "https://falco.org/docs/concepts/event-sources/kernel/, https://github.com/falcosecurity/falco/issues/2792",
		},
		{
			ID: "modern-kernel-5.8", When: condition{driver: ModernEBPF, flavours: []osrelease.Flavour{osrelease.Other}, kernel: span{below: "5.8"}}, Kind: refuse,
			Reason: "modern_ebpf needs Linux 5.8 or later, which brought the BPF ring buffer",
			Remedy: "boot a newer kernel, or use --driver kmod",
			Source: "https://falco.org/docs/concepts/event-sources/kernel/",
		},
		{
			ID: "modern-rhck-8.5", When: condition{driver: ModernEBPF, flavours: rhck(), kernel: span{below: "5.8"}, build: span{below: "372"}}, Kind: refuse,
			Reason: "an RHCK 4.18 from before 8.6 may lack backports that modern_ebpf needs: 4.18.0-240 has no BPF ring buffer, and which later build was the first to have all of them is not known",
			Remedy: "update the kernel, or use --driver kmod",
			Source: "https://github.com/grafana/beyla/pull/1175",
		},
		{
			ID: "modern-rhck-8.6", When: condition{driver: ModernEBPF, flavours: rhck(), kernel: span{below: "5.8"}, build: span{from: "372"}}, Kind: note,
			Reason: "the RHCK 4.18 is older than 5.8 but runs modern_ebpf thanks to backports: seen running on 8.10, and in the tests of Falco's libraries on CentOS 4.18; for 8.6 to 8.9 this is inferred",
			Remedy: "use --driver kmod if the probe does not load",
			Source: "https://github.com/falcosecurity/falco/issues/3719, https://github.com/falcosecurity/libs/pull/3026",
		},
		{
			ID: "modern-btf", When: condition{driver: ModernEBPF, noBTF: true}, Kind: refuse,
			Reason: "modern_ebpf needs BTF, and this kernel has no /sys/kernel/btf/vmlinux",
			Remedy: "boot one of Oracle's kernels, which have it, or use --driver kmod",
			Source: "https://falco.org/docs/concepts/event-sources/kernel/",
		},
		{
			ID: "modern-6.12", When: condition{driver: ModernEBPF, kernel: span{from: "6.12"}, falco: span{below: "0.40.0"}}, Kind: refuse,
			Reason: "Linux 6.12 rejects the probe of Falco before 0.40: its programs share tail calls, which is no longer allowed; the fix came after the libraries of 0.39.2",
			Remedy: "take 0.41.0 or later",
			Source: "https://github.com/falcosecurity/libs/pull/2150, https://github.com/falcosecurity/libs/pull/2172",
		},
		{
			ID: "modern-6.19", When: condition{driver: ModernEBPF, kernel: span{from: "6.19"}, falco: span{below: "0.44.0"}}, Kind: refuse,
			Reason: "Linux 6.19 rejects the probe of Falco before 0.44: the program recvmmsg_x is too large for it",
			Remedy: "take 0.44.0 or later",
			Source: "https://github.com/falcosecurity/falco/issues/3829",
		},
	}
}

// moduleRows are about the kernel module, first on Oracle's own kernels, then
// on any.
func moduleRows() []Row {
	const loader = "use --driver modern_ebpf, or boot the RHCK"
	return []Row{
		{
			ID: "kmod-uek", When: condition{driver: Kmod, flavours: uek(), unpinned: true}, Kind: refuse,
			Reason: "Falco's own tooling refuses to build its kernel module on any UEK",
			Remedy: loader,
			Source: "falcosecurity/falcoctl pkg/driver/distro/oracle.go",
		},
		{
			ID: "kmod-uek-loader", When: condition{driver: Kmod, flavours: uek(), falco: span{"0.34.0", "0.37.0"}}, Kind: refuse,
			Reason: "falco-driver-loader skips dkms on any UEK, because the build is said to always fail",
			Remedy: loader,
			Source: "falcosecurity/falco scripts/falco-driver-loader at 0.34.1 to 0.36.2",
		},
		{
			ID: "kmod-uek-falcoctl", When: condition{driver: Kmod, flavours: uek(), falco: span{from: "0.38.0"}}, Kind: refuse,
			Reason: "falcoctl skips the kernel module on any UEK, because the build is said to always fail",
			Remedy: loader,
			Source: "https://github.com/falcosecurity/falcoctl/pull/562",
		},
		{
			ID: "kmod-uek-0.37", When: condition{driver: Kmod, flavours: uek(), falco: span{"0.37.0", "0.38.0"}}, Kind: warn,
			Reason: "Falco 0.37 is the only one since 0.34 whose tooling does not refuse the kernel module on UEK; whether it builds there is not known",
			Remedy: loader,
			Source: "https://github.com/falcosecurity/falcoctl/pull/562",
		},
		{
			ID: "kmod-uek-0.32", When: condition{driver: Kmod, flavours: uek(), falco: span{"0.32.0", "0.34.0"}}, Kind: warn,
			Reason: "Falco 0.32 and 0.33 build the kernel module on UEK with dkms when they are installed, without a check; whether it builds there is not known",
			Remedy: loader,
			Source: "falcosecurity/falco scripts/rpm/postinstall at 0.32.2",
		},
		{
			ID: "toolset-11", When: condition{driver: Kmod, flavours: uek(), osMin: 8, osMax: 8, kernel: span{"5.15", "5.16"}}, Kind: needsPackage,
			Reason: "UEK R7 is built with gcc 11, and the gcc of Oracle Linux 8 does not know its options",
			Remedy: "install gcc-toolset-11 and put it first in PATH for the build",
			Source: "https://docs.nvidia.com/datacenter/tesla/driver-installation-guide/oracle-linux.html, https://github.com/dkms-project/dkms/issues/299",
		},
		{
			ID: "toolset-14", When: condition{driver: Kmod, flavours: uek(), osMin: 9, osMax: 9, kernel: span{"6.12", "6.13"}}, Kind: needsPackage,
			Reason: "UEK R8 is built with gcc 14, and the gcc of Oracle Linux 9 does not know its options",
			Remedy: "install gcc-toolset-14 and put it first in PATH for the build",
			Source: "https://docs.nvidia.com/datacenter/tesla/driver-installation-guide/oracle-linux.html, https://github.com/dkms-project/dkms/pull/334",
		},
		{
			ID: "kmod-packages", When: condition{driver: Kmod}, Kind: needsPackage,
			Reason: "dkms builds the kernel module on the node, with the headers of exactly the running kernel",
			Remedy: "install dkms, which is in EPEL, and kernel-devel-R or kernel-uek-devel-R for the kernel release R",
			Source: "https://falco.org/docs/setup/packages/",
		},
		{
			ID: "requires-dkms", When: condition{driver: ModernEBPF, falco: span{below: "0.40.0"}}, Kind: needsPackage,
			Reason: "the packages before 0.40 require dkms and kernel-devel with every driver",
			Remedy: "install them with Falco, with EPEL enabled for that one transaction",
			Source: "https://github.com/falcosecurity/falco/pull/3450",
		},
		{
			ID: "kmod-rhel-9.4", When: condition{driver: Kmod, flavours: rhck(), kernel: span{"5.14", "5.15"}, build: span{from: "427"}, falco: span{below: "0.38.0"}}, Kind: warn,
			Reason: "the kernel module of Falco before 0.38 may not build for an RHCK of 9.4 or later, which has changes of Linux 6.4 backported",
			Remedy: "take a newer Falco, or --driver modern_ebpf",
			Source: "https://github.com/falcosecurity/falco/issues/3196",
		},
		{
			ID: "kmod-6.12", When: condition{driver: Kmod, kernel: span{from: "6.12"}, falco: span{below: "0.40.0"}}, Kind: warn,
			Reason: "the kernel module of a Falco that is older than Linux 6.12 may not build for that kernel",
			Remedy: "take 0.41.0 or later",
			Source: "inferred from the dates: Linux 6.12 of 2024-11-17, Falco 0.39.2 of 2024-11-21",
		},
		{
			ID: "kmod-secure-boot", When: condition{driver: Kmod}, Kind: note,
			Reason: "with Secure Boot the kernel refuses a module that is not signed by a key it knows, and this one is not",
			Remedy: "use --driver modern_ebpf, or enrol dkms's key",
			Source: "https://github.com/falcosecurity/falco/issues/1895",
		},
	}
}

// otherRows only warn.
func otherRows() []Row {
	return []Row{
		{
			ID: "kernel-other", When: condition{flavours: []osrelease.Flavour{osrelease.Other}}, Kind: warn,
			Reason: "this is not an Oracle Linux kernel, and only its version is known",
			Remedy: "boot a UEK or the RHCK, or pass --kernel-release with the release of the kernel that this node will boot",
			Source: "this table is about Oracle's kernels",
		},
		{
			ID: "ol10-hang", When: condition{osMin: 10, falco: span{"0.44.0", "0.45.0"}}, Kind: warn,
			Reason: "Falco 0.44.1 was seen to hang at start on an EL10 host until it was killed, because its container plugin waited for a container engine's socket",
			Remedy: "if `falco-bootstrap verify` finds it blind, check whether /run/podman/podman.sock or /var/run/docker.sock answers",
			Source: "https://github.com/falcosecurity/falco/issues/3953, https://github.com/falcosecurity/plugins/pull/1487",
		},
	}
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falco

import (
	"slices"

	"github.com/falco-bootstrap/falco-bootstrap/pkg/osrelease"
)

// Table returns the rows, in the order in which they decide: the first one
// that forbids a version gives the reason.
func Table() []Row {
	return slices.Concat(hostRows(), versionRows(), modernRows(), uekModuleRows(), moduleRows(), otherRows())
}

func uek() []osrelease.Flavour  { return []osrelease.Flavour{osrelease.UEK, osrelease.UEKNext} }
func rhck() []osrelease.Flavour { return []osrelease.Flavour{osrelease.RHCK} }

// hostRows are about hosts that run no Falco at all.
func hostRows() []Row {
	return []Row{
		{
			ID: "os-old", When: Condition{OSMax: 6}, Kind: Refuse,
			Reason: "Oracle Linux 6 and older have neither systemd nor a glibc that Falco runs with",
			Remedy: "run it on Oracle Linux 7 to 10",
			Source: "https://falco.org/docs/setup/packages/#system-requirements",
		},
		{
			ID: "os-new", When: Condition{OSMin: 11}, Kind: Refuse,
			Reason: "nothing is known yet of Falco on this release of Oracle Linux",
			Remedy: "use a newer falco-bootstrap",
			Source: "this table ends with Oracle Linux 10",
		},
		{
			ID: "arch", When: Condition{OtherArch: true}, Kind: Refuse,
			Reason: "Falco's packages are built for x86_64 and aarch64 alone",
			Remedy: "run it on another machine",
			Source: "https://download.falco.org/?prefix=packages/rpm/",
		},
		{
			ID: "uek-r6", When: Condition{Flavours: uek(), KernelBelow: [2]int{5, 8}}, Kind: Refuse,
			Reason: "no driver works on UEK R6 (5.4) or older: the kernel has no ring buffer and lacks the program type of modern_ebpf even where it has BTF, and Falco's own tooling skips the kernel module on every UEK",
			Remedy: "boot UEK R7 or newer, or the RHCK with --driver kmod",
			Source: "https://github.com/falcosecurity/falco/issues/3498, https://github.com/falcosecurity/falco/issues/2792",
		},
		{
			ID: "kernel-7.0", When: Condition{KernelMin: [2]int{7, 0}, FalcoBelow: "0.45.0"}, Kind: Refuse,
			Reason: "Linux 7.0 is too new for Falco before 0.45: it aborts while parsing the parameters of an event",
			Remedy: "boot an older kernel, or take a newer Falco",
			Source: "https://github.com/falcosecurity/falco/issues/3955",
		},
	}
}

// versionRows are about versions of Falco, whatever the driver.
func versionRows() []Row {
	return []Row{
		{
			ID: "falco-before-0.32", When: Condition{FalcoBelow: "0.32.0"}, Kind: Refuse,
			Reason: "this table does not go back before Falco 0.32, whose packages carry MD5 digests that a host in FIPS mode refuses",
			Remedy: "pin a newer version, or none",
			Source: "https://github.com/falcosecurity/falco/issues/1894",
		},
		{
			ID: "falco-0.40.0", When: Condition{FalcoMin: "0.40.0", FalcoBelow: "0.40.1"}, Kind: Avoid,
			Reason: "the scriptlets of the 0.40.0 package hold unexpanded macros: it enables no unit and can be neither removed nor upgraded",
			Remedy: "take 0.41.0 or later",
			Source: "https://github.com/falcosecurity/falco/issues/3503",
		},
		{
			ID: "falco-0.41.3-el8", When: Condition{OSMin: 8, OSMax: 8, FalcoMin: "0.41.3", FalcoBelow: "0.41.4"}, Kind: Avoid,
			Reason: "the 0.41.3 package does not install on EL8: it wants GLIBCXX_3.4.26, which came with a newer gcc",
			Remedy: "take 0.41.2, or 0.42.0 or later",
			Source: "https://github.com/falcosecurity/falco/issues/3638",
		},
		{
			ID: "glibc-2.28", When: Condition{GlibcBelow: "2.28", FalcoMin: "0.40.0"}, Kind: Refuse,
			Reason: "Falco from 0.40 on is built for glibc 2.28, and this host's is older",
			Remedy: "take 0.39.2, the last that was built on CentOS 7, or move the node to Oracle Linux 8 or later",
			Source: "https://github.com/falcosecurity/falco/pull/3307, https://falco.org/docs/setup/packages/#system-requirements",
		},
		{
			ID: "libresolv", When: Condition{GlibcBelow: "2.34", FalcoMin: "0.42.0", FalcoBelow: "0.45.0"}, Kind: DropIn,
			Reason: "the container plugin of Falco 0.42 to 0.44 uses __res_search, which glibc before 2.34 keeps in libresolv, and is not linked against that: Falco dies at every start",
			Remedy: "preload /lib64/libresolv.so.2 by a drop-in of the unit",
			Source: "https://github.com/falcosecurity/plugins/issues/1500, https://github.com/falcosecurity/falco/issues/3719",
		},
	}
}

// modernRows are about the modern eBPF probe.
func modernRows() []Row {
	return []Row{
		{
			ID: "modern-0.34", When: Condition{Driver: ModernEBPF, FalcoBelow: "0.34.0"}, Kind: Refuse,
			Reason: "Falco's packages have a unit for modern_ebpf from 0.34 on",
			Remedy: "use --driver kmod, or a newer version",
			Source: "falcosecurity/falco scripts/systemd at 0.33.1 and 0.34.0",
		},
		{
			ID: "modern-ol7", When: Condition{Driver: ModernEBPF, OSMax: 7}, Kind: Refuse,
			Reason: "no kernel of Oracle Linux 7 has what modern_ebpf needs: the RHCK is 3.10, and UEK R6 lacks the program type",
			Remedy: "use --driver kmod on the RHCK",
			Source: "https://falco.org/docs/concepts/event-sources/kernel/, https://github.com/falcosecurity/falco/issues/2792",
		},
		{
			ID: "modern-kernel-5.8", When: Condition{Driver: ModernEBPF, Flavours: []osrelease.Flavour{osrelease.Other}, KernelBelow: [2]int{5, 8}}, Kind: Refuse,
			Reason: "modern_ebpf needs Linux 5.8 or later, which brought the BPF ring buffer",
			Remedy: "boot a newer kernel, or use --driver kmod",
			Source: "https://falco.org/docs/concepts/event-sources/kernel/",
		},
		{
			ID: "modern-rhck-8.5", When: Condition{Driver: ModernEBPF, Flavours: rhck(), KernelBelow: [2]int{5, 8}, BuildBelow: 372}, Kind: Refuse,
			Reason: "an RHCK 4.18 of before 8.6 may lack backports that modern_ebpf needs: 4.18.0-240 has no BPF ring buffer, and where between it and 8.6 all came in is not known",
			Remedy: "update the kernel, or use --driver kmod",
			Source: "https://github.com/grafana/beyla/pull/1175",
		},
		{
			ID: "modern-rhck-8.6", When: Condition{Driver: ModernEBPF, Flavours: rhck(), KernelBelow: [2]int{5, 8}, BuildMin: 372}, Kind: Note,
			Reason: "the RHCK 4.18 is older than 5.8 and runs modern_ebpf by backports: seen running on 8.10, and in the tests of Falco's libraries on CentOS 4.18; for 8.6 to 8.9 this is inferred",
			Remedy: "use --driver kmod if the probe does not load",
			Source: "https://github.com/falcosecurity/falco/issues/3719, https://github.com/falcosecurity/libs/pull/3026",
		},
		{
			ID: "modern-btf", When: Condition{Driver: ModernEBPF, NoBTF: true}, Kind: Refuse,
			Reason: "modern_ebpf needs BTF, and this kernel has no /sys/kernel/btf/vmlinux",
			Remedy: "boot one of Oracle's kernels, which have it, or use --driver kmod",
			Source: "https://falco.org/docs/concepts/event-sources/kernel/",
		},
		{
			ID: "modern-6.12", When: Condition{Driver: ModernEBPF, KernelMin: [2]int{6, 12}, FalcoBelow: "0.40.0"}, Kind: Refuse,
			Reason: "Linux 6.12 rejects the probe of Falco before 0.40: its programs share tail calls, which is no longer allowed; the fix came after the libraries of 0.39.2",
			Remedy: "take 0.41.0 or later",
			Source: "https://github.com/falcosecurity/libs/pull/2150, https://github.com/falcosecurity/libs/pull/2172",
		},
		{
			ID: "modern-6.19", When: Condition{Driver: ModernEBPF, KernelMin: [2]int{6, 19}, FalcoBelow: "0.44.0"}, Kind: Refuse,
			Reason: "Linux 6.19 rejects the probe of Falco before 0.44: the program recvmmsg_x is too large for it",
			Remedy: "take 0.44.0 or later",
			Source: "https://github.com/falcosecurity/falco/issues/3829",
		},
	}
}

// uekModuleRows are about the kernel module on Oracle's own kernels.
func uekModuleRows() []Row {
	const loader = "use --driver modern_ebpf, or boot the RHCK"
	return []Row{
		{
			ID: "kmod-uek", When: Condition{Driver: Kmod, Flavours: uek(), Unpinned: true}, Kind: Refuse,
			Reason: "Falco's own tooling refuses to build its kernel module on any UEK",
			Remedy: loader,
			Source: "falcosecurity/falcoctl pkg/driver/distro/oracle.go",
		},
		{
			ID: "kmod-uek-loader", When: Condition{Driver: Kmod, Flavours: uek(), FalcoMin: "0.34.0", FalcoBelow: "0.37.0"}, Kind: Refuse,
			Reason: "falco-driver-loader skips dkms on any UEK, since the build is said to fail always",
			Remedy: loader,
			Source: "falcosecurity/falco scripts/falco-driver-loader at 0.34.1 to 0.36.2",
		},
		{
			ID: "kmod-uek-falcoctl", When: Condition{Driver: Kmod, Flavours: uek(), FalcoMin: "0.38.0"}, Kind: Refuse,
			Reason: "falcoctl skips the kernel module on any UEK, since the build is said to fail always",
			Remedy: loader,
			Source: "https://github.com/falcosecurity/falcoctl/pull/562",
		},
		{
			ID: "kmod-uek-0.37", When: Condition{Driver: Kmod, Flavours: uek(), FalcoMin: "0.37.0", FalcoBelow: "0.38.0"}, Kind: Warn,
			Reason: "Falco 0.37 is the only one since 0.34 whose tooling does not refuse the kernel module on UEK; that it builds there is not known",
			Remedy: loader,
			Source: "https://github.com/falcosecurity/falcoctl/pull/562",
		},
		{
			ID: "kmod-uek-0.32", When: Condition{Driver: Kmod, Flavours: uek(), FalcoMin: "0.32.0", FalcoBelow: "0.34.0"}, Kind: Warn,
			Reason: "Falco 0.32 and 0.33 build the kernel module on UEK by dkms while they are installed, without a check; that it builds there is not known",
			Remedy: loader,
			Source: "falcosecurity/falco scripts/rpm/postinstall at 0.32.2",
		},
		{
			ID: "toolset-11", When: Condition{Driver: Kmod, Flavours: uek(), OSMin: 8, OSMax: 8, KernelMin: [2]int{5, 15}, KernelBelow: [2]int{5, 16}}, Kind: Package,
			Reason: "UEK R7 is built by gcc 11, and the gcc of Oracle Linux 8 does not know its options",
			Remedy: "install gcc-toolset-11 and put it first in PATH for the build",
			Source: "https://docs.nvidia.com/datacenter/tesla/driver-installation-guide/oracle-linux.html, https://github.com/dkms-project/dkms/issues/299",
		},
		{
			ID: "toolset-14", When: Condition{Driver: Kmod, Flavours: uek(), OSMin: 9, OSMax: 9, KernelMin: [2]int{6, 12}, KernelBelow: [2]int{6, 13}}, Kind: Package,
			Reason: "UEK R8 is built by gcc 14, and the gcc of Oracle Linux 9 does not know its options",
			Remedy: "install gcc-toolset-14 and put it first in PATH for the build",
			Source: "https://docs.nvidia.com/datacenter/tesla/driver-installation-guide/oracle-linux.html, https://github.com/dkms-project/dkms/pull/334",
		},
	}
}

// moduleRows are about the kernel module on any kernel.
func moduleRows() []Row {
	return []Row{
		{
			ID: "kmod-packages", When: Condition{Driver: Kmod}, Kind: Package,
			Reason: "the kernel module is built on the node, by dkms and with the headers of exactly the running kernel",
			Remedy: "install dkms, which is in EPEL, and kernel-devel-R or kernel-uek-devel-R for the kernel release R",
			Source: "https://falco.org/docs/setup/packages/",
		},
		{
			ID: "requires-dkms", When: Condition{Driver: ModernEBPF, FalcoBelow: "0.40.0"}, Kind: Package,
			Reason: "the packages before 0.40 require dkms and kernel-devel whatever the driver",
			Remedy: "install them with Falco, with EPEL enabled for that one transaction",
			Source: "https://github.com/falcosecurity/falco/pull/3450",
		},
		{
			ID: "kmod-rhel-9.4", When: Condition{Driver: Kmod, Flavours: rhck(), KernelMin: [2]int{5, 14}, KernelBelow: [2]int{5, 15}, BuildMin: 427, FalcoBelow: "0.38.0"}, Kind: Warn,
			Reason: "the kernel module of Falco before 0.38 may not build for an RHCK of 9.4 or later, which has changes of Linux 6.4 backported",
			Remedy: "take a newer Falco, or --driver modern_ebpf",
			Source: "https://github.com/falcosecurity/falco/issues/3196",
		},
		{
			ID: "kmod-6.12", When: Condition{Driver: Kmod, KernelMin: [2]int{6, 12}, FalcoBelow: "0.40.0"}, Kind: Warn,
			Reason: "the kernel module of a Falco that is older than Linux 6.12 may not build for it",
			Remedy: "take 0.41.0 or later",
			Source: "inferred from the dates: Linux 6.12 of 2024-11-17, Falco 0.39.2 of 2024-11-21",
		},
		{
			ID: "kmod-secure-boot", When: Condition{Driver: Kmod}, Kind: Note,
			Reason: "with Secure Boot the kernel refuses a module that is not signed by a key it knows, and this one is not",
			Remedy: "use --driver modern_ebpf, or enrol dkms's key",
			Source: "https://github.com/falcosecurity/falco/issues/1895",
		},
	}
}

func otherRows() []Row {
	return []Row{
		{
			ID: "kernel-other", When: Condition{Flavours: []osrelease.Flavour{osrelease.Other}}, Kind: Warn,
			Reason: "the kernel is none of Oracle Linux, and nothing is known of it but its version",
			Remedy: "boot a UEK or the RHCK, or name the kernel that this node will boot with --kernel-release",
			Source: "this table is about Oracle's kernels",
		},
		{
			ID: "ol10-hang", When: Condition{OSMin: 10, FalcoMin: "0.44.0", FalcoBelow: "0.45.0"}, Kind: Warn,
			Reason: "Falco 0.44.1 was seen to hang at its start on an EL10 host, its container plugin waiting for a container engine's socket, until it was killed",
			Remedy: "if `falco-bootstrap verify` finds it blind, look whether /run/podman/podman.sock or /var/run/docker.sock answers",
			Source: "https://github.com/falcosecurity/falco/issues/3953, https://github.com/falcosecurity/plugins/pull/1487",
		},
	}
}

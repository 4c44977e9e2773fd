// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"slices"
	"strings"
	"testing"
)

// The kernel module is built with the headers of exactly the running kernel. If the
// build fails, the run reports the end of its log, and the next run builds again.
func TestKernelModule(t *testing.T) {
	t.Parallel()
	n := Start(t, OL("8.10").RHCK())
	n.Quirk("module-fail", "falco.c:12: error: unknown type name 'nonsense'\n")
	all := reportOf(t, n.Run("--driver=kmod", "--output=json"))
	if all.Exit.Code != 1 {
		t.Errorf("exit %d: %+v, want 1", all.Exit.Code, failure(all))
	}
	Lines(t, failure(all).Message, "build the kernel module for "+n.Setup.Kernel, "/var/lib/dkms/falco/0.44.1/build/make.log", "unknown type name 'nonsense'")
	if !strings.Contains(failure(all).Hint, "modern_ebpf") {
		t.Errorf("hint = %q", failure(all).Hint)
	}
	if got, want := n.Installed("kernel*-devel"), []string{"kernel-devel-" + n.Setup.Kernel}; !slices.Equal(got, want) {
		t.Errorf("kernel headers = %q, want %q", got, want)
	}
	if epel := n.ReadFile("/etc/yum.repos.d/oracle-epel-ol8.repo"); strings.Contains(epel, "enabled=1") {
		t.Errorf("EPEL is left on:\n%s", epel)
	}
	n.Must("rm /etc/falco-standin/module-fail")
	runStages(t, n, []stage{{name: "the next run", flags: []string{"--driver=kmod"}, falco: "0.44.1", unit: kmodUnit, drift: []string{"kernel-module"}, also: requireModule}})
}

// Rows of the compatibility table refuse a node, or warn about it in a dry run.
// Nothing is changed, and the run names the nearest version that can run.
func TestRefusals(t *testing.T) {
	t.Parallel()
	n := Start(t, Setup{}) // one node, set up again for each case
	for _, tt := range []struct {
		name  string
		setup Setup
		runs  []refusal
	}{
		{name: "no Oracle Linux", setup: Setup{}, runs: []refusal{{says: "Oracle Linux"}}},
		{name: "UEK R6", setup: uek6(), runs: []refusal{
			{says: "no driver works on UEK R6", hints: "UEK R7"},
			{flags: []string{"--driver=kmod"}, says: "no driver works on UEK R6", hints: "RHCK"},
			{flags: []string{"--dry-run"}, says: "no driver works on UEK R6", hints: "UEK R7"},
		}},
		{name: "UEK R7", setup: OL("8.10"), runs: []refusal{
			{flags: []string{"--driver=kmod"}, says: "refuses to build its kernel module on any UEK", hints: "modern_ebpf"},
			{flags: kmod("0.44.1"), says: "falcoctl skips the kernel module on any UEK", hints: "0.37"},
			{flags: kmod("0.36.2"), says: "falco-driver-loader skips dkms on any UEK", hints: "0.37"},
			{flags: pin("0.41.3"), says: "GLIBCXX_3.4.26", hints: "0.42.0"},
			{flags: pin("0.40.0"), says: "unexpanded macros", hints: "0.41.0"},
			{flags: pin("0.31.1"), says: "does not go back before Falco 0.32"},
			{flags: []string{"--kernel-release=7.0.0-1.el8uek.x86_64", "--falco-version=0.44.1"}, says: "Linux 7.0 is too new", hints: "0.45.0"},
			{flags: append(pin("0.33.1"), "--driver=modern_ebpf"), says: "a unit for modern_ebpf from 0.34 on", hints: "kmod"},
			{flags: append(kmod("0.32.2"), "--dry-run"), exit: 2, plans: "build the kernel module on UEK with dkms"},
			{flags: append(kmod("0.37.1"), "--dry-run"), exit: 2, plans: "the only one since 0.34"},
		}},
		{name: "UEK R8", setup: OL("9.6"), runs: []refusal{
			{flags: pin("0.39.2"), says: "Linux 6.12 rejects the probe", hints: "0.41.0"},
			{flags: append(pin("0.41.3"), "--kernel-release=6.19.0-1.el9uek.x86_64"), says: "Linux 6.19 rejects the probe", hints: "0.44.0"},
			{flags: []string{"--dry-run", "--kernel-release=6.1.0-custom.x86_64"}, exit: 2, plans: "this is not an Oracle Linux kernel"},
		}},
		{name: "Oracle Linux 8, RHCK", setup: OL("8.10").RHCK(), runs: []refusal{
			{flags: []string{"--driver=modern_ebpf", "--kernel-release=4.18.0-348.el8.x86_64"}, says: "may lack backports that modern_ebpf needs"},
		}},
		{name: "Oracle Linux 9, RHCK", setup: OL("9.6").RHCK(), runs: []refusal{
			{flags: append(kmod("0.37.1"), "--dry-run"), exit: 2, plans: "of Falco before 0.38 may not b"},
		}},
		{name: "Oracle Linux 10, RHCK", setup: OL("10.1").RHCK(), runs: []refusal{
			{flags: append(pin("0.44.1"), "--dry-run"), exit: 2, plans: "was seen to hang at start"},
			{flags: append(kmod("0.39.2"), "--dry-run"), exit: 2, plans: "older than Linux 6.12 may not build"},
		}},
		{name: "Oracle Linux 7, RHCK", setup: OL("7.9").RHCK(), runs: []refusal{
			{flags: []string{"--dry-run", "--driver=modern_ebpf"}, says: "modern_ebpf"},
			{flags: append(pin("0.44.1"), "--dry-run"), says: "glibc", hints: "0.39.2"},
			{flags: []string{"--dry-run"}, exit: 2, plans: "falco <= 0.39.2"},
		}},
		{name: "Oracle Linux 7, UEK R6", setup: OL("7.9"), runs: []refusal{{flags: []string{"--dry-run"}, says: "no driver works on UEK R6"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n.In(t)
			n.Setup = tt.setup
			n.setUp()
			for _, r := range tt.runs {
				r.check(t, n)
			}
			if touched := n.Sh("ls /etc/yum.repos.d/falcosecurity.repo /etc/pki/rpm-gpg/RPM-GPG-KEY-falcosecurity /var/log/dnf.log 2>/dev/null").Stdout; touched != "" {
				t.Errorf("the node was changed: %s", touched)
			}
		})
	}
}

// Notes of the compatibility table appear in explain.
func TestExplainNotes(t *testing.T) {
	t.Parallel()
	n := Start(t, OL("8.10").RHCK())
	for _, tt := range []struct{ driver, says string }{
		{driver: "modern_ebpf", says: "runs modern_ebpf thanks to backports"},
		{driver: "kmod", says: "with Secure Boot the kernel refuses a module"},
	} {
		if r := n.Run("explain", "--driver="+tt.driver); r.Exit != 0 || !strings.Contains(r.Stdout, tt.says) {
			t.Errorf("explain with %s: no %q in %v", tt.driver, tt.says, r)
		}
	}
}

// A refusal is a run that exits with 3, or with exit if that is set.
type refusal struct {
	flags       []string
	exit        int
	says, hints string
	plans       string // in the report
}

func (r refusal) check(t *testing.T, n *Node) {
	t.Helper()
	got := n.Run(append(r.flags, "--output=json")...)
	all := reportOf(t, got)
	want := r.exit
	if want == 0 {
		want = 3
	}
	if got.Exit != want || !strings.Contains(failure(all).Message, r.says) || !strings.Contains(failure(all).Hint, r.hints) {
		t.Errorf("%q: exit %d: %+v; want %d, %q, hint %q", r.flags, got.Exit, failure(all), want, r.says, r.hints)
	}
	if !strings.Contains(got.Stdout, r.plans) {
		t.Errorf("%q: no %q in %v", r.flags, r.plans, got)
	}
}

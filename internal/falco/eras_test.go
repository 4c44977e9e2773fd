// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falco

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestGlibcVersion(t *testing.T) {
	for major, want := range map[int]string{6: "", 7: "2.17", 8: "2.28", 9: "2.34", 10: "2.39", 11: ""} {
		if got := hostOf(major, 0, "").GlibcVersion(); got != want {
			t.Errorf("OL%d: GlibcVersion() = %q, want %q", major, got, want)
		}
	}
}

func TestNeedsPreload(t *testing.T) {
	for _, test := range []struct {
		major int
		falco string
		want  bool
	}{
		{8, "0.41.3", false},
		{8, "0.42.0", true},
		{8, "0.44.1", true},
		{8, "0.45.0", false},
		{9, "0.44.1", false},
		{10, "0.42.0", false},
		{7, "0.39.2", false},
		{8, "", false},
	} {
		if got := NeedsPreload(hostOf(test.major, 0, ""), test.falco); got != test.want {
			t.Errorf("NeedsPreload(OL%d, %q) = %v, want %v", test.major, test.falco, got, test.want)
		}
	}
}

func TestUnitFor(t *testing.T) {
	for _, test := range []struct{ driver, falco, want string }{
		{Kmod, "0.32.2", "falco.service"},
		{Kmod, "0.33.1", "falco.service"},
		{Kmod, "0.34.0", "falco-kmod.service"},
		{ModernEBPF, "0.34.0", "falco-modern-bpf.service"},
		{ModernEBPF, "0.44.1", "falco-modern-bpf.service"},
		{Kmod, "", "falco-kmod.service"},
		{ModernEBPF, "", "falco-modern-bpf.service"},
	} {
		got := UnitFor(test.driver, test.falco)
		if got != test.want {
			t.Errorf("UnitFor(%s, %q) = %q, want %q", test.driver, test.falco, got, test.want)
		}
		if !strings.Contains(strings.Join(Units(), " "), got) {
			t.Errorf("Units() has no %s", got)
		}
	}
}

func TestNeedsBuildDeps(t *testing.T) {
	for _, test := range []struct {
		driver, falco string
		want          bool
	}{
		{Kmod, "0.44.1", true},
		{Kmod, "", true},
		{ModernEBPF, "0.39.2", true},
		{ModernEBPF, "0.40.0", false},
		{ModernEBPF, "", false},
	} {
		if got := NeedsBuildDeps(test.driver, test.falco); got != test.want {
			t.Errorf("NeedsBuildDeps(%s, %q) = %v, want %v", test.driver, test.falco, got, test.want)
		}
	}
}

func TestUnerasable(t *testing.T) {
	for falco, want := range map[string]bool{"0.40.0": true, "0.39.2": false, "0.41.0": false, "": false} {
		if got := Unerasable(falco); got != want {
			t.Errorf("Unerasable(%q) = %v, want %v", falco, got, want)
		}
	}
}

func TestModuleCommands(t *testing.T) {
	config := []string{"/usr/bin/falcoctl", "driver", "config", "--type", "kmod"}
	for _, test := range []struct {
		falco, kernel string
		want          [][]string
	}{
		{"0.33.1", rhck8, nil},
		{"0.34.1", rhck8, [][]string{{"/usr/bin/falco-driver-loader", "--compile", "module"}}},
		{"0.36.2", rhck8, [][]string{{"/usr/bin/falco-driver-loader", "--compile", "module"}}},
		{"0.37.0", rhck8, [][]string{config, {"/usr/bin/falcoctl", "driver", "install", "--download=false", "--kernelrelease=" + rhck8}}},
		{"0.44.1", "", [][]string{config, {"/usr/bin/falcoctl", "driver", "install", "--download=false"}}},
	} {
		if diff := cmp.Diff(test.want, ModuleCommands(test.falco, test.kernel)); diff != "" {
			t.Errorf("ModuleCommands(%q, %q) (-want +got):\n%s", test.falco, test.kernel, diff)
		}
	}
}

func TestExplain(t *testing.T) {
	for _, test := range []struct {
		name    string
		host    Host
		request Request
		want    []string
		absent  []string
	}{
		{
			"the default on OL8", hostOf(8, 10, uek7),
			Request{},
			[]string{
				"host      Oracle Linux Server 8.10 with UEK R7 (5.15)\n", "glibc     2.28\n", "driver    modern_ebpf\n",
				"falco     Falco 0.34.0 or later, but not 0.40.0, 0.41.3\n", "unit      falco-modern-bpf.service\n", "packages  falco\n",
				"drop-in   LD_PRELOAD=", "libresolv (needs drop-in: glibc < 2.34, 0.42.0 ≤ Falco < 0.45.0)", "Source: https://github.com/falcosecurity/plugins/issues/1500",
			},
			[]string{"kmod-"},
		},
		{
			"kmod on OL8", hostOf(8, 10, rhck8),
			Request{Kmod, "0.32.2"},
			[]string{"falco     Falco 0.32.2\n", "unit      falco.service\n", "packages  falco, dkms, kernel-devel-" + rhck8 + "\n", "kmod-secure-boot"},
			[]string{"drop-in", "libresolv"},
		},
		{
			"kmod on UEK, with its compiler", hostOf(8, 10, uek7),
			Request{Kmod, "0.37.1"},
			[]string{"packages  falco, dkms, kernel-uek-devel-" + uek7 + ", gcc-toolset-11\n", "kmod-uek-0.37 (warn"},
			nil,
		},
		{
			"OL7", hostOf(7, 9, rhck7),
			Request{},
			[]string{"falco     Falco 0.32.0 to 0.39.2\n", "unit      falco-kmod.service\n"},
			[]string{"drop-in  "},
		},
		{
			"refused", hostOf(8, 6, uek6),
			Request{},
			[]string{"refused   Oracle Linux Server 8.6 with UEK R6 (5.4) cannot run Falco", "hint      boot UEK R7", "uek-r6 (refuse"},
			[]string{"driver  ", "unit  "},
		},
	} {
		got := Explain(test.host, test.request).String()
		for _, want := range test.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: Explain = \n%s\nwant %q in it", test.name, got, want)
			}
		}
		for _, not := range test.absent {
			if strings.Contains(got, not) {
				t.Errorf("%s: Explain = \n%s\nwant no %q in it", test.name, got, not)
			}
		}
	}
}

func TestCheckArgs(t *testing.T) {
	dryRun := []string{"-c", "/x", "--dry-run", "-o", "log_stderr=true", "-o", "log_level=warning", "-o", "log_syslog=false"}
	list := []string{"-c", "/x", "-L"}
	for falco, want := range map[string][]string{"0.34.1": list, "0.32.2": list, "0.35.0": dryRun, "0.44.1": dryRun, "1.0.0": dryRun, "": dryRun, "?": dryRun} {
		if diff := cmp.Diff(want, CheckArgs(falco, "/x")); diff != "" {
			t.Errorf("CheckArgs(%q) (-want +got):\n%s", falco, diff)
		}
	}
}

func TestIsUnit(t *testing.T) {
	for name, want := range map[string]bool{
		AliasUnit: true, "falco-bpf.service": true, "falco_inject_kmod.service": true,
		FollowUnit: false, "falco-bootstrap.service": false, "sshd.service": false,
	} {
		if got := IsUnit(name); got != want {
			t.Errorf("IsUnit(%q) = %v, want %v", name, got, want)
		}
	}
}

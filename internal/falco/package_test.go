// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falco

import (
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

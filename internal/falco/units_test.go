// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falco

import (
	"slices"
	"testing"
)

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
		if !slices.Contains(Units(), got) {
			t.Errorf("Units() has no %s", got)
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

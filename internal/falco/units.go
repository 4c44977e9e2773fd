// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falco

import "slices"

// AliasUnit is Falco's own unit up to 0.33. Since then it is at most an alias
// of the enabled unit, which systemctl refuses to enable.
const AliasUnit = "falco.service"

// FollowUnit replaces rules by itself. Since 0.34 every Falco unit pulls it in,
// enabled or not; only a mask keeps it from starting:
// https://falco.org/docs/setup/packages/.
const FollowUnit = "falcoctl-artifact-follow.service"

// Falco's other units. Each era ships different ones, and an upgrade leaves
// enabled what was enabled in the era before: falcosecurity/falco
// scripts/systemd.
const (
	kmodUnit   = "falco-kmod.service"
	modernUnit = "falco-modern-bpf.service"
	// Static units that load the module; a Falco unit wants them.
	injectUnit    = "falco-kmod-inject.service"
	injectUnit033 = "falco_inject_kmod.service"
)

// Units returns every unit that runs Falco or loads its module in any era:
// falcosecurity/falco scripts/systemd from 0.32.0 on.
func Units() []string {
	return []string{AliasUnit, kmodUnit, "falco-bpf.service" /* until 0.43 */, modernUnit, "falco-custom.service", injectUnit, injectUnit033}
}

// IsUnit reports whether a name is one of [Units].
func IsUnit(name string) bool { return slices.Contains(Units(), name) }

// LoadsModule reports whether a unit loads the kernel module for another unit
// instead of running Falco.
func LoadsModule(name string) bool { return name == injectUnit || name == injectUnit033 }

// UnitFor returns the unit to enable: the driver's, or before 0.34 falco.service.
// The version "" stands for the newest.
func UnitFor(driver, falcoVersion string) string {
	switch {
	case before(falcoVersion, "0.34.0"):
		return AliasUnit
	case driver == Kmod:
		return kmodUnit
	}
	return modernUnit
}

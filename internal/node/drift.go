// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package node

// Drift names a way in which a node differs from what is declared. The names
// stand in reports and are API; docs/drift.md describes each.
type Drift string

// The drift classes.
const (
	DriftAbsent          Drift = "absent"               // not set up yet
	DriftConfigEdited    Drift = "config-edited"        // falco.yaml does not say what is declared
	DriftConfigReplaced  Drift = "config-replaced"      // an upgrade moved the edited falco.yaml aside
	DriftConfigOverruled Drift = "config-overruled"     // a fragment or the unit overrules a declared key
	DriftConfigStale     Drift = "config-stale"         // the running process is older than its configuration
	DriftConfigStray     Drift = "config-stray"         // an editor's or rpm's leftover in config.d is loaded
	DriftUnitStopped     Drift = "unit-stopped"         // enabled but not running
	DriftUnitFailed      Drift = "unit-failed"          // failed
	DriftUnitMasked      Drift = "unit-masked"          // masked
	DriftUnitDisabled    Drift = "unit-disabled"        // not enabled
	DriftUnitExtra       Drift = "unit-extra"           // another Falco unit is enabled or running too
	DriftUnitAlias       Drift = "unit-alias"           // falco.service points elsewhere
	DriftUnitCrashLoop   Drift = "unit-crash-loop"      // dies and is started again
	DriftUnitReload      Drift = "unit-reload"          // unit files changed, systemd has not read them
	DriftFollow          Drift = "rules-follow"         // falcoctl-artifact-follow is not as declared
	DriftVersion         Drift = "falco-version"        // another version than declared, or one that must go
	DriftFiles           Drift = "falco-files"          // files of the package missing or altered
	DriftDependencies    Drift = "build-dependencies"   // dkms or the kernel's devel package is missing
	DriftModule          Drift = "kernel-module"        // no kernel module for the running kernel
	DriftRepository      Drift = "repository-edited"    // the repository file is not as declared
	DriftRepositoryTwice Drift = "repository-duplicate" // the same section stands in another file
	DriftKeyMissing      Drift = "key-missing"          // a pinned key is not in rpm's database
	DriftKeyExpired      Drift = "key-expired"          // an expired Falco key is in rpm's database
	DriftKeyRevoked      Drift = "key-revoked"          // a revoked Falco key is in rpm's database
	DriftKeyExpiring     Drift = "key-expiring"         // the pinned key ends soon
	DriftEPEL            Drift = "epel-enabled"         // EPEL is left on, or off against what is declared
	DriftPreloadMissing  Drift = "drop-in-missing"      // a drop-in that this host needs is not there
	DriftPreloadStale    Drift = "drop-in-stale"        // a drop-in differs, or is no longer needed
	DriftLogMode         Drift = "log-mode"             // the alert log has another mode
	DriftLogrotate       Drift = "logrotate"            // the alert log is not rotated as declared
	DriftSecondFalco     Drift = "second-falco"         // another Falco runs in a container on this node
	DriftUnproven        Drift = "unproven"             // running, but no alert was seen
)

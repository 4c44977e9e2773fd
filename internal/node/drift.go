// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package node

// Drift is the class of a difference between a node and what is declared. The
// names appear in reports and are API. docs/drift.md is the table of them: how
// each arises, what a dry run says and what a run does.
type Drift string

// The drift classes.
const (
	DriftAbsent          Drift = "absent"               // not set up yet
	DriftConfigEdited    Drift = "config-edited"        // a declared key of falco.yaml has another value
	DriftConfigReplaced  Drift = "config-replaced"      // an upgrade moved the edited falco.yaml aside
	DriftConfigOverruled Drift = "config-overruled"     // a fragment or the unit overrules a declared key
	DriftConfigStale     Drift = "config-stale"         // the running process is older than its configuration
	DriftConfigBroken    Drift = "config-broken"        // Falco would refuse what is on disk, and still runs an older state
	DriftConfigStray     Drift = "config-stray"         // Falco loads a leftover of an editor or rpm from config.d
	DriftUnitStopped     Drift = "unit-stopped"         // enabled but not running
	DriftUnitFailed      Drift = "unit-failed"          // failed
	DriftUnitMasked      Drift = "unit-masked"          // masked
	DriftUnitDisabled    Drift = "unit-disabled"        // not enabled
	DriftUnitExtra       Drift = "unit-extra"           // another Falco unit is enabled or running too
	DriftUnitAlias       Drift = "unit-alias"           // falco.service points elsewhere
	DriftUnitCrashLoop   Drift = "unit-crash-loop"      // Falco dies and systemd starts it again
	DriftUnitFrozen      Drift = "unit-frozen"          // the process is stopped by a signal, or dead
	DriftUnitReload      Drift = "unit-reload"          // systemd has not read a changed unit file
	DriftFollow          Drift = "rules-follow"         // falcoctl-artifact-follow is not as declared
	DriftRules           Drift = "rules"                // a declared rules file is missing or edited, or one of the agent is no longer declared
	DriftRulesUnloaded   Drift = "rules-not-loaded"     // Falco does not load the declared rules files
	DriftVersion         Drift = "falco-version"        // not the declared version, or one that cannot run here
	DriftFiles           Drift = "falco-files"          // files of the package missing or altered
	DriftSigner          Drift = "falco-signer"         // no pinned key has signed the installed package
	DriftDependencies    Drift = "build-dependencies"   // dkms or the kernel's devel package is missing
	DriftModule          Drift = "kernel-module"        // no kernel module for the running kernel
	DriftRepository      Drift = "repository-edited"    // the repository file differs from what is declared
	DriftRepositoryTwice Drift = "repository-duplicate" // another file has the same section
	DriftKeyMissing      Drift = "key-missing"          // a pinned key is not in rpm's database
	DriftKeyExpired      Drift = "key-expired"          // an expired Falco key is in rpm's database
	DriftKeyRevoked      Drift = "key-revoked"          // a revoked Falco key is in rpm's database
	DriftKeyExpiring     Drift = "key-expiring"         // the last pinned key expires soon
	DriftEPEL            Drift = "epel-enabled"         // EPEL is enabled
	DriftPreloadMissing  Drift = "drop-in-missing"      // a drop-in that this host needs is missing
	DriftPreloadStale    Drift = "drop-in-stale"        // a drop-in differs, or is no longer needed
	DriftLogMode         Drift = "log-mode"             // the alert log has another file mode or group
	DriftLogMoved        Drift = "log-moved"            // Falco writes to a file that is no longer the alert log
	DriftLogNoRoom       Drift = "log-no-room"          // nothing can be written to the file system of the alert log
	DriftLogrotate       Drift = "logrotate"            // the alert log is not rotated as declared
	DriftSecondFalco     Drift = "second-falco"         // another Falco runs on this node
	DriftUnproven        Drift = "unproven"             // running, but no alert was seen
)

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package steps

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/settings"
	"github.com/falco-bootstrap/falco-bootstrap/internal/trust"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/systemd"
)

// stepOf returns the result of one step of a plan.
func stepOf(t *testing.T, r converge.Result, id string) converge.StepResult {
	t.Helper()
	for _, s := range r.Steps {
		if s.ID == id {
			return s
		}
	}
	t.Fatalf("no step %s", id)
	return converge.StepResult{}
}

// A Falco that fell once, and has stood for long since, is in order.
func TestOldRestartIsNoCrashLoop(t *testing.T) {
	n, s := newNode(t, "8.10", uek7)
	converged(t, n, s)
	n.clock = n.clock.Add(time.Hour)
	n.modern().NRestarts, n.modern().Started = 3, n.clock.Add(-settleTime)
	inOrder(t, n, s)
}

// A verdict that this user may not read is neither proven nor unproven.
func TestHiddenVerdictIsUnknown(t *testing.T) {
	n, s := newNode(t, "8.10", uek7)
	converged(t, n, s)
	n.proof = converge.Proof{Hidden: true}
	r := converge.Plan(t.Context(), n, All(s))
	if got := stepOf(t, r, idProof); got.Status != converge.StatusUnknown || r.HasProbe() || r.Pending() || !r.Unknown() {
		t.Errorf("proof is %s (%s), probe %v, pending %v; want unknown and neither", got.Status, got.Reason, r.HasProbe(), r.Pending())
	}
}

func TestFalcoThatWasNotSeenToDetectIsNamed(t *testing.T) {
	n, s := newNode(t, "8.10", uek7)
	converged(t, n, s)
	n.proof.Detected = false
	got := stepOf(t, converge.Plan(t.Context(), n, All(s)), idProof)
	if len(got.Warnings) != 1 || got.Warnings[0].Drift != converge.DriftUnproven || len(got.Changes) > 0 {
		t.Errorf("proof = %+v, want a warning of %s and no change", got, converge.DriftUnproven)
	}
}

func TestOverruledIsADriftOfItsOwn(t *testing.T) {
	n, s := newNode(t, "8.10", uek7)
	converged(t, n, s)
	n.write(mainConfig, n.read(mainConfig)+"config_files: [/etc/falco/config.d]\n")
	converged(t, n, s)
	n.write("/etc/falco/config.d/50-site.yaml", "file_output: {enabled: false}\n")
	r := converge.Plan(t.Context(), n, All(s))
	if got := converge.DriftOf(r.Err); got != converge.DriftConfigOverruled {
		t.Errorf("DriftOf(%v) = %q, want %q", r.Err, got, converge.DriftConfigOverruled)
	}
}

// Dead keys of Falco's name go, each for what it died of; others stay.
func TestDeadKeysAreBuried(t *testing.T) {
	const name = "Falcosecurity Package Signing"
	day := 24 * time.Hour
	expired := trust.Key{Fingerprint: "E", UserIDs: []string{name}, Expires: now.Add(-day)}
	revoked := trust.Key{Fingerprint: "R", UserIDs: []string{name}, Revoked: true, RevokedAt: now.Add(-day)}
	both := trust.Key{Fingerprint: "B", UserIDs: []string{name}, Expires: now.Add(-day), Revoked: true, RevokedAt: now.Add(-day)}
	withdrawn := trust.Key{Fingerprint: trust.FalcoDeadKeys()[0].Fingerprint}
	live := trust.Key{Fingerprint: "L", UserIDs: []string{name}, Expires: now.Add(day)}
	stranger := trust.Key{Fingerprint: "S", UserIDs: []string{"somebody"}, Revoked: true}
	var ring []ringKey
	for _, k := range []trust.Key{expired, revoked, both, withdrawn, live, stranger} {
		ring = append(ring, ringKey{Key: k, pkg: k.Fingerprint})
	}
	want := map[string]converge.Drift{
		"E": converge.DriftKeyExpired, "R": converge.DriftKeyRevoked, "B": converge.DriftKeyRevoked,
		withdrawn.Fingerprint: converge.DriftKeyRevoked,
	}
	for _, c := range (key{}).buried(ring, now) {
		got := c.(converge.RemoveKey)
		if want[got.Fingerprint] != got.Drift || got.Why == "" {
			t.Errorf("%s is removed as %s (%s), want %q", got.Fingerprint, got.Drift, got.Why, want[got.Fingerprint])
		}
		delete(want, got.Fingerprint)
	}
	for f := range want {
		t.Errorf("%s stays", f)
	}
}

// Each drift is named for what it is, mended, and mended for good.
func TestDrift(t *testing.T) {
	for _, tt := range []struct {
		name  string
		drift converge.Drift
		make  func(*node, *settings.Settings)
	}{
		{"falco.yaml edited", converge.DriftConfigEdited, func(n *node, _ *settings.Settings) {
			n.write(mainConfig, strings.Replace(n.read(mainConfig), "  enabled: true\n  keep", "  enabled: no\n  keep", 1))
		}},
		{"falco.yaml replaced", converge.DriftConfigReplaced, func(n *node, _ *settings.Settings) {
			n.write(savedConfig, n.read(mainConfig)+"priority: warning\n")
			n.write(mainConfig, falcoYAML)
			n.files[inTree(mainConfig)].ModTime = now.Add(-time.Hour) // when the package was built
		}},
		{"falco.yaml edited after it was replaced", converge.DriftConfigEdited, func(n *node, _ *settings.Settings) {
			n.write(savedConfig, n.read(mainConfig))
			n.write(mainConfig, falcoYAML)
		}},
		{"unit stopped", converge.DriftUnitStopped, func(n *node, _ *settings.Settings) { n.modern().ActiveState, n.modern().SubState = "inactive", "dead" }},
		{"unit failed", converge.DriftUnitFailed, func(n *node, _ *settings.Settings) { n.modern().ActiveState, n.modern().SubState = "failed", "failed" }},
		{"unit dies again and again", converge.DriftUnitCrashLoop, func(n *node, _ *settings.Settings) {
			n.modern().ActiveState, n.modern().SubState = "activating", "auto-restart"
		}},
		{"unit was started again just now", converge.DriftUnitCrashLoop, func(n *node, _ *settings.Settings) {
			n.modern().NRestarts, n.modern().Started = 3, n.clock.Add(time.Minute-time.Second)
		}},
		{"unit disabled", converge.DriftUnitDisabled, func(n *node, _ *settings.Settings) { n.modern().UnitFileState = "disabled" }},
		{"unit masked", converge.DriftUnitMasked, func(n *node, _ *settings.Settings) {
			n.modern().UnitFileState, n.modern().LoadState = "masked", "masked"
		}},
		{"unit files not read", converge.DriftUnitReload, func(n *node, _ *settings.Settings) { n.modern().NeedReload = true }},
		{"drop-in not read, though systemd needs no reload", converge.DriftUnitReload, func(n *node, _ *settings.Settings) { n.modern().DropIns = nil }},
		{"another unit enabled", converge.DriftUnitExtra, func(n *node, _ *settings.Settings) { n.units["falco-custom.service"].UnitFileState = "enabled" }},
		{"another unit running", converge.DriftUnitExtra, func(n *node, _ *settings.Settings) {
			n.units["falco-kmod.service"].ActiveState, n.units["falco-kmod.service"].SubState = "active", "running"
		}},
		{"alias elsewhere", converge.DriftUnitAlias, func(n *node, _ *settings.Settings) {
			n.units["falco-custom.service"].UnitFileState = "enabled"
			n.units[aliasUnit] = n.units["falco-custom.service"]
		}},
		{"follow unmasked", converge.DriftFollow, func(n *node, _ *settings.Settings) {
			n.units[followUnit].UnitFileState, n.units[followUnit].LoadState = "disabled", "loaded"
		}},
		{"follow masked and not read", converge.DriftFollow, func(n *node, _ *settings.Settings) { n.units[followUnit].LoadState = "loaded" }},
		{"follow masked and running", converge.DriftFollow, func(n *node, _ *settings.Settings) {
			n.units[followUnit].ActiveState, n.units[followUnit].SubState = "active", "running"
		}},
		{"configuration newer than the process", converge.DriftConfigStale, func(n *node, _ *settings.Settings) {
			n.write("/etc/falco/falco_rules.yaml", "- rule: y\n")
		}},
		{"upgraded by somebody else", converge.DriftConfigStale, func(n *node, _ *settings.Settings) {
			n.clock = n.clock.Add(time.Minute)
			n.packages[0].Installed = n.clock
		}},
		{"another version than pinned", converge.DriftVersion, func(_ *node, s *settings.Settings) { s.Falco.Version = "0.43.1" }},
		{"a version that must go", converge.DriftVersion, func(n *node, _ *settings.Settings) { n.packages[0].Version = "0.40.0" }},
		{"files altered", converge.DriftFiles, func(n *node, _ *settings.Settings) {
			n.altered = []converge.AlteredFile{{Path: "/usr/bin/falco", What: "S.5"}}
		}},
		{"falco.yaml gone", converge.DriftFiles, func(n *node, _ *settings.Settings) { delete(n.files, inTree(mainConfig)) }},
		{"repository edited", converge.DriftRepository, func(n *node, _ *settings.Settings) {
			n.write(repoFile, strings.Replace(n.read(repoFile), "\ngpgcheck=1", "\ngpgcheck=0", 1))
		}},
		{"repository disabled", converge.DriftRepository, func(n *node, _ *settings.Settings) {
			n.write(repoFile, strings.Replace(n.read(repoFile), "enabled=1", "enabled=0", 1))
		}},
		{"repository with a mirrorlist", converge.DriftRepository, func(n *node, _ *settings.Settings) {
			n.write(repoFile, n.read(repoFile)+"mirrorlist=http://x\n")
		}},
		{"repository gone", converge.DriftAbsent, func(n *node, _ *settings.Settings) { delete(n.files, inTree(repoFile)) }},
		{"section twice", converge.DriftRepositoryTwice, func(n *node, _ *settings.Settings) {
			n.write(repoDir+"/a.repo", "[other]\nenabled=0\n[falcosecurity-rpm]\nbaseurl=http://x\n")
		}},
		{"key missing", converge.DriftKeyMissing, func(n *node, _ *settings.Settings) { n.keys = nil }},
		{"key file missing", converge.DriftKeyMissing, func(n *node, _ *settings.Settings) { delete(n.files, inTree(KeyFile)) }},
		{"EPEL left on", converge.DriftEPEL, func(n *node, _ *settings.Settings) { n.write(repoDir+"/e.repo", "[ol8_developer_EPEL]\n") }},
		{"drop-in missing", converge.DriftPreloadMissing, func(n *node, _ *settings.Settings) { delete(n.files, inTree(dropIn)) }},
		{"drop-in edited", converge.DriftPreloadStale, func(n *node, _ *settings.Settings) { n.write(dropIn, "[Service]\n") }},
		{"drop-in of another unit", converge.DriftPreloadStale, func(n *node, _ *settings.Settings) {
			n.write("/etc/systemd/system/falco-kmod.service.d/"+dropInName, "[Service]\n")
		}},
		{"log's mode", converge.DriftLogMode, func(n *node, _ *settings.Settings) { n.files["var/log/falco.log"].Mode = 0o644 }},
		{"no rotation", converge.DriftLogrotate, func(n *node, _ *settings.Settings) { delete(n.files, inTree(logrotateFile)) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n, s := newNode(t, "8.10", uek7)
			converged(t, n, s)
			n.clock = n.clock.Add(time.Minute)
			tt.make(n, &s)
			n.clock = n.clock.Add(time.Minute)
			r := converge.Plan(t.Context(), n, All(s))
			var classes []converge.Drift
			for _, c := range r.Changes() {
				classes = append(classes, c.Class())
			}
			if r.Err != nil || !slices.Contains(classes, tt.drift) {
				t.Errorf("Plan = %v, drift %q, want %s", r.Err, classes, tt.drift)
			}
			converged(t, n, s)
			inOrder(t, n, s)
		})
	}
}

const dropIn = "/etc/systemd/system/falco-modern-bpf.service.d/" + dropInName

func (n *node) modern() *systemd.Unit { return n.units["falco-modern-bpf.service"] }

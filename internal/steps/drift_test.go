// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package steps

import (
	"testing"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/trust"
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

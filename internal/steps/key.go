// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package steps

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/inforce"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/trust"
)

// KeyFile is the copy of the verified keys that the repository file names.
// dnf -y imports any key that it finds at a URL without asking, so it is never
// given a URL.
const KeyFile = "/etc/pki/rpm-gpg/RPM-GPG-KEY-falcosecurity"

// planKey keeps the pinned keys in rpm's database and in [KeyFile], and Falco's
// expired and revoked ones out of the database.
func planKey(ctx context.Context, sv *survey) (converge.Outcome, error) {
	file, err := inforce.ReadOptional(sv.view.Tree(), KeyFile)
	if err != nil {
		return converge.Outcome{}, err
	}
	ring, pins, now := readRing(sv.rpm.Keys), sv.Repository.Fingerprints, sv.view.Now()
	out := converge.Outcome{Changes: removeDead(ring, pins, now)}
	missing := missingKeys(ring, pins, file, now)
	if len(missing) == 0 {
		missing = unservedKeys(ctx, sv, file)
	}
	if len(missing) > 0 {
		out.Changes = append(out.Changes, node.ImportKey{
			URL: sv.Repository.GPGKey, Insecure: sv.Repository.Insecure, Repository: sv.Repository.ID, Fingerprints: pins, Path: KeyFile, Cause: missing[0].Cause,
			Absent: slices.DeleteFunc(slices.Clone(pins), func(f string) bool {
				return slices.ContainsFunc(ring, func(r ringKey) bool { return r.Fingerprint == f })
			}),
		})
		out.Reason = "not trusted yet: " + missing[0].fingerprint
	} else {
		live := liveKeys(ring, pins, now)
		out.Reason = "trusted: " + live[0].Fingerprint
		out.Warnings = expiryWarning(live, sv.Repository.WarnDays, now)
	}
	return out, nil
}

// A ringKey is a key in rpm's database.
type ringKey struct {
	trust.Key
	pkg string // gpg-pubkey-VERSION-RELEASE
}

func (k ringKey) usable(now time.Time) bool { return !k.Revoked && !k.Expired(now) }

// readRing parses rpm's keys. A key that cannot be parsed is not Falco's.
func readRing(keys []node.PublicKey) []ringKey {
	var ring []ringKey
	for _, k := range keys {
		parsed, _ := trust.ParseKeys(k.Armored)
		for _, p := range parsed {
			ring = append(ring, ringKey{Key: p, pkg: k.Package})
		}
	}
	return ring
}

// removeDead plans the removal of Falco keys that are revoked or expired and
// not pinned. The copy in rpm's database does not know of a later revocation,
// so the keys that Falco has revoked are known by fingerprint.
func removeDead(ring []ringKey, pins []string, now time.Time) []node.Change {
	var out []node.Change
	for _, r := range ring {
		if slices.Contains(pins, r.Fingerprint) {
			continue
		}
		change := node.RemoveKey{Package: r.pkg, Fingerprint: r.Fingerprint}
		switch withdrawn := trust.Withdrawn(r.Fingerprint); {
		case withdrawn != "":
			change.Cause = node.Because(node.DriftKeyRevoked, withdrawn)
		case r.IsFalco() && r.Revoked:
			change.Cause = node.Because(node.DriftKeyRevoked, "was revoked on "+day(r.RevokedAt))
		case r.IsFalco() && r.Expired(now):
			change.Cause = node.Because(node.DriftKeyExpired, "expired on "+day(r.Expires))
		default:
			continue
		}
		out = append(out, change)
	}
	return out
}

// liveKeys returns the pinned keys of the ring that can still be used.
func liveKeys(ring []ringKey, pins []string, now time.Time) []ringKey {
	return slices.DeleteFunc(slices.Clone(ring), func(r ringKey) bool {
		return !slices.Contains(pins, r.Fingerprint) || !r.usable(now)
	})
}

// A missingKey is a pinned key that must be fetched.
type missingKey struct {
	fingerprint string
	node.Cause
}

// missingKeys lists the pinned keys that must be fetched: those that rpm or the
// key file lacks, unless the last fetch found that they are not served. One
// usable key in both places is enough, so that a pin can be set before its key
// is published and stay after the old one is no longer served.
func missingKeys(ring []ringKey, pins []string, file []byte, now time.Time) []missingKey {
	copied, _ := trust.ParseKeys(file) // a file that cannot be parsed is written again
	unserved := trust.NotServed(file)
	notInRPM := node.Because(node.DriftKeyMissing, "it is pinned and not in rpm's database")
	var out []missingKey
	usable := false
	for _, f := range pins {
		i := slices.IndexFunc(ring, func(r ringKey) bool { return r.Fingerprint == f })
		switch {
		case (i < 0 || !ring[i].usable(now)) && slices.Contains(unserved, f):
		case i < 0:
			out = append(out, missingKey{f, notInRPM})
		case !ring[i].usable(now):
			out = append(out, missingKey{f, node.Because(node.DriftKeyExpired, "rpm's copy of it expired on "+day(ring[i].Expires))})
		case !slices.ContainsFunc(copied, func(c trust.Key) bool { return c.Fingerprint == f }):
			out = append(out, missingKey{f, node.Because(node.DriftKeyMissing, "the copy of it in "+KeyFile+" is missing")})
		default:
			usable = true
		}
	}
	if !usable && len(out) == 0 {
		out = append(out, missingKey{pins[0], notInRPM})
	}
	return out
}

// unservedKeys lists the pinned keys that were not served when they were last
// fetched, if packages are about to be installed: the next key may have signed
// them.
func unservedKeys(ctx context.Context, sv *survey, file []byte) []missingKey {
	var out []missingKey
	for _, f := range trust.NotServed(file) {
		if slices.Contains(sv.Repository.Fingerprints, f) {
			out = append(out, missingKey{f, node.Because(node.DriftKeyMissing, "it is pinned, was not served before, and packages will be installed")})
		}
	}
	if len(out) == 0 {
		return nil
	}
	if packages, err := planPackages(ctx, sv); err != nil || len(packages.Changes) == 0 {
		return nil // that step reports the error
	}
	return out
}

// expiryWarning warns while there is still time to pin the next key.
func expiryWarning(live []ringKey, warnDays int, now time.Time) []node.Warning {
	var last time.Time
	for _, l := range live {
		if l.Expires.IsZero() {
			return nil
		}
		if l.Expires.After(last) {
			last = l.Expires
		}
	}
	left := int(last.Sub(now).Hours() / 24)
	if left > warnDays {
		return nil
	}
	return []node.Warning{{
		Message: fmt.Sprintf("the last pinned key expires in %d days, on %s", left, day(last)),
		Hint:    "pin the next key's fingerprint too: repository.fingerprints takes several",
		Drift:   node.DriftKeyExpiring,
	}}
}

// foreignSigner says who signed the installed Falco if no pinned key did: somebody
// else installed it, or it is older than the last change of keys. For an installed
// package rpm gives only the ID of the key, or of its subkey.
func foreignSigner(sv *survey) string {
	id := sv.installed.SignerID
	if id == "" {
		return "which is not signed"
	}
	pinned := func(f string) bool { return trust.MatchesKeyID(f, id) }
	if slices.ContainsFunc(sv.Repository.Fingerprints, pinned) {
		return ""
	}
	for _, r := range readRing(sv.rpm.Keys) {
		if slices.Contains(sv.Repository.Fingerprints, r.Fingerprint) && r.SignsAs(id) {
			return ""
		}
	}
	return "which key " + id + " signed"
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package steps

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/settings"
	"github.com/falco-bootstrap/falco-bootstrap/internal/trust"
)

// KeyFile is the copy of the verified key that the repository file names.
// dnf -y imports, unasked, whatever key it finds behind a URL, so it is never
// given one.
const KeyFile = "/etc/pki/rpm-gpg/RPM-GPG-KEY-falcosecurity"

// key keeps the pinned keys in rpm's database and in [KeyFile], and Falco's
// dead ones out of it.
type key struct{ settings.Settings }

// ID implements [converge.Step].
func (key) ID() string { return idKey }

// Plan implements [converge.Step].
func (k key) Plan(ctx context.Context, view node.View) (converge.Outcome, error) {
	rpm, err := view.Packages(ctx)
	if err != nil {
		return converge.Outcome{}, err
	}
	file, err := readOptional(view.Tree(), KeyFile)
	if err != nil {
		return converge.Outcome{}, err
	}
	ring := readRing(rpm.Keys)
	out := converge.Outcome{Changes: k.buried(ring, view.Now())}
	live := k.pinned(ring, view.Now())
	missing := k.missing(ring, file, view.Now())
	if len(missing) == 0 {
		missing = k.sought(ctx, view, file)
	}
	switch {
	case len(missing) > 0:
		out.Changes = append(out.Changes, k.fetch(missing))
		out.Reason = "not trusted yet: " + shortID(missing[0].fingerprint)
	default:
		out.Reason = "trusted: " + shortID(live[0].Fingerprint)
		out.Warnings = k.expiring(live, view.Now())
	}
	out.Warnings = append(out.Warnings, k.foreignSigner(rpm)...)
	return out, nil
}

// A ringKey is a key in rpm's database.
type ringKey struct {
	trust.Key
	pkg string // gpg-pubkey-VERSION-RELEASE
}

// readRing reads rpm's keys. One that cannot be read is no key of Falco's and
// none of this step's business.
func readRing(keys []node.PublicKey) []ringKey {
	var ring []ringKey
	for _, k := range keys {
		parsed, err := trust.ParseKeys(k.Armored)
		if err != nil {
			continue
		}
		for _, p := range parsed {
			ring = append(ring, ringKey{Key: p, pkg: k.Package})
		}
	}
	return ring
}

// buried plans the removal of Falco keys that are revoked or expired. A copy
// in rpm's database says nothing of a revocation that came after it, so the
// known ones are known by fingerprint.
func (k key) buried(ring []ringKey, now time.Time) []node.Change {
	var out []node.Change
	for _, r := range ring {
		if slices.Contains(k.Repository.Fingerprints, r.Fingerprint) {
			continue
		}
		change := node.RemoveKey{Package: r.pkg, Fingerprint: r.Fingerprint}
		switch withdrawn := trust.Withdrawn(r.Fingerprint); {
		case withdrawn != "":
			change.Drift, change.Why = node.DriftKeyRevoked, withdrawn
		case r.IsFalco() && r.Revoked:
			change.Drift, change.Why = node.DriftKeyRevoked, "was revoked on "+day(r.RevokedAt)
		case r.IsFalco() && r.Expired(now):
			change.Drift, change.Why = node.DriftKeyExpired, "expired on "+day(r.Expires)
		default:
			continue
		}
		out = append(out, change)
	}
	return out
}

// pinned returns the pinned keys of the ring that can still be used.
func (k key) pinned(ring []ringKey, now time.Time) []trust.Key {
	var live []trust.Key
	for _, r := range ring {
		if slices.Contains(k.Repository.Fingerprints, r.Fingerprint) && !r.Expired(now) && !r.Revoked {
			live = append(live, r.Key)
		}
	}
	return live
}

// A lack says which pinned key is not where it should be.
type lack struct {
	fingerprint string
	drift       node.Drift
	why         string
}

// missing lists the pinned keys that must be fetched: those that neither rpm
// nor the key file has, unless the last fetch found that they are not served.
// One usable key in both places is enough, so that a pin can be set before its
// key is published and stay after the old one is withdrawn.
func (k key) missing(ring []ringKey, file []byte, now time.Time) []lack {
	copied, _ := trust.ParseKeys(file) // what cannot be read is written anew
	unserved := trust.NotServed(file)
	var out []lack
	usable := false
	for _, f := range k.Repository.Fingerprints {
		in, inFile := find(ring, f), slices.ContainsFunc(copied, func(c trust.Key) bool { return c.Fingerprint == f })
		switch {
		case (in == nil || in.Revoked || in.Expired(now)) && slices.Contains(unserved, f):
		case in == nil:
			out = append(out, lack{f, node.DriftKeyMissing, "it is pinned and not in rpm's database"})
		case in.Revoked || in.Expired(now):
			out = append(out, lack{f, node.DriftKeyExpired, "rpm's copy of it expired on " + day(in.Expires)})
		case !inFile:
			out = append(out, lack{f, node.DriftKeyMissing, "the copy of it in " + KeyFile + " is missing"})
		default:
			usable = true
		}
	}
	if !usable && len(out) == 0 {
		out = append(out, lack{k.Repository.Fingerprints[0], node.DriftKeyMissing, "it is pinned and not in rpm's database"})
	}
	return out
}

// sought lists the pinned keys that were not served when they were last
// fetched, if packages are about to be: the next key may sign them by now.
func (k key) sought(ctx context.Context, view node.View, file []byte) []lack {
	var out []lack
	for _, f := range trust.NotServed(file) {
		if slices.Contains(k.Repository.Fingerprints, f) {
			out = append(out, lack{f, node.DriftKeyMissing, "it is pinned, was not served before, and packages are to be installed"})
		}
	}
	if len(out) == 0 {
		return nil
	}
	if todo, err := packages(k).Plan(ctx, view); err != nil || len(todo.Changes) == 0 {
		return nil // an error is that step's to tell
	}
	return out
}

func find(ring []ringKey, fingerprint string) *ringKey {
	for i := range ring {
		if ring[i].Fingerprint == fingerprint {
			return &ring[i]
		}
	}
	return nil
}

func (k key) fetch(missing []lack) node.Change {
	return node.ImportKey{
		URL: k.Repository.GPGKey, Insecure: k.Repository.Insecure,
		Fingerprints: k.Repository.Fingerprints, Path: KeyFile,
		Cause: node.Because(missing[0].drift, missing[0].why),
	}
}

// expiring warns while there is still time to pin the next key.
func (k key) expiring(live []trust.Key, now time.Time) []node.Warning {
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
	if left > k.Repository.WarnDays {
		return nil
	}
	return []node.Warning{{
		Message: fmt.Sprintf("the last pinned key expires in %d days, on %s", left, day(last)),
		Hint:    "pin the next key's fingerprint beside it: repository.fingerprints takes several",
		Drift:   node.DriftKeyExpiring,
	}}
}

// foreignSigner warns of an installed Falco that no pinned key signed. It was
// put there by somebody else, or before a rotation.
func (k key) foreignSigner(rpm node.Packages) []node.Warning {
	p, ok := rpm.Newest("falco")
	if !ok || k.signedByPinned(p) {
		return nil
	}
	by := "it is not signed"
	if p.SignerID != "" {
		by = "it was signed by key " + p.SignerID
	}
	return []node.Warning{{
		Message: fmt.Sprintf("the installed %s does not bear the signature of a pinned key: %s", p.NEVRA(), by),
		Hint:    "`dnf reinstall falco` fetches the package as it is signed today",
	}}
}

// signedByPinned compares the end of a fingerprint, which is what rpm says of
// the signer of an installed package. What was signed by a subkey is checked
// by rpm itself when the package is installed.
func (k key) signedByPinned(p node.Package) bool {
	return slices.ContainsFunc(k.Repository.Fingerprints, func(f string) bool {
		return len(f) >= 16 && p.SignerID != "" && trust.MatchesKeyID(f, p.SignerID)
	})
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// shortID is the form in which people know a key: its last eight digits.
func shortID(fingerprint string) string { return fingerprint[max(0, len(fingerprint)-8):] }

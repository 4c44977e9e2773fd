// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Package trust decides which signing keys and packages a node may trust: it
// reads OpenPGP public keys, selects those that are pinned and still valid, and
// checks an rpm's signature against them before rpm or dnf sees the file.
//
// Trust begins with a pinned fingerprint and nothing else; user IDs prove
// nothing. The package works on bytes: it fetches no key, imports none, and
// runs neither rpm nor gpg.
package trust

import (
	"fmt"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// An Error is a key or a package that must not be trusted.
type Error struct {
	Err  error
	Hint string // what the operator can do
}

func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.Err }

// A Key is one OpenPGP public key with what its own signatures say about it.
type Key struct {
	Fingerprint string    // 40 upper-case hex digits, or 64 for a version 6 key
	UserIDs     []string  // only those that the key has signed
	Expires     time.Time // zero for a key that never expires
	Revoked     bool
	RevokedAt   time.Time
	// Armored is this key alone, with every signature that came with it, and
	// with the checksum that rpm's own parser requires.
	Armored []byte

	// selfSigned reports whether one of the key's own signatures vouches for
	// Expires. A key without one is never usable: whoever served it may have
	// removed the signature, and the expiry with it.
	selfSigned bool
	revokedWhy string // the reason in the revocation, or ""
	primary    *packet.PublicKey
	signers    []*packet.PublicKey // subkeys that may sign, bound by primary
}

// Expired reports whether the key has expired.
func (k Key) Expired(now time.Time) bool { return !k.Expires.IsZero() && !now.Before(k.Expires) }

// SignsAs reports whether the key ID, of at least 16 hex digits, is that of the
// key or of a subkey that may sign for it.
func (k Key) SignsAs(id string) bool {
	if MatchesKeyID(k.Fingerprint, id) {
		return true
	}
	for _, sub := range k.signers {
		if MatchesKeyID(fmt.Sprintf("%X", sub.Fingerprint), id) {
			return true
		}
	}
	return false
}

// IsFalco reports whether the key claims to be Falco's. That proves nothing,
// because anybody can make such a key; it is used to find keys to clean up.
func (k Key) IsFalco() bool {
	for _, id := range k.UserIDs {
		if strings.Contains(strings.ToLower(id), "falcosecurity package signing") {
			return true
		}
	}
	return false
}

// String returns the fingerprint and the first user ID.
func (k Key) String() string {
	if len(k.UserIDs) == 0 {
		return k.Fingerprint
	}
	return fmt.Sprintf("%s (%s)", k.Fingerprint, k.UserIDs[0])
}

// unusable says why the key cannot be trusted now, or "" if it can.
func (k Key) unusable(now time.Time) string {
	switch withdrawn := Withdrawn(k.Fingerprint); {
	case k.Revoked && k.revokedWhy != "":
		return fmt.Sprintf("was revoked on %s (%s)", day(k.RevokedAt), k.revokedWhy)
	case k.Revoked:
		return "was revoked on " + day(k.RevokedAt)
	case k.Expired(now):
		return "expired on " + day(k.Expires)
	case withdrawn != "":
		return withdrawn
	case !k.selfSigned:
		return "has no valid signature of its own"
	}
	return ""
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

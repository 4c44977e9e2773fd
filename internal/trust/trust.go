// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Package trust decides which signing keys and which packages a node may rely
// on: it reads OpenPGP public keys, says which of them are pinned and can be
// trusted, and checks an rpm's signature against those before rpm or dnf see
// the file.
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

// A Key is one OpenPGP public key with what its own signatures say of it.
type Key struct {
	Fingerprint string    // 40 upper-case hex digits, or 64 for a version 6 key
	UserIDs     []string  // those that the key has signed itself
	Expires     time.Time // zero for a key that never expires
	Revoked     bool
	RevokedAt   time.Time
	// Armored is this key alone, with every signature that came with it, and
	// with the checksum that rpm's own parser insists on.
	Armored []byte

	// selfSigned says that one of the key's own signatures vouches for Expires.
	// A key without one is never usable: whoever served it may have removed the
	// signature, and the expiry with it.
	selfSigned bool
	revokedWhy string // the reason that the revocation gives, or ""
	primary    *packet.PublicKey
	signers    []*packet.PublicKey // subkeys that may sign, bound by primary
}

// Expired reports whether the key has expired.
func (k Key) Expired(now time.Time) bool { return !k.Expires.IsZero() && !now.Before(k.Expires) }

// IsFalco reports whether the key calls itself Falco's. It proves nothing,
// because anybody can make such a key; it finds the ones to clean up.
func (k Key) IsFalco() bool {
	for _, id := range k.UserIDs {
		if strings.Contains(strings.ToLower(id), "falcosecurity package signing") {
			return true
		}
	}
	return false
}

// String names the key for people: its fingerprint and first user ID.
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

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Package trust decides which OpenPGP keys and which packages a node may rely
// on: it reads public keys, says which of them are pinned and alive, and
// checks an rpm's signature against those before rpm or dnf see the file.
//
// Trust begins with a pinned fingerprint and nothing else; user IDs prove
// nothing. The package reads bytes and answers: it fetches no key, imports
// none, and runs neither rpm nor gpg.
package trust

import (
	"fmt"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// A Key is one OpenPGP public key with what its own signatures say of it.
type Key struct {
	// Fingerprint has 40 upper-case hex digits, or 64 for a version 6 key.
	Fingerprint string
	// ID is the last eight digits of the key ID in lower case, which rpm uses
	// as the version of the package gpg-pubkey.
	ID string
	// UserIDs are those that the key has signed itself.
	UserIDs []string
	Created time.Time
	// Expires is zero for a key that never expires.
	Expires time.Time
	// SelfSigned says that a signature of the key's own vouches for Expires.
	// A key without one is never alive: whoever served it may have taken the
	// signature away, and the expiry with it.
	SelfSigned bool
	Revoked    bool
	RevokedAt  time.Time
	// RevokedWhy is the reason that the revocation gives, or "".
	RevokedWhy string
	// Armored is that key alone, with every signature that came with it, and
	// with the checksum that rpm's own parser insists on.
	Armored []byte

	primary *packet.PublicKey
	signers []*packet.PublicKey // subkeys that may sign, bound by primary
}

// Expired reports whether the key's time is up.
func (k Key) Expired(now time.Time) bool { return !k.Expires.IsZero() && !now.Before(k.Expires) }

// Live reports whether the key may vouch for a package now.
func (k Key) Live(now time.Time) bool {
	return k.SelfSigned && !k.Revoked && !k.Expired(now) && deadKey(k.Fingerprint) == nil
}

// IsFalco reports whether the key calls itself Falco's. It proves nothing,
// since anybody can make such a key; it finds the ones to clean up.
func (k Key) IsFalco() bool {
	for _, id := range k.UserIDs {
		if strings.Contains(strings.ToLower(id), "falcosecurity package signing") {
			return true
		}
	}
	return false
}

// Package returns the name of the package that rpm keeps the key in, such as
// "gpg-pubkey-b35b1b1f-693adef9". It is the same for a copy of the key with a
// later expiry, for which rpm therefore keeps the old one.
func (k Key) Package() string { return fmt.Sprintf("gpg-pubkey-%s-%08x", k.ID, k.Created.Unix()) }

// String names the key for people: its fingerprint and first user ID.
func (k Key) String() string {
	if len(k.UserIDs) == 0 {
		return k.Fingerprint
	}
	return fmt.Sprintf("%s (%s)", k.Fingerprint, k.UserIDs[0])
}

// state says why a key is not alive, or "" if it is.
func (k Key) state(now time.Time) string {
	dead := deadKey(k.Fingerprint)
	switch {
	case k.Revoked && k.RevokedWhy != "":
		return fmt.Sprintf("was revoked on %s (%s)", day(k.RevokedAt), k.RevokedWhy)
	case k.Revoked:
		return "was revoked on " + day(k.RevokedAt)
	case k.Expired(now):
		return "expired on " + day(k.Expires)
	case dead != nil:
		return dead.Reason
	case !k.SelfSigned:
		return "has no valid signature of its own"
	}
	return ""
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

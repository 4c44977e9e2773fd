// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"fmt"
	"slices"
	"strings"
	"time"

	pgperrors "github.com/ProtonMail/go-crypto/openpgp/errors"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// assemble makes a key from its packets. It accepts only what the key's own
// signatures vouch for.
//
// The library's reader cannot be used: it accepts a revocation only directly
// after the primary key, and reads only one armored block; see split.
func assemble(p *part) (Key, error) {
	first, err := p.packets[0].Parse()
	if err != nil {
		return Key{}, fmt.Errorf("reading the key: %w", err)
	}
	primary, ok := first.(*packet.PublicKey)
	if !ok || !primary.PubKeyAlgo.CanSign() {
		return Key{}, pgperrors.UnsupportedError("a primary key that cannot sign")
	}
	a := assembly{Key: Key{
		Fingerprint: fmt.Sprintf("%X", primary.Fingerprint),
		primary:     primary,
	}}
	for _, next := range p.packets[1:] {
		a.take(next)
	}
	a.bind()
	a.Armored, err = armored(slices.Concat(p.raw...))
	return a.Key, err
}

// An assembly is a key that is being assembled packet by packet.
type assembly struct {
	Key
	userID string // the user ID that the next signatures are for, or ""
	newest time.Time
	// subkey is the subkey that the next signatures are for, or nil.
	subkey                *packet.PublicKey
	binding, unbound      bool
	bindingAt, bindingEnd time.Time
}

func (a *assembly) take(p *packet.OpaquePacket) {
	switch p.Tag {
	case tagUserID:
		a.bind()
		a.userID = string(p.Contents)
	case tagPublicSubkey:
		a.bind()
		a.userID = ""
		if parsed, err := p.Parse(); err == nil {
			a.subkey, _ = parsed.(*packet.PublicKey)
		}
	case tagSignature:
		if parsed, err := p.Parse(); err == nil {
			if sig, ok := parsed.(*packet.Signature); ok {
				a.sign(sig)
			}
		}
	default:
		a.bind()
		a.userID = ""
	}
}

// sign records what a signature proves. One that does not verify, or that another
// key made, proves nothing.
func (a *assembly) sign(sig *packet.Signature) {
	switch sig.SigType {
	case packet.SigTypeKeyRevocation:
		if a.primary.VerifyRevocationSignature(sig) == nil {
			a.revoke(sig)
		}
	case packet.SigTypeDirectSignature:
		if a.primary.VerifyDirectKeySignature(sig) == nil {
			a.certify(sig)
		}
	case packet.SigTypeGenericCert, packet.SigTypePersonaCert, packet.SigTypeCasualCert, packet.SigTypePositiveCert:
		if a.userID != "" && a.primary.VerifyUserIdSignature(a.userID, a.primary, sig) == nil {
			a.certify(sig)
			if len(a.UserIDs) == 0 || a.UserIDs[len(a.UserIDs)-1] != a.userID {
				a.UserIDs = append(a.UserIDs, a.userID)
			}
		}
	case packet.SigTypeSubkeyBinding:
		if a.subkey != nil && a.primary.VerifyKeySignature(a.subkey, sig) == nil && !sig.CreationTime.Before(a.bindingAt) {
			a.bindingAt, a.bindingEnd = sig.CreationTime, end(a.subkey.CreationTime, sig.KeyLifetimeSecs)
			a.binding = sig.FlagsValid && sig.FlagSign
		}
	case packet.SigTypeSubkeyRevocation:
		if a.subkey != nil && a.primary.VerifySubkeyRevocationSignature(sig, a.subkey) == nil {
			a.unbound = true
		}
	}
}

func (a *assembly) revoke(sig *packet.Signature) {
	if a.Revoked && !sig.CreationTime.Before(a.RevokedAt) {
		return
	}
	a.Revoked, a.RevokedAt = true, sig.CreationTime.UTC()
	a.revokedWhy = printable(sig.RevocationReasonText)
}

// certify takes the expiry from a self-signature. The newest counts, because a
// new self-signature extends the expiry.
func (a *assembly) certify(sig *packet.Signature) {
	if a.selfSigned && sig.CreationTime.Before(a.newest) {
		return
	}
	a.selfSigned, a.newest = true, sig.CreationTime
	a.Expires = end(a.primary.CreationTime, sig.KeyLifetimeSecs)
}

// bind ends the packets of a subkey. The subkey may sign packages if the primary
// key has bound it for signing, has not revoked it, and gave it no expiry of its
// own: such an expiry would need warnings too, and Falco has no signing subkey.
func (a *assembly) bind() {
	if a.subkey != nil && a.binding && !a.unbound && a.bindingEnd.IsZero() {
		a.signers = append(a.signers, a.subkey)
	}
	a.subkey, a.binding, a.unbound = nil, false, false
	a.bindingAt, a.bindingEnd = time.Time{}, time.Time{}
}

// end returns when a lifetime ends, or the zero time if it never does.
func end(created time.Time, lifetime *uint32) time.Time {
	if lifetime == nil || *lifetime == 0 {
		return time.Time{}
	}
	return created.Add(time.Duration(*lifetime) * time.Second).UTC()
}

// printable makes a text from an untrusted key safe to print: it removes control
// characters and cuts it to 80 characters.
func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\ufffd' {
			return -1
		}
		return r
	}, s)
	if r := []rune(s); len(r) > 80 {
		return string(r[:80])
	}
	return s
}

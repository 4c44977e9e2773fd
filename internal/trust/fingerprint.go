// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"fmt"
	"strings"
)

// A FingerprintError is a text that does not identify one key.
type FingerprintError struct {
	Text   string
	Reason string
}

func (e *FingerprintError) Error() string {
	return fmt.Sprintf("fingerprint %q: %s", e.Text, e.Reason)
}

// NormalizeFingerprint brings a fingerprint as people write it, with spaces,
// colons, a leading 0x or in lower case, into the form of [Key.Fingerprint]. A
// key ID is refused: keys with a wanted short ID are made in seconds.
func NormalizeFingerprint(s string) (string, error) {
	bad := func(reason string) (string, error) {
		if len(s) > 100 {
			s = s[:100] + "..."
		}
		return "", &FingerprintError{Text: s, Reason: reason}
	}
	hex := strings.NewReplacer(" ", "", "\t", "", ":", "", "\u00a0", "").Replace(strings.TrimSpace(s))
	hex = strings.ToUpper(strings.TrimPrefix(strings.TrimPrefix(hex, "0x"), "0X"))
	if hex == "" {
		return bad("it is empty")
	}
	if i := strings.IndexFunc(hex, func(r rune) bool { return !strings.ContainsRune("0123456789ABCDEF", r) }); i >= 0 {
		return bad("it has a character that is no hex digit")
	}
	switch len(hex) {
	case 40, 64:
		return hex, nil
	case 8, 16:
		return bad("this is a key ID, which others can forge; use the whole fingerprint of 40 digits")
	case 32:
		return bad("this is the fingerprint of a version 3 key, whose MD5 others can forge")
	}
	return bad(fmt.Sprintf("it has %d hex digits; want 40, or 64 for a version 6 key", len(hex)))
}

// SameID reports whether a key ID of at least 16 hex digits, in either case,
// is that of the primary key with the fingerprint. rpm names the signer of an
// installed package by such an ID, or by the whole fingerprint.
func SameID(fingerprint, id string) bool {
	fingerprint, id = strings.ToUpper(fingerprint), strings.ToUpper(id)
	switch {
	case len(id) < 16:
		return false
	case len(fingerprint) == 64: // version 6: the first eight bytes
		return strings.HasPrefix(fingerprint, id)
	}
	return strings.HasSuffix(fingerprint, id)
}

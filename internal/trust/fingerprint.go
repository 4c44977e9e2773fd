// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// NormalizeFingerprint converts a fingerprint as people write it, with spaces,
// colons, a leading 0x or in lower case, to the form of [Key.Fingerprint]. It
// refuses a key ID, because a key with a given short ID can be made in seconds.
func NormalizeFingerprint(s string) (string, error) {
	hex := strings.NewReplacer(" ", "", "\t", "", ":", "", "\u00a0", "").Replace(strings.TrimSpace(s))
	hex = strings.ToUpper(strings.TrimPrefix(strings.TrimPrefix(hex, "0x"), "0X"))
	reason := ""
	switch {
	case hex == "":
		reason = "it is empty"
	case strings.Trim(hex, "0123456789ABCDEF") != "":
		reason = "it has a character that is not a hex digit"
	case len(hex) == 40, len(hex) == 64:
		return hex, nil
	case len(hex) == 8, len(hex) == 16:
		reason = "this is a key ID, which others can forge; use the whole fingerprint of 40 digits"
	case len(hex) == 32:
		reason = "this is the fingerprint of a version 3 key, whose MD5 others can forge"
	default:
		reason = fmt.Sprintf("it has %d hex digits; want 40, or 64 for a version 6 key", len(hex))
	}
	if len(s) > 100 {
		s = s[:100] + "..."
	}
	return "", fmt.Errorf("fingerprint %q: %s", s, reason)
}

// normalizePins returns the normalized pins, each once.
func normalizePins(pinned []string) ([]string, error) {
	var pins []string
	for _, p := range pinned {
		pin, err := NormalizeFingerprint(p)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(pins, pin) {
			pins = append(pins, pin)
		}
	}
	if len(pins) == 0 {
		return nil, errors.New("no key is pinned")
	}
	return pins, nil
}

// MatchesKeyID reports whether a key ID of at least 16 hex digits, in either
// case, belongs to the primary key with the fingerprint. rpm names the signer of
// an installed package by such an ID, or by the whole fingerprint.
func MatchesKeyID(fingerprint, id string) bool {
	fingerprint, id = strings.ToUpper(fingerprint), strings.ToUpper(id)
	switch {
	case len(id) < 16:
		return false
	case len(fingerprint) == 64: // version 6: the first eight bytes
		return strings.HasPrefix(fingerprint, id)
	}
	return strings.HasSuffix(fingerprint, id)
}

var signerID = regexp.MustCompile(`(?i)\bkey (?:id|fingerprint):? ?([0-9a-f]{16,64})\b`)

// SignerID finds the signer's key ID in what rpm prints for a signature by the
// query format %{RSAHEADER:pgpsig} or %{SIGPGP:pgpsig}, such as
// "RSA/SHA256, Mon 12 Jan 2026 10:00:00 AM UTC, Key ID 65106822b35b1b1f". It
// returns "" for "(none)": a package that is not signed.
func SignerID(text string) string {
	m := signerID.FindStringSubmatch(text)
	if m == nil {
		return ""
	}
	return strings.ToLower(m[1])
}

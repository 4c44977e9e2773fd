// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"regexp"
	"strings"
)

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

// SignerOf returns the key that a key ID of at least 16 digits belongs to, by
// its primary key or a subkey that may sign.
func SignerOf(id string, keys []Key) (Key, bool) {
	for _, k := range keys {
		if SameID(k.Fingerprint, id) {
			return k, true
		}
		for _, s := range k.signers {
			if SameID(strings.ToUpper(hexOf(s.Fingerprint)), id) {
				return k, true
			}
		}
	}
	return Key{}, false
}

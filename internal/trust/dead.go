// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package trust

// A DeadKey is a signing key of Falco's that must not be trusted any more.
type DeadKey struct {
	Fingerprint string
	ID          string // as [Key.ID]
	Reason      string // what became of it, for people
	Source      string // where its owners say so
}

// FalcoDeadKeys returns the keys that Falco's maintainers have withdrawn. A
// copy from before the revocation looks sound, and nodes still have them, so
// they are known by fingerprint.
func FalcoDeadKeys() []DeadKey {
	return []DeadKey{
		{
			Fingerprint: "15ED05F191E40D74BA47109F9F76B25B3672BA8F",
			ID:          "3672ba8f",
			Reason:      "was revoked on 2023-01-18 after a breach of Falco's build service",
			Source:      "https://falco.org/blog/falco-packages-gpg-key-rotated/",
		},
		{
			Fingerprint: "2005399002D5E8FF59F28CE64021833E14CB7A8D",
			ID:          "14cb7a8d",
			Reason:      "was revoked on 2025-12-11 in the rotation of 2026 and expired on 2026-01-17",
			Source:      "https://falco.org/blog/gpg-key-rotation-2026/",
		},
	}
}

func deadKey(fingerprint string) *DeadKey {
	for _, d := range FalcoDeadKeys() {
		if d.Fingerprint == fingerprint {
			return &d
		}
	}
	return nil
}

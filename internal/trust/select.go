// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Select returns every pinned key that can be trusted at the time now, in the
// order of the pins. One is enough: in a rotation the next key is pinned before
// it is published, and the last one stays pinned after it is withdrawn. Keys
// that are not pinned are never returned.
//
// The error is an [*Error] if no pinned key is among keys, or if all of them are
// revoked, expired or withdrawn by Falco.
func Select(keys []Key, pinned []string, now time.Time) ([]Key, error) {
	pins, err := normalizePins(pinned)
	if err != nil {
		return nil, err
	}
	var selected []Key
	var dead *Error
	for _, pin := range pins {
		for _, k := range keys {
			why := k.unusable(now)
			switch {
			case k.Fingerprint != pin:
			case why == "" && !slices.ContainsFunc(selected, func(s Key) bool { return s.Fingerprint == pin }):
				selected = append(selected, k)
			case why != "" && dead == nil:
				dead = &Error{
					Err:  fmt.Errorf("the pinned key %s %s", pin, why),
					Hint: "pin the current key, which https://falco.org/docs/setup/packages/ names, or look for a copy of this key with a later expiry",
				}
			}
		}
	}
	switch {
	case len(selected) > 0:
		return selected, nil
	case dead != nil:
		return nil, dead
	}
	var found []string
	for _, k := range keys {
		found = append(found, printable(k.String()))
	}
	return nil, &Error{
		Err:  fmt.Errorf("found none of the pinned keys %s, only %s", strings.Join(pins, ", "), strings.Join(found, ", ")),
		Hint: "compare the fingerprint with the one that https://falco.org/docs/setup/packages/ gives; if Falco has rotated its key, pin the new one in repository.fingerprints",
	}
}

// Withdrawn says what happened to a key that Falco's maintainers have
// withdrawn, such as "was revoked on 2023-01-18", or "" for another key. They
// are known by fingerprint, because nodes still have copies from before the
// revocation, which look valid.
func Withdrawn(fingerprint string) string {
	switch fingerprint {
	case "15ED05F191E40D74BA47109F9F76B25B3672BA8F": // https://falco.org/blog/falco-packages-gpg-key-rotated/
		return "was revoked on 2023-01-18 after a breach of Falco's build service"
	case "2005399002D5E8FF59F28CE64021833E14CB7A8D": // https://falco.org/blog/gpg-key-rotation-2026/
		return "was revoked on 2025-12-11 in the rotation of 2026 and expired on 2026-01-17"
	}
	return ""
}

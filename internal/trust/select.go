// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// A NotPinnedError says that a bundle holds none of the pinned keys: the key
// was rotated, the URL is wrong, or somebody is in between.
type NotPinnedError struct {
	Pinned []string // fingerprints
	Found  []Key    // what the bundle holds
	Hint   string
}

func (e *NotPinnedError) Error() string {
	var found []string
	for _, k := range e.Found {
		found = append(found, printable(k.String()))
	}
	return fmt.Sprintf("none of the pinned keys %s is there, only %s", strings.Join(e.Pinned, ", "), strings.Join(found, ", "))
}

// A DeadKeyError says that the pinned keys that are there cannot be trusted
// any more.
type DeadKeyError struct {
	Key  Key    // the first of them
	Why  string // such as "expired on 2026-01-17"
	Hint string
}

func (e *DeadKeyError) Error() string {
	return fmt.Sprintf("the pinned key %s %s", e.Key.Fingerprint, e.Why)
}

// Select returns every pinned key that is alive at the time now, in the order
// of the pins. One is enough: in a rotation the next key is pinned before it is
// published, and the last one after it is withdrawn. Keys that are not pinned
// are never returned; see [Notes].
//
// The error is a [*NotPinnedError] if no pinned key is there, a
// [*DeadKeyError] if those that are there are revoked, expired or withdrawn by
// Falco, or a [*FingerprintError] for a pin that is none.
func Select(keys []Key, pinned []string, now time.Time) ([]Key, error) {
	pins, err := normalized(pinned)
	if err != nil {
		return nil, err
	}
	var live []Key
	var dead *DeadKeyError
	for _, pin := range pins {
		for _, k := range keys {
			why := k.state(now)
			switch {
			case k.Fingerprint != pin:
			case why == "" && !slices.ContainsFunc(live, func(l Key) bool { return l.Fingerprint == pin }):
				live = append(live, k)
			case why != "" && dead == nil:
				dead = &DeadKeyError{Key: k, Why: why, Hint: "pin the current key: https://falco.org/docs/setup/packages/ names it; a copy of the same key with a later expiry may be there too"}
			}
		}
	}
	switch {
	case len(live) > 0:
		return live, nil
	case dead != nil:
		return nil, dead
	}
	return nil, &NotPinnedError{
		Pinned: pins, Found: keys,
		Hint: "compare the fingerprint with the one that https://falco.org/docs/setup/packages/ gives; if Falco has rotated its key, pin the new one in repository.fingerprints",
	}
}

// Notes says in sentences what a bundle holds beside the keys that [Select]
// returns for the same pins: strangers, which are not imported, and pinned
// keys that are missing or dead.
func Notes(keys []Key, pinned []string, now time.Time) []string {
	pins, err := normalized(pinned)
	if err != nil {
		return nil
	}
	var notes []string
	for _, k := range keys {
		switch why := k.state(now); {
		case !slices.Contains(pins, k.Fingerprint):
			notes = append(notes, fmt.Sprintf("key %s is not pinned and is not imported", printable(k.String())))
		case why != "":
			notes = append(notes, fmt.Sprintf("the pinned key %s %s and is not imported", k.Fingerprint, why))
		}
	}
	for _, pin := range pins {
		if !slices.ContainsFunc(keys, func(k Key) bool { return k.Fingerprint == pin }) {
			notes = append(notes, fmt.Sprintf("the pinned key %s is not there", pin))
		}
	}
	return notes
}

func normalized(pinned []string) ([]string, error) {
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
		return nil, &FingerprintError{Reason: "no key is pinned"}
	}
	return pins, nil
}

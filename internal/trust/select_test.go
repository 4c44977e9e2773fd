// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSelect(t *testing.T) {
	good, other, brief, gone := entity(t, "good", 0), entity(t, "other", 0), entity(t, "brief", time.Hour), entity(t, "gone", 0)
	revoked(t, gone, "Rotation", later)
	g, o, b, r := fingerprint(good), fingerprint(other), fingerprint(brief), fingerprint(gone)
	bundle := parse(t, slices.Concat(public(t, good), public(t, other), public(t, brief), public(t, gone)))
	for _, test := range []struct {
		name   string
		keys   []Key
		pinned []string
		want   []string
		err    string
	}{
		{name: "the pinned one alone", keys: bundle, pinned: []string{g}, want: []string{g}},
		{name: "however it is written", keys: bundle[:1], pinned: []string{"0x" + strings.ToLower(g[:20]) + " " + g[20:]}, want: []string{g}},
		{name: "several, in the order of the pins", keys: bundle, pinned: []string{o, g, o}, want: []string{o, g}},
		{name: "one is not published yet", keys: bundle[:1], pinned: []string{o, g}, want: []string{g}},
		{name: "one has expired", keys: bundle[:3], pinned: []string{b, g}, want: []string{g}},
		{name: "in the bundle twice", keys: append(bundle[:1:1], bundle[0]), pinned: []string{g}, want: []string{g}},
		{name: "none is there", keys: bundle[1:2], pinned: []string{g}, err: "found none of the pinned keys " + g + ", only " + o + " (other <other@example.test>)"},
		{name: "expired", keys: bundle, pinned: []string{b}, err: "the pinned key " + b + " expired on 2026-01-02"},
		{name: "revoked", keys: bundle, pinned: []string{r}, err: "the pinned key " + r + " was revoked on 2026-07-02 (Rotation)"},
		{name: "no pin", keys: bundle, err: "no key is pinned"},
		{name: "a short ID is not a pin", keys: bundle, pinned: []string{g[32:]}, err: "key ID"},
	} {
		got, err := Select(test.keys, test.pinned, later)
		var have []string
		for _, k := range got {
			have = append(have, k.Fingerprint)
		}
		if !slices.Equal(have, test.want) || (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("%s: Select(%q) = %q, %v, want %q, %q", test.name, test.pinned, have, err, test.want, test.err)
		}
	}
}

func TestSelectErrorsHaveHints(t *testing.T) {
	a, b := one(t, public(t, entity(t, "a", time.Hour))), one(t, public(t, entity(t, "b", 0)))
	for pin, name := range map[string]string{a.Fingerprint: "expired", b.Fingerprint: "not there"} {
		_, err := Select([]Key{a}, []string{pin}, later)
		refused, ok := errors.AsType[*Error](err)
		if !ok || refused.Hint == "" || !strings.Contains(err.Error(), a.Fingerprint) {
			t.Errorf("%s: Select = %v, want an Error with a hint that names %s", name, err, a.Fingerprint)
		}
	}
}

// A copy from before the revocation does not show that the key was withdrawn.
func TestSelectRefusesWithdrawnKeys(t *testing.T) {
	for _, fingerprint := range []string{"15ED05F191E40D74BA47109F9F76B25B3672BA8F", "2005399002D5E8FF59F28CE64021833E14CB7A8D"} {
		why := Withdrawn(fingerprint)
		got, err := Select([]Key{{Fingerprint: fingerprint, selfSigned: true}}, []string{fingerprint}, later)
		if got != nil || err == nil || why == "" || !strings.Contains(err.Error(), why) {
			t.Errorf("Select(%s) = %v, %v, want %q", fingerprint, got, err, why)
		}
	}
}

func TestNormalizeFingerprint(t *testing.T) {
	const want = "478B2FBBC75F4237B731DA4365106822B35B1B1F"
	for _, in := range []string{
		want, strings.ToLower(want), "0x" + want, "0X" + strings.ToLower(want), " " + want + "\n",
		"478B 2FBB C75F 4237 B731  DA43 6510 6822 B35B 1B1F", "47:8B:2F:BB:C7:5F:42:37:B7:31:DA:43:65:10:68:22:B3:5B:1B:1F",
	} {
		if got, err := NormalizeFingerprint(in); err != nil || got != want {
			t.Errorf("NormalizeFingerprint(%q) = %q, %v, want %q", in, got, err, want)
		}
	}
	v6 := strings.Repeat("AB", 32)
	if got, err := NormalizeFingerprint(strings.ToLower(v6)); err != nil || got != v6 {
		t.Errorf("NormalizeFingerprint(version 6) = %q, %v", got, err)
	}
	for in, reason := range map[string]string{
		"":                                 "empty",
		"0x":                               "empty",
		"B35B1B1F":                         "key ID",
		"65106822B35B1B1F":                 "key ID",
		strings.Repeat("a", 32):            "MD5",
		want[1:]:                           "39 hex digits",
		want[1:] + "G":                     "not a hex digit",
		"https://falco.org/key":            "not a hex digit",
		strings.Repeat("z", 5000):          "not a hex digit",
		want + "\x00":                      "not a hex digit",
		strings.Repeat("A", 41) + "\u0661": "not a hex digit",
	} {
		got, err := NormalizeFingerprint(in)
		if got != "" || err == nil || !strings.HasPrefix(err.Error(), "fingerprint ") || !strings.Contains(err.Error(), reason) || len(err.Error()) > 300 {
			t.Errorf("NormalizeFingerprint(%q) = %q, %v, want %q", in, got, err, reason)
		}
	}
}

func TestMatchesKeyID(t *testing.T) {
	const f = "478B2FBBC75F4237B731DA4365106822B35B1B1F"
	v6 := "0123456789abcdef" + strings.Repeat("00", 24)
	for _, test := range []struct {
		fingerprint, id string
		want            bool
	}{
		{f, "65106822b35b1b1f", true},
		{f, f, true},
		{f, "b35b1b1f", false}, // anybody can make a key with this ID
		{f, "", false},
		{f, "478B2FBBC75F4237", false},
		{v6, "0123456789ABCDEF", true},
		{v6, "0000000000000000", false},
	} {
		if got := MatchesKeyID(test.fingerprint, test.id); got != test.want {
			t.Errorf("MatchesKeyID(%q, %q) = %v, want %v", test.fingerprint, test.id, got, test.want)
		}
	}
}

func TestSignerID(t *testing.T) {
	for in, want := range map[string]string{
		"RSA/SHA256, Mon 12 Jan 2026 10:00:00 AM UTC, Key ID 65106822b35b1b1f":                       "65106822b35b1b1f",
		"RSA/SHA512, Mon Jan 12 10:00:00 2026, Key ID 65106822B35B1B1F":                              "65106822b35b1b1f",
		"OpenPGP V4 RSA/SHA256 signature, key fingerprint: 478b2fbbc75f4237b731da4365106822b35b1b1f": "478b2fbbc75f4237b731da4365106822b35b1b1f",
		"(none)": "",
		"":       "",
		"RSA/SHA256, Mon 12 Jan 2026, Key ID b35b1b1f": "",
	} {
		if got := SignerID(in); got != want {
			t.Errorf("SignerID(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestFormatKeyFile(t *testing.T) {
	a, b := one(t, public(t, entity(t, "a", 0))), one(t, public(t, entity(t, "b", 0)))
	missing := []string{strings.Repeat("AB", 20), strings.Repeat("CD", 20)}
	file := FormatKeyFile([]Key{a, b}, missing)
	keys := parse(t, file)
	if len(keys) != 2 || keys[0].Fingerprint != a.Fingerprint || keys[1].Fingerprint != b.Fingerprint {
		t.Errorf("FormatKeyFile reads as %v", keys)
	}
	if diff := cmp.Diff(missing, NotServed(file)); diff != "" {
		t.Errorf("NotServed (-want +got):\n%s", diff)
	}
	if got := NotServed(FormatKeyFile([]Key{a}, nil)); got != nil {
		t.Errorf("NotServed(nothing) = %q, want none", got)
	}
	if got := NotServed([]byte("# pinned, not served: B35B1B1F\n")); got != nil {
		t.Errorf("NotServed(a short ID) = %q, want none", got)
	}
}

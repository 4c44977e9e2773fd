// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/google/go-cmp/cmp"
)

var (
	made  = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	later = made.AddDate(0, 6, 0)
)

// entity makes a key with the given lifetime; zero is forever.
func entity(t testing.TB, name string, life time.Duration) *openpgp.Entity {
	t.Helper()
	e, err := openpgp.NewEntity(name, "", name+"@example.test", &packet.Config{
		Algorithm: packet.PubKeyAlgoEdDSA, Time: func() time.Time { return made },
		KeyLifetimeSecs: uint32(life / time.Second),
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func raw(t testing.TB, e *openpgp.Entity) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := e.Serialize(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func block(t testing.TB, kind string, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := armor.Encode(&b, kind, nil)
	if err == nil {
		_, err = w.Write(content)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	b.WriteByte('\n')
	return b.Bytes()
}

func public(t testing.TB, e *openpgp.Entity) []byte {
	t.Helper()
	return block(t, "PGP PUBLIC KEY BLOCK", raw(t, e))
}

func fingerprint(e *openpgp.Entity) string {
	return fmt.Sprintf("%X", e.PrimaryKey.Fingerprint)
}

func revoked(t testing.TB, e *openpgp.Entity, reason string, at time.Time) {
	t.Helper()
	config := &packet.Config{Time: func() time.Time { return at }}
	if err := e.RevokeKey(packet.KeySuperseded, reason, config); err != nil {
		t.Fatal(err)
	}
}

func parse(t testing.TB, bundle []byte) []Key {
	t.Helper()
	keys, err := ParseKeys(bundle)
	if err != nil {
		t.Fatalf("ParseKeys = %v", err)
	}
	return keys
}

func one(t testing.TB, bundle []byte) Key {
	t.Helper()
	keys := parse(t, bundle)
	if len(keys) != 1 {
		t.Fatalf("ParseKeys found %d keys, want 1", len(keys))
	}
	return keys[0]
}

func TestParseKeysStates(t *testing.T) {
	forever := entity(t, "forever", 0)
	year := entity(t, "year", 365*24*time.Hour)
	gone := entity(t, "gone", 0)
	revoked(t, gone, "Rotation 2026\x1b[31m", later)

	k := one(t, public(t, forever))
	want := Key{
		Fingerprint: fingerprint(forever),
		UserIDs:     []string{"forever <forever@example.test>"}, selfSigned: true,
	}
	ignore := cmp.FilterPath(func(p cmp.Path) bool {
		return slices.Contains([]string{"Armored", "primary", "signers"}, p.Last().String()[min(1, len(p.Last().String())):])
	}, cmp.Ignore())
	if diff := cmp.Diff(want, k, ignore, cmp.AllowUnexported(Key{})); diff != "" {
		t.Errorf("a key for ever (-want +got):\n%s", diff)
	}
	if k.unusable(later.AddDate(50, 0, 0)) != "" {
		t.Error("a key for ever is not alive in 50 years")
	}

	k = one(t, public(t, year))
	if end := made.Add(365 * 24 * time.Hour); !k.Expires.Equal(end) || k.Expired(end.Add(-time.Second)) || !k.Expired(end) || k.unusable(end) == "" {
		t.Errorf("a key for a year expires %v, want %v sharp", k.Expires, end)
	}

	k = one(t, public(t, gone))
	if !k.Revoked || !k.RevokedAt.Equal(later) || k.revokedWhy != "Rotation 2026[31m" || k.unusable(later) == "" {
		t.Errorf("a revoked key: Revoked=%v at %v (%q), want %v and a reason without control characters", k.Revoked, k.RevokedAt, k.revokedWhy, later)
	}
}

func TestParseKeysBundles(t *testing.T) {
	a, b := entity(t, "a", 0), entity(t, "b", 0)
	wantBoth := []string{fingerprint(a), fingerprint(b)}
	both := slices.Concat(raw(t, a), raw(t, b))
	for _, test := range []struct {
		name string
		in   []byte
		want []string
	}{
		{"two blocks", slices.Concat(public(t, a), public(t, b)), wantBoth},
		{"two keys in a block", block(t, "PGP PUBLIC KEY BLOCK", both), wantBoth},
		{"text around", slices.Concat([]byte("hello\n\n"), public(t, a), []byte("between\n"), public(t, b), []byte("end")), wantBoth},
		{"CRLF", bytes.ReplaceAll(public(t, a), []byte("\n"), []byte("\r\n")), wantBoth[:1]},
		{"no final newline", bytes.TrimSpace(public(t, a)), wantBoth[:1]},
		{"binary", both, wantBoth},
		{"twice the same", slices.Concat(public(t, a), public(t, a)), []string{wantBoth[0], wantBoth[0]}},
		{"an armor header", bytes.Replace(public(t, a), []byte("-----\n\n"), []byte("-----\nVersion: rpm-4.18.0 (NSS-3)\n\n"), 1), wantBoth[:1]},
	} {
		keys, err := ParseKeys(test.in)
		var got []string
		for _, k := range keys {
			got = append(got, k.Fingerprint)
		}
		if err != nil || !slices.Equal(got, test.want) {
			t.Errorf("%s: ParseKeys = %q, %v, want %q", test.name, got, err, test.want)
		}
		for _, k := range keys {
			if again := one(t, k.Armored); again.Fingerprint != k.Fingerprint || !bytes.Equal(again.Armored, k.Armored) {
				t.Errorf("%s: the armor of %s reads as another", test.name, k.Fingerprint)
			}
		}
	}
}

func TestParseKeysRefuses(t *testing.T) {
	a := entity(t, "a", 0)
	good := public(t, a)
	var private bytes.Buffer
	if err := a.SerializePrivate(&private, nil); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		in   []byte
		want error
	}{
		{"nothing", nil, errNoKey},
		{"a login page", []byte("<html><body>Please log in</body></html>"), errNoKey},
		{"truncated armor", good[:len(good)/2], errTruncated},
		{"truncated before the next block", slices.Concat(good[:len(good)/2], good), errTruncated},
		{"truncated binary", raw(t, a)[:len(raw(t, a))-10], errTruncated},
		{"a secret key", block(t, "PGP PRIVATE KEY BLOCK", private.Bytes()), errWrongType},
		{"a secret key in a public block", block(t, "PGP PUBLIC KEY BLOCK", private.Bytes()), errWrongType},
		{"a signature", block(t, "PGP SIGNATURE", []byte("x")), errWrongType},
		{"an empty block", block(t, "PGP PUBLIC KEY BLOCK", nil), errNoKey},
		{"a signature in a public block", block(t, "PGP PUBLIC KEY BLOCK", raw(t, a)[len(raw(t, a))-80:]), nil},
		{"too large", bytes.Repeat([]byte("x"), maxBundle+1), errTooLarge},
		{"binary garbage", []byte{0xff, 0xff, 0xff, 0xff, 0xff}, nil},
	} {
		keys, err := ParseKeys(test.in)
		if keys != nil || err == nil || test.want != nil && !errors.Is(err, test.want) {
			t.Errorf("%s: ParseKeys = %v, %v, want %v", test.name, keys, err, test.want)
		}
	}
}

// A third party cannot revoke a key or extend its life by adding or removing
// packets.
func TestParseKeysBelievesOwnSignaturesOnly(t *testing.T) {
	a, b := entity(t, "a", time.Hour), entity(t, "b", 0)
	revoked(t, b, "", later)

	forged := slices.Concat(raw(t, a), rawPackets(t, b, packet.SigTypeKeyRevocation))
	if k := one(t, forged); k.Revoked {
		t.Error("a revocation that another key made revokes this one")
	}
	stripped := raw(t, a)[:len(rawUpToUserID(t, a))]
	if k := one(t, stripped); k.selfSigned || len(k.UserIDs) > 0 || k.unusable(made) == "" {
		t.Errorf("a key without its self-signature is alive: %+v", k)
	}
	behind := slices.Concat(raw(t, entityWithoutRevocation(t, b)), rawPackets(t, b, packet.SigTypeKeyRevocation))
	if k := one(t, behind); !k.Revoked {
		t.Error("a revocation behind the subkey does not revoke")
	}
	apart := slices.Concat(public(t, a), public(t, entityWithoutRevocation(t, b)), public(t, a),
		block(t, "PGP PUBLIC KEY BLOCK", rawPackets(t, b, packet.SigTypeKeyRevocation)))
	keys := parse(t, apart)
	if len(keys) != 3 || keys[0].Revoked || !keys[1].Revoked || keys[2].Revoked {
		t.Errorf("a revocation in a block of its own revokes %v, want the second of three", keys)
	}
	if k := one(t, keys[1].Armored); !k.Revoked {
		t.Error("the armor of a key revoked in a block of its own has lost the revocation")
	}
}

func entityWithoutRevocation(t *testing.T, e *openpgp.Entity) *openpgp.Entity {
	t.Helper()
	c := *e
	c.Revocations = nil
	return &c
}

// rawPackets returns the signatures of one kind among e's packets.
func rawPackets(t *testing.T, e *openpgp.Entity, kind packet.SignatureType) []byte {
	t.Helper()
	var out bytes.Buffer
	for _, r := range e.Revocations {
		if r.SigType == kind {
			if err := r.Serialize(&out); err != nil {
				t.Fatal(err)
			}
		}
	}
	if out.Len() == 0 {
		t.Fatal("no such signature")
	}
	return out.Bytes()
}

func rawUpToUserID(t *testing.T, e *openpgp.Entity) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := e.PrimaryKey.Serialize(&out); err != nil {
		t.Fatal(err)
	}
	for _, id := range e.Identities {
		if err := id.UserId.Serialize(&out); err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}

// TestFalcoKeys reads Falco's real keys from the directory $FALCO_KEYS_DIR.
func TestFalcoKeys(t *testing.T) {
	dir := os.Getenv("FALCO_KEYS_DIR")
	if dir == "" {
		t.Skip("FALCO_KEYS_DIR names no directory with Falco's public keys: the tests ran on keys that were made here")
	}
	const current = "478B2FBBC75F4237B731DA4365106822B35B1B1F"
	for _, test := range []struct {
		file, fingerprint, created, expires, revoked string
	}{
		{"falcosecurity-3672BA8F.asc", "15ED05F191E40D74BA47109F9F76B25B3672BA8F", "2020-02-25", "2023-02-24", "2023-01-18"},
		{"falcosecurity-14CB7A8D.asc", "2005399002D5E8FF59F28CE64021833E14CB7A8D", "2023-01-18", "2026-01-17", "2025-12-11"},
		{"falcosecurity-B35B1B1F.asc", current, "2025-12-11", "2028-12-10", ""},
		{"falcosecurity-packages.asc", current, "2025-12-11", "2028-12-10", ""},
	} {
		b, err := os.ReadFile(filepath.Join(dir, test.file))
		if err != nil {
			t.Fatal(err)
		}
		k := one(t, b)
		at := ""
		if k.Revoked {
			at = day(k.RevokedAt)
		}
		if k.Fingerprint != test.fingerprint || day(k.primary.CreationTime) != test.created || day(k.Expires) != test.expires || at != test.revoked || !k.IsFalco() {
			t.Errorf("%s: %s created %s, expires %s, revoked %q, want %+v", test.file, k, day(k.primary.CreationTime), day(k.Expires), at, test)
		}
		if live := k.unusable(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)) == ""; live != (test.revoked == "") {
			t.Errorf("%s: alive in March 2026 is %v", test.file, live)
		}
		if why := Withdrawn(k.Fingerprint); (why != "") != k.Revoked {
			t.Errorf("%s: Withdrawn = %q, revoked is %v", test.file, why, k.Revoked)
		}
	}
}

// Every key that is found is complete: its armor reads as the same key, its names
// match its fingerprint, and with an error there is none.
func FuzzParseKeys(f *testing.F) {
	a, b := entity(f, "a", 0), entity(f, "b", time.Hour)
	revoked(f, b, "x", later)
	f.Add(public(f, a))
	f.Add(slices.Concat(public(f, a), []byte("\nx\n"), public(f, b)))
	f.Add(slices.Concat(raw(f, b), raw(f, a)))
	f.Add([]byte("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n-----END PGP PUBLIC KEY BLOCK-----"))
	f.Fuzz(func(t *testing.T, in []byte) {
		keys, err := ParseKeys(in)
		if (err == nil) == (len(keys) == 0) {
			t.Fatalf("ParseKeys = %d keys, %v", len(keys), err)
		}
		for _, k := range keys {
			if normal, err := NormalizeFingerprint(k.Fingerprint); err != nil || normal != k.Fingerprint {
				t.Fatalf("fingerprint %q: %v", k.Fingerprint, err)
			}
			again, err := ParseKeys(k.Armored)
			if err != nil || len(again) != 1 || again[0].Fingerprint != k.Fingerprint || again[0].Revoked != k.Revoked || !again[0].Expires.Equal(k.Expires) {
				t.Fatalf("the armor of %s reads as %v, %v", k, again, err)
			}
		}
	})
}

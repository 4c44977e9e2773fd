// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"bytes"
	"crypto"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// A tag is one value of a header that a test writes.
type tag struct {
	number, kind uint32
	count        int
	data         []byte
}

func text(number uint32, s string) tag { return tag{number, typeString, 1, append([]byte(s), 0)} }
func blob(number uint32, b []byte) tag { return tag{number, typeBinary, len(b), b} }
func integer(number, n uint32) tag {
	return tag{number, typeInt32, 1, binary.BigEndian.AppendUint32(nil, n)}
}

// headerOf encodes a header as rpm does, except for the alignment of numbers.
func headerOf(tags ...tag) []byte {
	var index, store []byte
	for _, t := range tags {
		for _, n := range []uint32{t.number, t.kind, uint32(len(store)), uint32(t.count)} {
			index = binary.BigEndian.AppendUint32(index, n)
		}
		store = append(store, t.data...)
	}
	out := []byte{0x8e, 0xad, 0xe8, 0x01, 0, 0, 0, 0}
	out = binary.BigEndian.AppendUint32(out, uint32(len(tags)))
	out = binary.BigEndian.AppendUint32(out, uint32(len(store)))
	return slices.Concat(out, index, store)
}

func lead() []byte {
	b := make([]byte, leadSize)
	copy(b, []byte{0xed, 0xab, 0xee, 0xdb, 3, 0})
	b[79] = 5
	return b
}

func rpmFile(header, payload []byte, signature ...tag) []byte {
	sig := headerOf(signature...)
	for len(sig)%8 != 0 {
		sig = append(sig, 0)
	}
	return slices.Concat(lead(), sig, header, payload)
}

func falcoHeader(more ...tag) []byte {
	return headerOf(append([]tag{
		text(tagName, "falco"), text(tagVersion, "0.44.1"), text(tagRelease, "1"), text(tagArch, "x86_64"),
	}, more...)...)
}

func digested(payload []byte) []tag {
	sum := sha256.Sum256(payload)
	return []tag{text(tagDigest, hex.EncodeToString(sum[:])), integer(tagDigestAlgo, 8)}
}

// signature signs data as rpmsign does.
func signature(t testing.TB, e *openpgp.Entity, hash crypto.Hash, kind packet.SignatureType, data ...[]byte) []byte {
	t.Helper()
	sig := &packet.Signature{
		Version: 4, SigType: kind, PubKeyAlgo: e.PrivateKey.PubKeyAlgo, Hash: hash, CreationTime: made,
		IssuerKeyId: &e.PrimaryKey.KeyId, IssuerFingerprint: e.PrimaryKey.Fingerprint,
	}
	h := hash.New()
	for _, d := range data {
		h.Write(d)
	}
	var out bytes.Buffer
	if err := errors.Join(sig.Sign(h, e.PrivateKey, nil), sig.Serialize(&out)); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// sha1Signature makes a signature claim to be of a SHA-1 digest; the library
// refuses to make one.
func sha1Signature(b []byte) []byte {
	return bytes.Replace(b, []byte{4, 0, byte(packet.PubKeyAlgoEdDSA), 8}, []byte{4, 0, byte(packet.PubKeyAlgoEdDSA), 2}, 1)
}

func TestVerifyRPM(t *testing.T) {
	signer, stranger := entity(t, "signer", 0), entity(t, "stranger", 0)
	keys := []Key{one(t, public(t, signer))}
	payload := []byte("the payload")
	modern := falcoHeader(digested(payload)...)
	old := falcoHeader()
	sign := func(e *openpgp.Entity, data ...[]byte) []byte {
		return signature(t, e, crypto.SHA256, packet.SigTypeBinary, data...)
	}
	sum := func(parts ...[]byte) tag {
		s := md5.Sum(slices.Concat(parts...))
		return blob(sigMD5, s[:])
	}
	b64 := func(b []byte) tag {
		return tag{sigOpenPGP, typeStringArray, 1, append([]byte(base64.StdEncoding.EncodeToString(b)), 0)}
	}
	two := func(a, b []byte) tag {
		x, y := b64(a), b64(b)
		return tag{sigOpenPGP, typeStringArray, 2, slices.Concat(x.data, y.data)}
	}
	spoilt := func(b []byte) []byte {
		c := bytes.Clone(b)
		c[len(c)-1] ^= 1
		return c
	}
	hsum := sha256.Sum256(modern)
	for _, test := range []struct {
		name string
		in   []byte
		want error // nil: trusted
	}{
		{"header signature, payload digest", rpmFile(modern, payload, blob(sigRSA, sign(signer, modern))), nil},
		{"in the other tag", rpmFile(modern, payload, blob(sigDSA, sign(signer, modern))), nil},
		{"in rpm 6's tag", rpmFile(modern, payload, b64(sign(signer, modern))), nil},
		{"among several in rpm 6's tag", rpmFile(modern, payload, two(sign(stranger, modern), sign(signer, modern))), nil},
		{"with right digests", rpmFile(modern, payload, blob(sigRSA, sign(signer, modern)), text(sigSHA256, hex.EncodeToString(hsum[:])), sum(modern, payload)), nil},
		{"old: header and payload signed", rpmFile(old, payload, blob(sigPGP, sign(signer, old, payload))), nil},
		{"old: both signatures", rpmFile(old, payload, blob(sigPGP, sign(signer, old, payload)), blob(sigRSA, sign(signer, old))), nil},
		{"old: only the header signed", rpmFile(old, payload, blob(sigRSA, sign(signer, old)), sum(old, payload)), errUncovered},
		{"not signed", rpmFile(modern, payload, sum(modern, payload)), errUnsigned},
		{"signed by another", rpmFile(modern, payload, blob(sigRSA, sign(stranger, modern))), errForeignKey},
		{"another header signed", rpmFile(modern, payload, blob(sigRSA, sign(signer, old))), errBadSignature},
		{"spoilt signature", rpmFile(modern, payload, blob(sigRSA, spoilt(sign(signer, modern)))), errBadSignature},
		{"one right, one wrong", rpmFile(modern, payload, blob(sigRSA, sign(signer, modern)), blob(sigPGP, sign(signer, modern, spoilt(payload)))), errBadSignature},
		{"another payload", rpmFile(modern, spoilt(payload), blob(sigRSA, sign(signer, modern))), errBadDigest},
		{"cut payload", rpmFile(modern, payload[:5], blob(sigRSA, sign(signer, modern))), errBadDigest},
		{"more payload", rpmFile(modern, append(bytes.Clone(payload), 0), blob(sigRSA, sign(signer, modern))), errBadDigest},
		{"old: another payload", rpmFile(old, spoilt(payload), blob(sigPGP, sign(signer, old, payload))), errBadSignature},
		{"wrong digest of header", rpmFile(modern, payload, blob(sigRSA, sign(signer, modern)), text(sigSHA256, strings.Repeat("0", 64))), errBadDigest},
		{"wrong digest of both", rpmFile(modern, payload, blob(sigRSA, sign(signer, modern)), sum(modern)), errBadDigest},
		{"unknown kind of digest", rpmFile(falcoHeader(text(tagDigest, "00")), payload, blob(sigRSA, sign(signer, falcoHeader(text(tagDigest, "00"))))), errBadDigest},
		{"SHA-1", rpmFile(modern, payload, blob(sigRSA, sha1Signature(sign(signer, modern)))), errBadSignature},
		{"a signature of text", rpmFile(modern, payload, blob(sigRSA, signature(t, signer, crypto.SHA256, packet.SigTypeText, modern))), errBadSignature},
		{"no packet", rpmFile(modern, payload, blob(sigRSA, []byte("xxxx"))), errBadSignature},
		{"no base64", rpmFile(modern, payload, tag{sigOpenPGP, typeStringArray, 1, []byte("?\x00")}), errBadSignature},
		{"a key in the place of a signature", rpmFile(modern, payload, blob(sigRSA, raw(t, signer))), errBadSignature},
		{"a tag twice", rpmFile(modern, payload, blob(sigRSA, sign(stranger, modern)), blob(sigRSA, sign(signer, modern))), errBadDigest},
		{"not an rpm", []byte("<html>"), errNotRPM},
		{"nothing", nil, errNotRPM},
		{"lead alone", lead(), errBadDigest},
		{"cut in the header", rpmFile(modern[:40], nil, blob(sigRSA, sign(signer, modern))), errBadDigest},
		{"a header of 4 GB", rpmFile([]byte("\x8e\xad\xe8\x01\x00\x00\x00\x00\x00\x00\x00\x01\xff\xff\xff\xff"), nil), errBadDigest},
		{"a header of 4 G tags", rpmFile([]byte("\x8e\xad\xe8\x01\x00\x00\x00\x00\xff\xff\xff\xff\x00\x00\x00\x00"), nil), errBadDigest},
	} {
		got, err := VerifyRPM(bytes.NewReader(test.in), keys, later)
		if !errors.Is(err, test.want) || (err == nil) != (test.want == nil) {
			t.Errorf("%s: VerifyRPM = %v, %v, want %v", test.name, got, err, test.want)
			continue
		}
		if test.name == "SHA-1" && !strings.Contains(err.Error(), "SHA-1") {
			t.Errorf("VerifyRPM(SHA-1) = %v, want the digest named", err)
		}
		refused, _ := errors.AsType[*Error](err)
		switch {
		case err == nil && got != "falco-0.44.1-1.x86_64":
			t.Errorf("%s: VerifyRPM = %q", test.name, got)
		case err != nil && (refused == nil || refused.Hint == "" || got != ""):
			t.Errorf("%s: VerifyRPM = %q, %v, want an Error with a hint and no package", test.name, got, err)
		}
	}
}

func TestVerifyRPMNamesTheSigner(t *testing.T) {
	stranger := entity(t, "stranger", 0)
	payload := []byte("x")
	h := falcoHeader(digested(payload)...)
	in := rpmFile(h, payload, blob(sigRSA, signature(t, stranger, crypto.SHA256, packet.SigTypeBinary, h)))
	_, err := VerifyRPM(bytes.NewReader(in), nil, later)
	id := strings.ToLower(fingerprint(stranger)[24:])
	if want := "falco-0.44.1-1.x86_64: it is signed by a key that is not pinned (key " + id + ")"; err == nil || err.Error() != want {
		t.Errorf("VerifyRPM = %v, want %q", err, want)
	}
}

// A subkey may sign if its primary key has bound it and not revoked it.
func TestVerifyRPMBySubkey(t *testing.T) {
	config := &packet.Config{Algorithm: packet.PubKeyAlgoEdDSA, Time: func() time.Time { return made }}
	e := entity(t, "signer", 0)
	if err := e.AddSigningSubkey(config); err != nil {
		t.Fatal(err)
	}
	sub := e.Subkeys[len(e.Subkeys)-1]
	by := &openpgp.Entity{PrimaryKey: sub.PublicKey, PrivateKey: sub.PrivateKey}
	payload := []byte("x")
	h := falcoHeader(digested(payload)...)
	in := rpmFile(h, payload, blob(sigRSA, signature(t, by, crypto.SHA256, packet.SigTypeBinary, h)))

	k := one(t, public(t, e))
	if _, err := VerifyRPM(bytes.NewReader(in), []Key{k}, later); err != nil {
		t.Errorf("VerifyRPM(signed by a subkey) = %v", err)
	}
	if err := e.RevokeSubkey(&e.Subkeys[len(e.Subkeys)-1], packet.KeyCompromised, "", config); err != nil {
		t.Fatal(err)
	}
	k = one(t, public(t, e))
	if _, err := VerifyRPM(bytes.NewReader(in), []Key{k}, later); !errors.Is(err, errForeignKey) {
		t.Errorf("VerifyRPM(signed by a revoked subkey) = %v, want %v", err, errForeignKey)
	}
}

// The package was built by rpmbuild of rpm 4.18 and signed by rpmsign with RSA.
func TestVerifyRPMFixture(t *testing.T) {
	pkg, armored := file(t, "testdata/tiny-1.2-3.noarch.rpm"), file(t, "testdata/tiny-signer.asc")
	keys := parse(t, armored)
	signed := time.Date(2027, time.January, 1, 0, 0, 0, 0, time.UTC) // or a little before
	got, err := VerifyRPM(bytes.NewReader(pkg), keys, signed)
	if err != nil || got != "tiny-1.2-3.noarch" {
		t.Fatalf("VerifyRPM = %q, %v", got, err)
	}
	if _, err := VerifyRPM(bytes.NewReader(pkg), []Key{one(t, public(t, entity(t, "x", 0)))}, signed); !errors.Is(err, errForeignKey) {
		t.Errorf("VerifyRPM with another key = %v, want %v", err, errForeignKey)
	}
	accepted := 0
	for i := range pkg { // only bytes that nobody reads may change unnoticed
		c := bytes.Clone(pkg)
		c[i] ^= 0x40
		if _, err := VerifyRPM(bytes.NewReader(c), keys, signed); err == nil {
			accepted++
			if i >= headerStart(t, pkg) {
				t.Errorf("VerifyRPM accepts the package with byte %d of header or payload changed", i)
			}
		}
	}
	if accepted == 0 || accepted == len(pkg) {
		t.Errorf("%d of %d changed packages were accepted; the lead and the padding should be", accepted, len(pkg))
	}
}

// headerStart is where the signature header ends.
func headerStart(t *testing.T, pkg []byte) int {
	t.Helper()
	h, err := readHeader(bytes.NewReader(pkg[leadSize:]), maxSignature)
	if err != nil {
		t.Fatal(err)
	}
	return leadSize + len(h.raw) + (8-len(h.store)%8)%8
}

func file(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Packages that the test builds and signs, if the tools are installed.
func TestVerifyRPMMadeHere(t *testing.T) {
	if testing.Short() {
		t.Skip("makes a key and packages")
	}
	for _, tool := range []string{"rpmbuild", "rpmsign", "gpg"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	dir, err := os.MkdirTemp("", "trust") // gpg's sockets need a short path
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	run := func(name string, args ...string) []byte {
		t.Helper()
		cmd := exec.Command(name, args...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "GNUPGHOME="+dir, "HOME="+dir)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s %q: %v\n%s", name, args, err, stderr.Bytes())
		}
		return out
	}
	t.Cleanup(func() { run("gpgconf", "--kill", "all") })
	run("gpg", "--batch", "--passphrase", "", "--quick-gen-key", "signer", "rsa2048", "sign", "never")
	keys := parse(t, run("gpg", "--export"))
	if err := os.WriteFile(filepath.Join(dir, "p.spec"), []byte("Name: p\nVersion: 1\nRelease: 1\nEpoch: 3\nSummary: s\nLicense: l\nBuildArch: noarch\n%description\nd\n%files\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, more := range [][]string{nil, {"--rpmv3"}} {
		run("rpmbuild", "-bb", "--define", "_topdir "+dir, "p.spec")
		pkg := filepath.Join(dir, "RPMS/noarch/p-1-1.noarch.rpm")
		if _, err := VerifyRPM(bytes.NewReader(file(t, pkg)), keys, time.Now()); !errors.Is(err, errUnsigned) {
			t.Errorf("VerifyRPM(not signed) = %v, want %v", err, errUnsigned)
		}
		run("rpmsign", append([]string{"--define", "__gpg /usr/bin/gpg", "--define", "_gpg_name signer", "--addsign", pkg}, more...)...)
		got, err := VerifyRPM(bytes.NewReader(file(t, pkg)), keys, time.Now())
		if err != nil || got != "p-3:1-1.noarch" {
			t.Errorf("VerifyRPM(rpmsign %q) = %+v, %v", more, got, err)
		}
		legacy := bytes.Contains(file(t, pkg)[:headerStart(t, file(t, pkg))], []byte{0, 0, 0x03, 0xea, 0, 0, 0, 7})
		if legacy != (more != nil) {
			t.Errorf("rpmsign %q: the signature over header and payload is there: %v", more, legacy)
		}
	}
}

// An accepted package is, from the header on, byte for byte one that was signed,
// and no input makes VerifyRPM panic.
func FuzzVerifyRPM(f *testing.F) {
	signer := entity(f, "signer", 0)
	keys, err := ParseKeys(public(f, signer))
	if err != nil {
		f.Fatal(err)
	}
	payload := []byte("the payload")
	h := falcoHeader(digested(payload)...)
	good := rpmFile(h, payload, blob(sigRSA, signature(f, signer, crypto.SHA256, packet.SigTypeBinary, h)))
	f.Add(good)
	f.Add(rpmFile(h, payload))
	f.Add(lead())
	f.Fuzz(func(t *testing.T, in []byte) {
		got, err := VerifyRPM(bytes.NewReader(in), keys, later)
		if err != nil {
			if got != "" {
				t.Fatalf("VerifyRPM = %q beside %v", got, err)
			}
			return
		}
		if !bytes.HasSuffix(in, append(bytes.Clone(h), payload...)) {
			t.Fatalf("VerifyRPM accepts %q", in)
		}
	})
}

// rpm names the signer of an installed package by the ID of the key, or of a subkey.
func TestSignsAs(t *testing.T) {
	key := one(t, public(t, entity(t, "signer", 0)))
	other := one(t, public(t, entity(t, "other", 0)))
	id := func(fingerprint string) string { return strings.ToLower(fingerprint[len(fingerprint)-16:]) }
	key.signers = append(key.signers, other.primary)
	if !key.SignsAs(id(key.Fingerprint)) || !key.SignsAs(id(other.Fingerprint)) || other.SignsAs(id(key.Fingerprint)) || key.SignsAs("") {
		t.Errorf("SignsAs of %s and its subkey %s", key.Fingerprint, other.Fingerprint)
	}
}

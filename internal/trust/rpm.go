// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"bytes"
	"crypto"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	_ "crypto/sha512" // for crypto.SHA384 and crypto.SHA512

	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// Reasons why a package is refused.
var (
	errNotRPM       = errors.New("it is not an rpm package")
	errUnsigned     = errors.New("it is not signed")
	errForeignKey   = errors.New("it is signed by a key that is not pinned")
	errBadSignature = errors.New("its signature is not valid")
	errBadDigest    = errors.New("it is damaged")
	errUncovered    = errors.New("no signature covers its payload")
)

// VerifyRPM reads a whole rpm file and returns its NEVRA,
// name-[epoch:]version-release.arch, if one of the keys, as returned by
// [Select], has signed every byte of header and payload that rpm uses. The
// signature is over the header, which contains the payload's digest, or over
// both, as in packages from before rpm 4.14. Every digest present must be right,
// and no signature by one of the keys may be wrong.
//
// A package that must not be installed is an [*Error].
func VerifyRPM(r io.Reader, keys []Key, now time.Time) (nevra string, err error) {
	v := verification{keys: keys, now: now}
	reason := v.run(r)
	if reason == nil {
		return v.nevra, nil
	}
	err = reason
	if v.nevra != "" {
		err = fmt.Errorf("%s: %w", printable(v.nevra), err)
	}
	if v.foreign != "" {
		err = fmt.Errorf("%w (key %s)", err, v.foreign)
	}
	return "", &Error{Err: err, Hint: rpmHint(reason)}
}

func rpmHint(err error) string {
	switch {
	case errors.Is(err, errForeignKey):
		return "Falco re-signed all its packages in January 2026: fetch the package again, or, if you signed it yourself, pin your key"
	case errors.Is(err, errUnsigned), errors.Is(err, errUncovered):
		return "fetch the package from https://download.falco.org/packages/rpm, or sign your own build with rpmsign --addsign"
	}
	return "fetch the package again from its publisher"
}

// A verification is the check of one file.
type verification struct {
	keys    []Key
	now     time.Time
	sig     *header
	hdr     *header
	nevra   string // as the header claims, or ""
	signed  bool   // there is a valid signature of one of the keys
	covered bool   // there is such a signature over header and payload
	foreign string // the ID of another signer
	any     bool   // there is a signature by anybody
}

func (v *verification) run(r io.Reader) error {
	if err := readLead(r); err != nil {
		return err
	}
	var err error
	if v.sig, err = readHeader(r, maxSignature); err != nil {
		return fmt.Errorf("%w: %w", errBadDigest, err)
	}
	if pad := (8 - len(v.sig.store)%8) % 8; pad > 0 {
		if _, err := io.CopyN(io.Discard, r, int64(pad)); err != nil {
			return fmt.Errorf("%w: it is cut short", errBadDigest)
		}
	}
	if v.hdr, err = readHeader(r, maxHeader); err != nil {
		return fmt.Errorf("%w: %w", errBadDigest, err)
	}
	v.name()
	if err := v.headerDigests(); err != nil {
		return err
	}
	if err := v.headerSignatures(); err != nil {
		return err
	}
	if err := v.payload(r); err != nil {
		return err
	}
	switch {
	case v.signed:
		v.foreign = ""
		return nil
	case v.foreign != "":
		return errForeignKey
	case v.any:
		return errBadSignature
	}
	return errUnsigned
}

func (v *verification) name() {
	name := v.hdr.text(tagName)
	if name == "" {
		return
	}
	epoch := ""
	if n := v.hdr.number(tagEpoch); n != 0 {
		epoch = fmt.Sprintf("%d:", n)
	}
	v.nevra = fmt.Sprintf("%s-%s%s-%s.%s", name, epoch, v.hdr.text(tagVersion), v.hdr.text(tagRelease), v.hdr.text(tagArch))
}

// headerDigests checks the header's digests. They protect nothing, because
// anybody can compute them, but they tell a bad download from a bad signature.
func (v *verification) headerDigests() error {
	for tag, h := range map[uint32]hash.Hash{sigSHA1: sha1.New(), sigSHA256: sha256.New()} {
		want := v.sig.text(tag)
		if want == "" {
			continue
		}
		h.Write(v.hdr.raw)
		if hex.EncodeToString(h.Sum(nil)) != want {
			return fmt.Errorf("%w: the header's digest is wrong", errBadDigest)
		}
	}
	return nil
}

// headerSignatures checks the signatures over the header alone.
func (v *verification) headerSignatures() error {
	packets := [][]byte{v.sig.binary(sigRSA), v.sig.binary(sigDSA)}
	for _, text := range v.sig.strings(sigOpenPGP) {
		b, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return fmt.Errorf("%w: it is not base64", errBadSignature)
		}
		packets = append(packets, b)
	}
	for _, p := range packets {
		if p == nil {
			continue
		}
		c, err := v.claim(p)
		if err != nil {
			return err
		}
		if c == nil {
			continue
		}
		c.hash.Write(v.hdr.raw)
		if err := v.verify(c); err != nil {
			return err
		}
	}
	return nil
}

// A claim is a signature that claims to be by one of the keys.
type claim struct {
	sig    *packet.Signature
	public *packet.PublicKey
	hash   hash.Hash
}

// claim reads a signature and finds its key. It returns nil if the key is not one
// of the given keys.
func (v *verification) claim(b []byte) (*claim, error) {
	v.any = true
	p, err := packet.Read(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errBadSignature, err)
	}
	sig, ok := p.(*packet.Signature)
	if !ok || sig.SigType != packet.SigTypeBinary {
		return nil, fmt.Errorf("%w: it is not a signature of a file", errBadSignature)
	}
	for _, k := range v.keys {
		for _, public := range append([]*packet.PublicKey{k.primary}, k.signers...) {
			if public == nil || !sig.CheckKeyIdOrFingerprint(public) {
				continue
			}
			switch sig.Hash {
			case crypto.SHA256, crypto.SHA384, crypto.SHA512:
			default:
				return nil, fmt.Errorf("%w: it uses %v", errBadSignature, sig.Hash)
			}
			h, err := sig.PrepareVerify()
			if err != nil {
				return nil, fmt.Errorf("%w: %w", errBadSignature, err)
			}
			return &claim{sig: sig, public: public, hash: h}, nil
		}
	}
	v.foreign = "unknown"
	if sig.IssuerKeyId != nil {
		v.foreign = fmt.Sprintf("%016x", *sig.IssuerKeyId)
	}
	return nil, nil
}

// verify checks a claim whose hash has read everything that was signed.
func (v *verification) verify(c *claim) error {
	if err := c.public.VerifySignature(c.hash, c.sig); err != nil {
		return fmt.Errorf("%w: %w", errBadSignature, err)
	}
	if c.sig.SigExpired(v.now) {
		return fmt.Errorf("%w: it has expired", errBadSignature)
	}
	v.signed = true
	return nil
}

// payload reads the rest of the file once, through every hash that needs it.
func (v *verification) payload(r io.Reader) error {
	both := md5.New() // of header and payload, as rpm computes it; it protects nothing
	both.Write(v.hdr.raw)
	sinks := []io.Writer{both}
	var claims []*claim
	for _, tag := range []uint32{sigPGP, sigGPG} {
		b := v.sig.binary(tag)
		if b == nil {
			continue
		}
		c, err := v.claim(b)
		if err != nil {
			return err
		}
		if c != nil {
			c.hash.Write(v.hdr.raw)
			claims, sinks = append(claims, c), append(sinks, c.hash)
		}
	}
	digest, want, err := v.payloadDigest()
	if err != nil {
		return err
	}
	if digest != nil {
		sinks = append(sinks, digest)
	}
	if _, err := io.Copy(io.MultiWriter(sinks...), r); err != nil {
		return fmt.Errorf("reading the payload: %w", err)
	}
	if sum := v.sig.binary(sigMD5); sum != nil && !bytes.Equal(sum, both.Sum(nil)) {
		return fmt.Errorf("%w: the digest of header and payload is wrong", errBadDigest)
	}
	if digest != nil && hex.EncodeToString(digest.Sum(nil)) != want {
		return fmt.Errorf("%w: the payload's digest is wrong", errBadDigest)
	}
	for _, c := range claims {
		if err := v.verify(c); err != nil {
			return err
		}
		v.covered = true
	}
	if v.signed && !v.covered && digest == nil {
		return errUncovered
	}
	return nil
}

// payloadDigest returns a hash for the payload and its expected sum, or nil if
// the header has no digest.
func (v *verification) payloadDigest() (hash.Hash, string, error) {
	want := v.hdr.text(tagDigest)
	if want == "" {
		return nil, "", nil
	}
	for number, h := range map[int]crypto.Hash{8: crypto.SHA256, 9: crypto.SHA384, 10: crypto.SHA512} {
		if v.hdr.number(tagDigestAlgo) == number {
			return h.New(), want, nil
		}
	}
	return nil, "", fmt.Errorf("%w: the payload's digest is of an unknown kind", errBadDigest)
}

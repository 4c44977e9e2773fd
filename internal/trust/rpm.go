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

// Why a package is refused.
var (
	ErrNotRPM       = errors.New("it is not an rpm package")
	ErrUnsigned     = errors.New("it is not signed")
	ErrForeignKey   = errors.New("it is signed by a key that is not pinned")
	ErrBadSignature = errors.New("its signature is not valid")
	ErrBadDigest    = errors.New("it is damaged")
	ErrUncovered    = errors.New("no signature covers its payload")
)

// A PackageError says why a package must not be installed.
type PackageError struct {
	Package string // name-version-release.arch as its header claims, or ""
	KeyID   string // of the signer, 16 lower-case hex digits, or ""
	Err     error  // one of this package's errors
	Hint    string
}

func (e *PackageError) Error() string {
	text := e.Err.Error()
	if e.Package != "" {
		text = e.Package + ": " + text
	}
	if e.KeyID != "" {
		text += " (key " + e.KeyID + ")"
	}
	return text
}

// Unwrap returns the reason.
func (e *PackageError) Unwrap() error { return e.Err }

// An RPM is a package whose signature has been checked.
type RPM struct {
	Name, Version, Release, Arch string
	Epoch                        int
	Source                       bool      // a source package, which installs nothing
	Signer                       Key       // one of those that were given
	Signed                       time.Time // as the signature claims
}

// NEVRA returns name-version-release.arch, with the epoch where there is one.
func (p RPM) NEVRA() string {
	epoch := ""
	if p.Epoch != 0 {
		epoch = fmt.Sprintf("%d:", p.Epoch)
	}
	return fmt.Sprintf("%s-%s%s-%s.%s", p.Name, epoch, p.Version, p.Release, p.Arch)
}

// VerifyRPM reads a whole rpm file and checks that one of the keys, as
// [Select] returned them, vouches for every byte of header and payload that
// rpm uses: by a signature over the header, which holds the payload's digest,
// or by one over both, as packages from before rpm 4.14 have. Each digest that
// is there must be right, and no signature by one of the keys may be wrong.
//
// A package that is not to be installed is a [*PackageError].
func VerifyRPM(r io.Reader, keys []Key, now time.Time) (RPM, error) {
	v := verification{keys: keys, now: now}
	err := v.run(r)
	if err == nil {
		return v.rpm, nil
	}
	name := ""
	if v.rpm.Name != "" {
		name = printable(v.rpm.NEVRA())
	}
	return RPM{}, &PackageError{Package: name, KeyID: v.foreign, Err: err, Hint: rpmHint(err)}
}

func rpmHint(err error) string {
	switch {
	case errors.Is(err, ErrForeignKey):
		return "Falco re-signed all its packages in January 2026: fetch the package anew, or pin the key that signed it if it is your own"
	case errors.Is(err, ErrUnsigned), errors.Is(err, ErrUncovered):
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
	rpm     RPM
	signed  bool   // a valid signature of one of the keys was seen
	covered bool   // and one such over header and payload
	foreign string // the ID of another signer
	any     bool   // some signature was seen
}

func (v *verification) run(r io.Reader) error {
	if err := readLead(r); err != nil {
		return err
	}
	var err error
	if v.sig, err = readHeader(r, maxSignature); err != nil {
		return fmt.Errorf("%w: %w", ErrBadDigest, err)
	}
	if pad := (8 - len(v.sig.store)%8) % 8; pad > 0 {
		if _, err := io.CopyN(io.Discard, r, int64(pad)); err != nil {
			return fmt.Errorf("%w: it is cut short", ErrBadDigest)
		}
	}
	if v.hdr, err = readHeader(r, maxHeader); err != nil {
		return fmt.Errorf("%w: %w", ErrBadDigest, err)
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
		return ErrForeignKey
	case v.any:
		return ErrBadSignature
	}
	return ErrUnsigned
}

func (v *verification) name() {
	v.rpm = RPM{
		Name: v.hdr.text(tagName), Version: v.hdr.text(tagVersion), Release: v.hdr.text(tagRelease),
		Arch: v.hdr.text(tagArch), Epoch: v.hdr.number(tagEpoch),
	}
	_, binary := v.hdr.index[tagSourceRPM]
	v.rpm.Source = !binary
}

// headerDigests are no protection, since anybody can recompute them. They tell
// a bad download from a bad signature.
func (v *verification) headerDigests() error {
	for tag, h := range map[uint32]hash.Hash{sigSHA1: sha1.New(), sigSHA256: sha256.New()} {
		want := v.sig.text(tag)
		if want == "" {
			continue
		}
		h.Write(v.hdr.raw)
		if hex.EncodeToString(h.Sum(nil)) != want {
			return fmt.Errorf("%w: the header's digest is wrong", ErrBadDigest)
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
			return fmt.Errorf("%w: it is no base64", ErrBadSignature)
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
		if err := v.settle(c); err != nil {
			return err
		}
	}
	return nil
}

// A claim is a signature that one of the keys is said to have made.
type claim struct {
	sig    *packet.Signature
	key    Key
	public *packet.PublicKey
	hash   hash.Hash
}

// claim reads a signature and finds its key. The answer is nil if the key is
// not among those given.
func (v *verification) claim(b []byte) (*claim, error) {
	v.any = true
	p, err := packet.Read(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadSignature, err)
	}
	sig, ok := p.(*packet.Signature)
	if !ok || sig.SigType != packet.SigTypeBinary {
		return nil, fmt.Errorf("%w: it is no signature of a file", ErrBadSignature)
	}
	for _, k := range v.keys {
		for _, public := range append([]*packet.PublicKey{k.primary}, k.signers...) {
			if public == nil || !sig.CheckKeyIdOrFingerprint(public) {
				continue
			}
			switch sig.Hash {
			case crypto.SHA256, crypto.SHA384, crypto.SHA512:
			default:
				return nil, fmt.Errorf("%w: it uses %v", ErrBadSignature, sig.Hash)
			}
			h, err := sig.PrepareVerify()
			if err != nil {
				return nil, fmt.Errorf("%w: %w", ErrBadSignature, err)
			}
			return &claim{sig: sig, key: k, public: public, hash: h}, nil
		}
	}
	v.foreign = "unknown"
	if sig.IssuerKeyId != nil {
		v.foreign = fmt.Sprintf("%016x", *sig.IssuerKeyId)
	}
	return nil, nil
}

// settle decides a claim whose hash has seen all that was signed.
func (v *verification) settle(c *claim) error {
	if err := c.public.VerifySignature(c.hash, c.sig); err != nil {
		return fmt.Errorf("%w: %w", ErrBadSignature, err)
	}
	if c.sig.SigExpired(v.now) {
		return fmt.Errorf("%w: it has expired", ErrBadSignature)
	}
	v.signed = true
	v.rpm.Signer, v.rpm.Signed = c.key, c.sig.CreationTime.UTC()
	return nil
}

// payload reads the rest of the file once, through everything that must see
// it.
func (v *verification) payload(r io.Reader) error {
	both := md5.New() // of header and payload, as rpm has it; no protection
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
		return fmt.Errorf("%w: the digest of header and payload is wrong", ErrBadDigest)
	}
	if digest != nil && hex.EncodeToString(digest.Sum(nil)) != want {
		return fmt.Errorf("%w: the payload's digest is wrong", ErrBadDigest)
	}
	for _, c := range claims {
		if err := v.settle(c); err != nil {
			return err
		}
		v.covered = true
	}
	if v.signed && !v.covered && digest == nil {
		return ErrUncovered
	}
	return nil
}

// payloadDigest returns a hash for the payload and what it must come to, or
// nil if the header holds no digest.
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
	return nil, "", fmt.Errorf("%w: the payload's digest is of an unknown kind", ErrBadDigest)
}

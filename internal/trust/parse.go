// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
	pgperrors "github.com/ProtonMail/go-crypto/openpgp/errors"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

const (
	maxBundle  = 1 << 20 // bytes; Falco's has 1,692
	maxKeys    = 64
	maxPackets = 1000 // of one key
	blockType  = "PGP PUBLIC KEY BLOCK"
)

// Reasons why a text is not a bundle of public keys.
var (
	errNoKey     = errors.New("it contains no OpenPGP public key")
	errTruncated = errors.New("the key is cut short")
	errWrongType = errors.New("it is not an armored public key")
	errTooLarge  = errors.New("it is too large for a key")
)

// ParseKeys reads every public key of a bundle, in order: one or several armored
// blocks with any text around them, or binary. Revoked and expired keys are
// returned too; see [Select].
//
// Unsupported keys, such as those of version 3, are skipped; it is an error if
// there is no other key.
func ParseKeys(bundle []byte) ([]Key, error) {
	if len(bundle) > maxBundle {
		return nil, errTooLarge
	}
	blocks, err := dearmor(bundle)
	if err != nil {
		return nil, err
	}
	parts, err := split(blocks)
	if err != nil {
		return nil, err
	}
	var keys []Key
	for _, p := range parts {
		key, err := assemble(p)
		var unsupported pgperrors.UnsupportedError
		switch {
		case errors.As(err, &unsupported):
			continue
		case err != nil:
			return nil, err
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, errNoKey
	}
	return keys, nil
}

// dearmor returns the content of every armored block, or the input itself if it
// is binary.
func dearmor(in []byte) ([][]byte, error) {
	const begin, end = "-----BEGIN PGP ", "-----END PGP "
	if !bytes.Contains(in, []byte(begin)) {
		if len(in) > 0 && in[0]&0x80 != 0 { // every packet begins so, and no text does
			return [][]byte{in}, nil
		}
		return nil, errNoKey
	}
	var blocks [][]byte
	for {
		i := bytes.Index(in, []byte(begin))
		if i < 0 {
			return blocks, nil
		}
		in = in[i:]
		if !bytes.HasPrefix(in, []byte("-----BEGIN "+blockType+"-----")) {
			name, _, _ := strings.Cut(string(in[len("-----BEGIN "):min(len(in), 60)]), "-----")
			return nil, fmt.Errorf("%w but a %s", errWrongType, name)
		}
		length := bytes.Index(in, []byte(end+"PUBLIC KEY BLOCK-----"))
		if length < 0 || bytes.Contains(in[len(begin):length], []byte(begin)) {
			return nil, errTruncated
		}
		length += len(end + "PUBLIC KEY BLOCK-----")
		block, err := armor.Decode(bytes.NewReader(append(bytes.Clone(in[:length]), '\n')))
		if err != nil {
			return nil, fmt.Errorf("reading the armor: %w", err)
		}
		body, err := io.ReadAll(block.Body)
		if err != nil {
			return nil, fmt.Errorf("reading the armor: %w", err)
		}
		blocks = append(blocks, body)
		in = in[length:]
	}
}

// A part is the packets of one key.
type part struct {
	packets []*packet.OpaquePacket
	raw     [][]byte // the same, byte for byte
}

func (p *part) add(next *packet.OpaquePacket, raw []byte) {
	p.packets = append(p.packets, next)
	p.raw = append(p.raw, raw)
}

const (
	tagSignature    = 2
	tagSecretKey    = 5
	tagPublicKey    = 6
	tagSecretSubkey = 7
	tagUserID       = 13
	tagPublicSubkey = 14
)

// split cuts keyrings at their primary keys. A block that begins with signatures
// holds revocations made apart from the key, as the second block of Falco's own
// falcosecurity-14CB7A8D.asc does. Each is added to the key that claims to have
// made it.
func split(blocks [][]byte) ([]*part, error) {
	var parts []*part
	var loose part
	for _, block := range blocks {
		r := bytes.NewReader(block)
		packets := packet.NewOpaqueReader(r)
		to := &loose
		for r.Len() > 0 {
			start := len(block) - r.Len()
			p, err := packets.Next()
			switch {
			case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
				return nil, errTruncated
			case err != nil:
				return nil, fmt.Errorf("reading the key: %w", err)
			case p.Tag == tagSecretKey, p.Tag == tagSecretSubkey:
				return nil, fmt.Errorf("%w but a secret key", errWrongType)
			case p.Tag == tagPublicKey:
				to = &part{}
				parts = append(parts, to)
			}
			to.add(p, block[start:len(block)-r.Len()])
			if len(parts) > maxKeys || len(to.packets) > maxPackets {
				return nil, errTooLarge
			}
		}
	}
	for _, p := range loose.packets {
		attach(parts, p)
	}
	return parts, nil
}

// attach adds a loose signature to every copy of the key that made it: directly
// after the primary key, where a revocation belongs.
func attach(parts []*part, loose *packet.OpaquePacket) {
	parsed, err := loose.Parse()
	sig, ok := parsed.(*packet.Signature)
	if err != nil || !ok {
		return
	}
	var raw bytes.Buffer
	if loose.Serialize(&raw) != nil {
		return
	}
	for _, p := range parts {
		first, err := p.packets[0].Parse()
		if primary, ok := first.(*packet.PublicKey); err == nil && ok && sig.CheckKeyIdOrFingerprint(primary) {
			p.packets = slices.Insert(p.packets, 1, loose)
			p.raw = slices.Insert(p.raw, 1, raw.Bytes())
		}
	}
}

// armored returns packets as one armored block.
func armored(raw []byte) ([]byte, error) {
	var out bytes.Buffer
	w, err := armor.EncodeWithChecksumOption(&out, blockType, nil, true)
	if err == nil {
		_, err = w.Write(raw)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("writing the armor: %w", err)
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// An rpm file has a lead, a signature header, a header and a payload. They are
// read here and not by a library because the file is not trusted: every count
// is checked against the bytes that remain before anything is allocated.
const (
	leadSize     = 96
	maxSignature = 1 << 20  // bytes
	maxHeader    = 64 << 20 // bytes; a quarter of what rpm allows
	maxTags      = 1 << 16
)

// Tags of the signature header: rpm's include/rpm/rpmtag.h.
const (
	sigDSA        = 267 // over the header
	sigRSA        = 268 // over the header
	sigSHA1       = 269 // hex, of the header
	sigSHA256     = 273 // hex, of the header
	sigOpenPGP    = 278 // over the header, any number, base64; rpm 4.20 on
	sigPGP        = 1002
	sigMD5        = 1004 // binary, of header and payload
	sigGPG        = 1005
	tagName       = 1000
	tagVersion    = 1001
	tagRelease    = 1002
	tagEpoch      = 1003
	tagArch       = 1022
	tagDigest     = 5092 // hex, of the compressed payload; rpm 4.14 on
	tagDigestAlgo = 5093 // as OpenPGP numbers them

	typeInt32       = 4
	typeString      = 6
	typeBinary      = 7
	typeStringArray = 8
	typeI18N        = 9
)

var errHeader = errors.New("the header is damaged")

// A header is one of the two headers of an rpm file.
type header struct {
	raw   []byte // the bytes that are signed: magic number, index and store
	index map[uint32]entry
	store []byte
}

type entry struct{ kind, offset, count uint32 }

// readLead reads the lead, which has nothing that the header does not have.
func readLead(r io.Reader) error {
	var lead [leadSize]byte
	if _, err := io.ReadFull(r, lead[:]); err != nil {
		return errNotRPM
	}
	if binary.BigEndian.Uint32(lead[:4]) != 0xedabeedb || binary.BigEndian.Uint16(lead[78:80]) != 5 {
		return errNotRPM
	}
	return nil
}

// readHeader reads a header of at most limit bytes.
func readHeader(r io.Reader, limit int) (*header, error) {
	var intro [16]byte
	if _, err := io.ReadFull(r, intro[:]); err != nil {
		return nil, fmt.Errorf("%w: it is cut short", errHeader)
	}
	count, size := binary.BigEndian.Uint32(intro[8:12]), binary.BigEndian.Uint32(intro[12:16])
	switch {
	case binary.BigEndian.Uint32(intro[:4]) != 0x8eade801:
		return nil, fmt.Errorf("%w: it has no magic number", errHeader)
	case count > maxTags || int64(count)*16+int64(size) > int64(limit):
		return nil, fmt.Errorf("%w: it declares too large a size", errHeader)
	}
	// Read through a growing buffer: a short file must not allocate what its
	// header declares.
	body, err := io.ReadAll(io.LimitReader(r, int64(count)*16+int64(size)))
	if err != nil {
		return nil, fmt.Errorf("reading the header: %w", err)
	}
	if int64(len(body)) != int64(count)*16+int64(size) {
		return nil, fmt.Errorf("%w: it is cut short", errHeader)
	}
	h := &header{raw: append(intro[:], body...), index: map[uint32]entry{}, store: body[count*16:]}
	for i := range count {
		at := body[i*16:]
		tag := binary.BigEndian.Uint32(at)
		e := entry{binary.BigEndian.Uint32(at[4:]), binary.BigEndian.Uint32(at[8:]), binary.BigEndian.Uint32(at[12:])}
		if _, twice := h.index[tag]; twice {
			return nil, fmt.Errorf("%w: tag %d appears twice", errHeader, tag)
		}
		if e.offset > size {
			return nil, fmt.Errorf("%w: tag %d points outside it", errHeader, tag)
		}
		h.index[tag] = e
	}
	return h, nil
}

// binary returns the bytes of a binary tag, or nil.
func (h *header) binary(tag uint32) []byte {
	e, ok := h.index[tag]
	if !ok || e.kind != typeBinary || uint64(e.offset)+uint64(e.count) > uint64(len(h.store)) {
		return nil
	}
	return h.store[e.offset : e.offset+e.count]
}

// strings returns the values of a string tag.
func (h *header) strings(tag uint32) []string {
	e, ok := h.index[tag]
	if !ok || e.kind != typeString && e.kind != typeStringArray && e.kind != typeI18N {
		return nil
	}
	var all []string
	rest := h.store[e.offset:]
	for range e.count {
		end := 0
		for end < len(rest) && rest[end] != 0 {
			end++
		}
		if end == len(rest) {
			return nil
		}
		all = append(all, string(rest[:end]))
		rest = rest[end+1:]
	}
	return all
}

// text returns the first value of a string tag, or "".
func (h *header) text(tag uint32) string {
	if all := h.strings(tag); len(all) > 0 {
		return all[0]
	}
	return ""
}

// number returns the first value of a number tag, or 0.
func (h *header) number(tag uint32) int {
	e, ok := h.index[tag]
	if !ok || e.kind != typeInt32 || e.count == 0 || uint64(e.offset)+4 > uint64(len(h.store)) {
		return 0
	}
	return int(binary.BigEndian.Uint32(h.store[e.offset:]))
}

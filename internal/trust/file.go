// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"bytes"
	"slices"
	"strings"
)

// In front of the blocks, where OpenPGP readers skip all text.
const unservedMark = "# pinned, not served: "

// File returns the content of a key file: the keys, each in a block of its
// own, and before them the pinned fingerprints that the last fetch did not
// find, so that it need not be repeated on every run.
func File(keys []Key, unserved []string) []byte {
	var out bytes.Buffer
	out.WriteString("# Written by falco-bootstrap: Falco's package signing keys, checked against\n# the pinned fingerprints.\n")
	for _, f := range unserved {
		out.WriteString(unservedMark + f + "\n")
	}
	for _, k := range keys {
		out.WriteString("# " + k.Fingerprint + "\n")
		out.Write(k.Armored)
	}
	return out.Bytes()
}

// Unserved returns the fingerprints that a file written by [File] records as
// not served, in their normal form.
func Unserved(file []byte) []string {
	var all []string
	for line := range bytes.Lines(file) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(string(line)), strings.TrimSpace(unservedMark)); ok {
			if f, err := NormalizeFingerprint(rest); err == nil && !slices.Contains(all, f) {
				all = append(all, f)
			}
		}
	}
	return all
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package trust

import (
	"bytes"
	"slices"
	"strings"
)

// OpenPGP readers skip this text, because it is before the armored blocks.
const notServedMark = "# pinned, not served:"

// FormatKeyFile returns the content of a key file: the keys, each in a block of
// its own, and before them the pinned fingerprints that the last fetch did not
// find. A later run reads those with [NotServed] and need not fetch again.
func FormatKeyFile(keys []Key, notServed []string) []byte {
	var out bytes.Buffer
	out.WriteString("# Written by falco-bootstrap: Falco's package signing keys, checked against\n# the pinned fingerprints.\n")
	for _, f := range notServed {
		out.WriteString(notServedMark + " " + f + "\n")
	}
	for _, k := range keys {
		out.WriteString("# " + k.Fingerprint + "\n")
		out.Write(k.Armored)
	}
	return out.Bytes()
}

// NotServed returns the normalized fingerprints that a file written by
// [FormatKeyFile] records as not served.
func NotServed(file []byte) []string {
	var all []string
	for line := range bytes.Lines(file) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(string(line)), notServedMark); ok {
			if f, err := NormalizeFingerprint(rest); err == nil && !slices.Contains(all, f) {
				all = append(all, f)
			}
		}
	}
	return all
}

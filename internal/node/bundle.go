// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package node

import "time"

// ManifestName is the file of a bundle that lists the others.
const ManifestName = "manifest.json"

// A Bundle is what was collected for a node without a network: the content of its
// manifest.
type Bundle struct {
	Created time.Time     `json:"created"`
	Files   []BundledFile `json:"files"`
}

// A BundledFile is one file with its hash.
type BundledFile struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"`
	// NEVRA is set for a package.
	NEVRA string `json:"nevra,omitempty"`
}

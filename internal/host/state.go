// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"encoding/json"
	"path"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
)

// proofName is the file of the last verdict, in [StateDir].
const proofName = "proof.json"

// readProof reads the last verdict. One that is missing, of another user, or
// no JSON is none: it is only a memory, and the proof can be made again.
func readProof(t tree) converge.Proof {
	content, err := t.ReadFile(path.Join(StateDir, proofName)[1:])
	if err != nil {
		return converge.Proof{}
	}
	var p converge.Proof
	if json.Unmarshal(content, &p) != nil {
		return converge.Proof{}
	}
	return p
}

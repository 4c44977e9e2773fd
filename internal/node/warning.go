// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package node

// A Warning is something an operator should know though the run succeeds.
type Warning struct {
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	Drift   Drift  `json:"drift,omitempty"`
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package node

import "time"

// Progress is a message about a change that is being applied.
type Progress struct {
	// Message is one line, lower case, without secrets.
	Message string
	// Elapsed is how long the change has taken so far.
	Elapsed time.Duration
	// Warning means that the message is more than a sign of life.
	Warning bool
}

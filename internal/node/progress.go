// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package node

import "time"

// Progress is news of a change under way, for a person.
type Progress struct {
	// Message is one line, lower case, without secrets.
	Message string
	// Elapsed is how long the change has taken so far.
	Elapsed time.Duration
	// Warning says that the news deserves more attention than a sign of life.
	Warning bool
}

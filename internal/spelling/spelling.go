// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Package spelling finds the word that somebody meant.
package spelling

import (
	"strings"

	"github.com/agext/levenshtein"
)

// Nearest returns the known word that is most like word, whatever the case of the
// letters, or "" if none is like it: at most one edit for each three letters, and
// never more than three.
func Nearest(word string, known []string) string {
	best, within := "", min(3, max(1, len(word)/3))+1
	for _, k := range known {
		n := levenshtein.Distance(strings.ToLower(word), strings.ToLower(k), levenshtein.NewParams())
		if n < within {
			best, within = k, n
		}
	}
	return best
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package spelling_test

import (
	"testing"

	"github.com/falco-bootstrap/falco-bootstrap/internal/spelling"
)

func TestNearest(t *testing.T) {
	known := []string{"verify", "version", "explain", "dry-run", "file_output.enabled", "falco.version"}
	for word, want := range map[string]string{
		"verfy":              "verify",
		"VERIFY":             "verify",
		"dryrun":             "dry-run",
		"file_output.enbled": "file_output.enabled",
		"falco.verison":      "falco.version",
		"x":                  "",
		"":                   "",
		"frobnicate":         "",
	} {
		if got := spelling.Nearest(word, known); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", word, got, want)
		}
	}
}

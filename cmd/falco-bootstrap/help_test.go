// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

func TestHelpListsEveryExitStatus(t *testing.T) {
	b := newBench(newNode())
	if code := b.run(t, "--help"); code != node.CodeOK {
		t.Fatalf("--help exits with %d", code)
	}
	for _, row := range node.Codes() {
		if line := fmt.Sprintf("\n  %-3d %s\n", row.Code, row.Meaning); !strings.Contains(b.stdout.String(), line) {
			t.Errorf("--help lacks %q", line)
		}
	}
}

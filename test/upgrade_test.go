// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"regexp"
	"testing"
)

// After an upgrade the edits of people are named that rpm has moved aside, and not what
// the new release ships in another way.
func TestUpgradeNamesOnlyEdits(t *testing.T) {
	t.Parallel()
	d := OL("9.6")
	d.Falco = "all"
	n := Start(t, d)
	n.Quirk("delay", "0")
	if r := n.Run("--falco-version=0.41.3"); r.Exit != 0 {
		t.Fatal(r)
	}
	n.Must("sed -i 's/^buffered_outputs: .*/buffered_outputs: true/' " + falcoYAML + "; grep -q '^buffered_outputs: true' " + falcoYAML)
	r := n.Run("--falco-version=0.44.1")
	if r.Exit != 0 || !n.Exists(falcoYAML+".rpmsave") {
		t.Fatalf("the upgrade: %v", r)
	}
	r = n.Run("--falco-version=0.44.1", "--dry-run")
	lost := regexp.MustCompile(`no longer in force: (.*)`).FindStringSubmatch(r.Stdout)
	if len(lost) != 2 || lost[1] != "buffered_outputs=true" {
		t.Errorf("named are %q, want buffered_outputs=true: %v", lost, r)
	}
}

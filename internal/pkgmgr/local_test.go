// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package pkgmgr

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

func TestVerifyPackageHints(t *testing.T) {
	dir := t.TempDir()
	signed := "../trust/testdata/tiny-1.2-3.noarch.rpm"
	content, err := os.ReadFile(signed)
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)-1] ^= 1
	damaged := put(t, dir, "damaged.rpm", string(content))
	for _, test := range []struct{ name, path, err, hint string }{
		{name: "signed by another key", path: signed, err: "not pinned (key ", hint: "Falco re-signed all its packages in January 2026"},
		{name: "damaged", path: damaged, err: "it is damaged", hint: "fetch the package again from its publisher"},
	} {
		_, err := verifyPackage(test.path, nil)
		wantCode(t, err, node.CodeTrust)
		if err == nil || !strings.Contains(err.Error(), test.err) || !strings.Contains(err.Error(), filepath.Base(test.path)) {
			t.Errorf("%s: verifyPackage = %v, want an error with %q", test.name, err, test.err)
		}
		if got := node.HintOf(err); !strings.HasPrefix(got, test.hint) {
			t.Errorf("%s: the hint is %q, want %q", test.name, got, test.hint)
		}
	}
}

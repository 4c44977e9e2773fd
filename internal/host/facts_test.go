// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"os"
	"path/filepath"
	"testing"
)

// A kernel in FIPS mode has 1 in this file; others have 0, or no such file.
func TestReadHostFIPS(t *testing.T) {
	for content, want := range map[string]bool{"1\n": true, "0\n": false, "": false} {
		tools := Options{}.programs()
		tools.proc = t.TempDir()
		if content != "" {
			path := filepath.Join(tools.proc, "sys/crypto/fips_enabled")
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got := readHost(tools, newTree(t, "/"), "").FIPS; got != want {
			t.Errorf("readHost with fips_enabled %q: FIPS = %v, want %v", content, got, want)
		}
	}
}

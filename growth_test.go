// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/falco-bootstrap/falco-bootstrap/pkg/yamledit"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/yumrepo"
)

// What an edit allocates grows with the file, and not with its square: that would be 64
// times as much here.
func TestSetGrowsWithTheFile(t *testing.T) {
	for _, format := range []struct {
		name, entry string
		set         func(src []byte) ([]byte, error)
	}{
		{"yamledit", "# What it does.\nkey_%d:\n  enabled: false\n  list: [a, b]\n", func(src []byte) ([]byte, error) {
			return yamledit.Set(src, yamledit.Setting{Path: "key_1.enabled", Value: true})
		}},
		{"yamledit, as many keys", "key_%d:\n  enabled: false\n", func(src []byte) ([]byte, error) {
			var all []yamledit.Setting
			for i := range bytes.Count(src, []byte("enabled")) {
				all = append(all, yamledit.Setting{Path: fmt.Sprintf("key_%d.enabled", i), Value: true})
			}
			return yamledit.Set(src, all...)
		}},
		{"yumrepo", "[site-%d]\nname=x\nbaseurl=http://127.0.0.1/\nenabled=0\n", func(src []byte) ([]byte, error) {
			return yumrepo.Set(src, "site-1", yumrepo.KeyValue{Key: "enabled", Value: "1"})
		}},
	} {
		allocated := func(entries int) float64 {
			var text strings.Builder
			for i := range entries {
				fmt.Fprintf(&text, format.entry, i)
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			if _, err := format.set([]byte(text.String())); err != nil {
				t.Fatal(err)
			}
			runtime.ReadMemStats(&after)
			return float64(after.TotalAlloc - before.TotalAlloc)
		}
		if small, large := allocated(500), allocated(4000); large > 16*small {
			t.Errorf("%s: %.0f bytes for a file, %.0f for one of eight times its size", format.name, small, large)
		}
	}
}

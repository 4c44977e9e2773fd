// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package yumrepo

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// What an edit allocates grows with the file, and not with its square: that would be 64
// times as much here.
func TestSetGrowsWithTheFile(t *testing.T) {
	allocated := func(n int) float64 {
		var text strings.Builder
		for i := range n {
			fmt.Fprintf(&text, "[site-%d]\nname=x\nbaseurl=http://127.0.0.1/%d\nenabled=0\n", i, i)
		}
		src := []byte(text.String())
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := Set(src, "site-1", KeyValue{"enabled", "1"}); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		return float64(after.TotalAlloc - before.TotalAlloc)
	}
	if small, large := allocated(500), allocated(4000); large > 16*small {
		t.Errorf("%.0f bytes for a file, %.0f for one of eight times its size", small, large)
	}
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package repos

import "testing"

func TestUsesRegion(t *testing.T) {
	files := map[string][]byte{
		"/etc/yum.repos.d/oracle.repo": []byte("[ol9_appstream]\nbaseurl=https://yum$ociregion.$ocidomain/repo/x\n[plain]\nbaseurl=https://yum.oracle.com/x\n"),
		"/etc/yum.repos.d/broken.repo": []byte("no section\n"),
	}
	tests := []struct {
		ids  []string
		want bool
	}{
		{nil, false},
		{[]string{"plain", "falcosecurity-rpm"}, false},
		{[]string{"falcosecurity-rpm", "ol9_appstream"}, true},
	}
	for _, tt := range tests {
		if got := usesRegion(files, tt.ids); got != tt.want {
			t.Errorf("usesRegion(%q) = %v, want %v", tt.ids, got, tt.want)
		}
	}
}

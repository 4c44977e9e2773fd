// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package pkgmgr

import (
	"strings"
	"testing"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

func TestAwait(t *testing.T) {
	files := []string{"/var/lib/oci-linux-config/yum_populated", "/etc/dnf/vars/ociregion"}
	tests := []struct {
		name  string
		await *node.Await
		comes string // when the second file does
		said  string // the last news
	}{
		{"nothing to wait for", nil, "never", ""},
		{"there already", &node.Await{Files: files, What: "the mapper", Limit: time.Minute}, "before", ""},
		{"comes in time", &node.Await{Files: files, What: "the mapper", Limit: time.Minute}, "meanwhile", "the mapper is done"},
		{"never comes", &node.Await{Files: files, What: "the mapper", Limit: 50 * time.Millisecond}, "never", "the mapper is not done; going on without it"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root := t.TempDir()
			said := ""
			come := func(when string) {
				if when == tt.comes {
					put(t, root, strings.TrimPrefix(files[1], "/"), "")
				}
			}
			m, _ := newManager(t)
			m.Tree, m.FirstPause = newTree(t, root), 5*time.Millisecond
			m.Tell = func(p node.Progress) {
				if said == "" {
					come("meanwhile")
				}
				said = p.Message
			}
			come("before")
			m.await(t.Context(), tt.await)
			if said != tt.said {
				t.Errorf("await(%+v) said %q, want %q", tt.await, said, tt.said)
			}
		})
	}
}

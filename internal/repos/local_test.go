// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package repos

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

// A bundle is compared with its manifest, and what differs or is missing is named.
func TestCheckBundle(t *testing.T) {
	const manifest = `{"files": [
		{"name": "a.rpm", "sha256": "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"},
		{"name": "falco-bootstrap", "sha256": "3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d"}]}`
	for _, tt := range []struct {
		name  string
		files map[string]string
		code  node.Code
		says  string
	}{
		{name: "no manifest", files: map[string]string{"a.rpm": "x"}},
		{name: "as it was", files: map[string]string{"manifest.json": manifest, "a.rpm": "a", "falco-bootstrap": "b"}},
		{name: "the agent is elsewhere", files: map[string]string{"manifest.json": manifest, "a.rpm": "a"}},
		{name: "another agent", files: map[string]string{"manifest.json": manifest, "a.rpm": "a", "falco-bootstrap": "c"}, code: node.CodeTrust, says: "/srv/b/falco-bootstrap is not the file that was bundled"},
		{name: "another package", files: map[string]string{"manifest.json": manifest, "a.rpm": "b"}, code: node.CodeTrust, says: "/srv/b/a.rpm is not the file that was bundled"},
		{name: "a package is missing", files: map[string]string{"manifest.json": manifest}, code: node.CodePackages, says: "srv/b/a.rpm"},
		{name: "a broken manifest", files: map[string]string{"manifest.json": "{"}, code: node.CodePackages, says: "/srv/b/manifest.json"},
		{name: "a name that leads out", files: map[string]string{"manifest.json": strings.Replace(manifest, "a.rpm", "../../etc/a.rpm", 1), "a.rpm": "a"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tree := fstest.MapFS{}
			for name, content := range tt.files {
				tree["srv/b/"+name] = &fstest.MapFile{Data: []byte(content)}
			}
			err := checkBundle(tree, "srv/b")
			switch {
			case tt.says == "" && err != nil:
				t.Errorf("checkBundle = %v", err)
			case tt.says != "" && (err == nil || node.CodeOf(err) != tt.code || !strings.Contains(err.Error(), tt.says) || node.HintOf(err) == ""):
				t.Errorf("checkBundle = %v, want %v, %q and a hint", err, tt.code, tt.says)
			}
		})
	}
}

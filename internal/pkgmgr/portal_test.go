// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package pkgmgr

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/program"
)

// Metadata that is none has no wrong signature. Metadata that is some has one.
func TestUnlessPortal(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		code       node.Code
		what       string
	}{
		{"another repomd.xml", `<?xml version="1.0"?><repomd xmlns="x"><revision>1</revision></repomd>`, node.CodeTrust, "is not signed by one of its keys"},
		{"nothing", "", node.CodePackages, "sends an empty repomd.xml"},
		{"a page", "<html><body>Please log in</body></html>", node.CodePackages, "is not a repository"},
		{"no end", strings.Repeat("x", fetchLimit+1), node.CodePackages, "does not end"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				_, _ = w.Write([]byte(tt.body))
			}))
			defer server.Close()
			m, _ := newManager(t)
			c := node.Install{Declared: "fx", Repositories: []string{"fx"}, BaseURL: server.URL + "/"}
			out := program.Result{Stdout: []byte("Error: Failed to download metadata for repo 'fx': repomd.xml GPG signature verification error: Bad GPG signature\n"), Status: 1}
			d := m.unlessPortal(t.Context(), diagnose("/usr/bin/dnf", c, out), c)
			if d.code != tt.code || !strings.Contains(d.what, tt.what) || d.hint == "" {
				t.Errorf("unlessPortal = %v, %q (hint %q), want %v, %q", d.code, d.what, d.hint, tt.code, tt.what)
			}
		})
	}
}

// Of dnf's output an error has one line, and none that says how fast it was.
func TestErrorHasOneLine(t *testing.T) {
	out := program.Result{Status: 1, Stdout: bytes.Join([][]byte{
		[]byte("falco 1.2 kB/s | 3 kB 00:00"), []byte("Error: Transaction test error:"), []byte("  x conflicts"), []byte("Error Summary"), []byte(""),
	}, []byte("\n"))}
	err := diagnose("/usr/bin/dnf", node.Install{}, out).err("/usr/bin/dnf", node.Install{}, out, nil)
	if strings.ContainsAny(err.Error(), "|\n") || !strings.HasSuffix(err.Error(), "(dnf: Transaction test error:)") {
		t.Errorf("err = %v", err)
	}
}

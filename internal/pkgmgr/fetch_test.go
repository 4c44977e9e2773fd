// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package pkgmgr

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

func TestFetch(t *testing.T) {
	var tries atomic.Int32
	mux := http.NewServeMux()
	answer := func(path string, h http.HandlerFunc) { mux.HandleFunc(path, h) }
	answer("/key", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("key")) })
	answer("/missing", func(w http.ResponseWriter, _ *http.Request) { tries.Add(1); w.WriteHeader(http.StatusNotFound) })
	answer("/late", func(w http.ResponseWriter, _ *http.Request) {
		if tries.Add(1) < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("key"))
	})
	answer("/down", func(w http.ResponseWriter, _ *http.Request) { tries.Add(1); w.WriteHeader(http.StatusBadGateway) })
	answer("/huge", func(w http.ResponseWriter, _ *http.Request) { tries.Add(1); _, _ = w.Write(make([]byte, fetchLimit+1)) })
	answer("/cut", func(w http.ResponseWriter, _ *http.Request) {
		tries.Add(1)
		w.Header().Set("Content-Length", "100")
		_, _ = w.Write([]byte("half"))
	})
	answer("/loop", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/loop", http.StatusFound) })
	answer("/to-key", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/key", http.StatusFound) })
	answer("/to-file", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	local := put(t, t.TempDir(), "a b%zz", "local")
	tests := []struct {
		name, url string
		secure    bool // http is not allowed
		want      string
		code      node.Code
		tries     int32
		says      string
	}{
		{name: "as served", url: server.URL + "/key", want: "key"},
		{name: "a path", url: local, want: "local", secure: true},
		{name: "a file URL", url: "file:///etc/hostname", want: "*", secure: true},
		{name: "a missing file", url: "/nowhere", code: node.CodePackages, says: "/nowhere"},
		{name: "http", url: server.URL + "/key", secure: true, code: node.CodeTrust, says: "not allowed"},
		{name: "ftp", url: "ftp://x/y", code: node.CodeUsage, says: "unknown kind of URL"},
		{name: "no URL", url: "https://u:secret@[::1/x", code: node.CodeUsage, says: "not a URL"},
		{name: "not there", url: server.URL + "/missing", code: node.CodePackages, tries: 1, says: "404 Not Found"},
		{name: "late", url: server.URL + "/late", want: "key", tries: 3},
		{name: "down for good", url: server.URL + "/down", code: node.CodePackages, tries: fetchTries, says: "502"},
		{name: "too large", url: server.URL + "/huge", code: node.CodePackages, tries: 1, says: "larger"},
		{name: "cut short", url: server.URL + "/cut", code: node.CodePackages, tries: fetchTries, says: "unexpected EOF"},
		{name: "a redirect", url: server.URL + "/to-key", want: "key"},
		{name: "redirects without end", url: server.URL + "/loop", code: node.CodePackages, says: "too many redirects"},
		{name: "a redirect to a file", url: server.URL + "/to-file", code: node.CodeTrust, says: "file://"},
		{name: "nobody listens", url: "http://u:secret@127.0.0.1:1/key", code: node.CodePackages, says: "refused"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tries.Store(0)
			m, _ := newManager(t)
			got, err := m.fetch(t.Context(), tt.url, "fx", !tt.secure)
			wantCode(t, err, tt.code)
			if err != nil && (!strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "secret")) {
				t.Errorf("fetch(%q) = %v, want %q and no credentials", tt.url, err, tt.says)
			}
			if tt.want != "*" && string(got) != tt.want || tt.want == "*" && len(got) == 0 {
				t.Errorf("fetch(%q) = %q, want %q", tt.url, got, tt.want)
			}
			if tries.Load() != tt.tries {
				t.Errorf("fetch(%q) tried %d times, want %d", tt.url, tries.Load(), tt.tries)
			}
		})
	}
}

// A redirect from https to http is refused, and a server whose certificate is
// refused is not asked again.
func TestFetchTLS(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("key")) }))
	defer plain.Close()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, plain.URL, http.StatusFound) }))
	defer server.Close()
	m, _ := newManager(t)
	_, err := m.fetch(t.Context(), server.URL, "fx", false)
	wantCode(t, err, node.CodePackages)
	if !strings.Contains(node.HintOf(err), "CA certificates") {
		t.Errorf("fetch = %v (hint %q), want the certificate named", err, node.HintOf(err))
	}
	for _, insecure := range []bool{false, true} {
		client := newClient(route{}, insecure)
		client.Transport = server.Client().Transport
		request, _ := http.NewRequest(http.MethodGet, server.URL, http.NoBody)
		_, err := fetchOnce(t.Context(), client, request.URL)
		if err == nil || !strings.Contains(err.Error(), "redirects to http://") {
			t.Errorf("insecure %v: fetchOnce = %v, want the redirect refused", insecure, err)
		}
	}
}

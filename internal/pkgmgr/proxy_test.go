// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package pkgmgr

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

// withoutProxies takes the proxies of the environment away.
func withoutProxies(t *testing.T) {
	t.Helper()
	for _, name := range proxyVariables() {
		t.Setenv(name, "")
		t.Setenv(strings.ToUpper(name), "")
	}
}

func TestProxyFor(t *testing.T) {
	const falcoKey = "https://falco.org/repo/key.asc"
	tests := []struct {
		name string
		env  map[string]string
		conf string // dnf.conf
		repo string // the repository's section
		url  string
		want string
	}{
		{name: "none", url: falcoKey},
		{name: "environment", env: map[string]string{"https_proxy": "http://e:1"}, url: falcoKey, want: "http://e:1"},
		{name: "upper case", env: map[string]string{"HTTPS_PROXY": "http://e:1"}, url: falcoKey, want: "http://e:1"},
		{name: "upper case, http", env: map[string]string{"HTTP_PROXY": "http://e:1"}, url: "http://mirror/key", want: "http://e:1"},
		{name: "both cases", env: map[string]string{"https_proxy": "http://e:1", "HTTPS_PROXY": "http://f:1"}, url: falcoKey, want: "http://e:1"},
		{name: "the other scheme's", env: map[string]string{"http_proxy": "http://e:1"}, url: falcoKey},
		{name: "all schemes", env: map[string]string{"ALL_PROXY": "socks5://e:1"}, url: falcoKey, want: "socks5://e:1"},
		{name: "without a scheme", env: map[string]string{"https_proxy": "e:1"}, url: falcoKey, want: "http://e:1"},
		{name: "dnf.conf", conf: "proxy=http://c:1\n", url: falcoKey, want: "http://c:1"},
		{name: "dnf.conf before the environment", env: map[string]string{"https_proxy": "http://e:1"}, conf: "proxy=http://c:1\n", url: falcoKey, want: "http://c:1"},
		{name: "dnf.conf, http", conf: "proxy=http://c:1\n", url: "http://mirror/key", want: "http://c:1"},
		{name: "dnf.conf, with a user", conf: "proxy=c:1\nproxy_username=u\nproxy_password=p@ss\n", url: falcoKey, want: "http://u:p%40ss@c:1"},
		{name: "an empty one", env: map[string]string{"https_proxy": "http://e:1"}, conf: "proxy=\n", url: falcoKey, want: "http://e:1"},
		{name: "the repository's own", conf: "proxy=http://c:1\n", repo: "proxy=http://r:1\n", url: falcoKey, want: "http://r:1"},
		{name: "the repository has none", env: map[string]string{"https_proxy": "http://e:1"}, conf: "proxy=http://c:1\n", repo: "proxy=_none_\n", url: falcoKey},
		{name: "no_proxy", env: map[string]string{"https_proxy": "http://e:1", "no_proxy": "a, falco.org"}, url: falcoKey},
		{name: "NO_PROXY", env: map[string]string{"https_proxy": "http://e:1", "NO_PROXY": ".org"}, url: falcoKey},
		{name: "no_proxy and dnf.conf", env: map[string]string{"no_proxy": "falco.org"}, conf: "proxy=http://c:1\n", url: falcoKey},
		{name: "no_proxy of others", env: map[string]string{"https_proxy": "http://e:1", "no_proxy": "co.org,alco.org,10.0.0.0/8"}, url: falcoKey, want: "http://e:1"},
		{name: "no_proxy of everything", env: map[string]string{"https_proxy": "http://e:1", "no_proxy": "*"}, url: falcoKey},
		{name: "a network", env: map[string]string{"https_proxy": "http://e:1", "no_proxy": "10.0.0.0/8"}, url: "https://10.1.2.3/key"},
		{name: "this machine", env: map[string]string{"http_proxy": "http://e:1"}, url: "http://127.0.0.1/key", want: "http://e:1"},
		{name: "no URL", env: map[string]string{"https_proxy": "http://u:secret@[::1"}, url: falcoKey, want: "error"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			withoutProxies(t)
			for name, value := range tt.env {
				t.Setenv(name, value)
			}
			root := t.TempDir()
			put(t, root, "etc/dnf/dnf.conf", "[main]\n"+tt.conf)
			put(t, root, "etc/yum.repos.d/fx.repo", "[other]\nproxy=http://wrong:1\n[fx]\n"+tt.repo)
			m := &Manager{Tree: newTree(t, root)}
			target, err := url.Parse(tt.url)
			if err != nil {
				t.Fatal(err)
			}
			proxy, err := m.routeTo("fx").proxyFor(target)
			got := ""
			switch {
			case err != nil && !strings.Contains(err.Error(), "secret"):
				got = "error"
			case proxy != nil:
				got = proxy.String()
			}
			if got != tt.want {
				t.Errorf("proxyFor(%s) = %q, %v, want %q", tt.url, got, err, tt.want)
			}
		})
	}
}

// A key is fetched by the proxy of dnf.conf, and one that wants a user is told
// apart from a server that does not answer.
func TestFetchByProxy(t *testing.T) {
	withoutProxies(t)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user := r.Header.Get("Proxy-Authorization"); user != "Basic dTpw" {
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		_, _ = w.Write([]byte("key of " + r.URL.String()))
	}))
	defer proxy.Close()
	for _, tt := range []struct{ conf, url, want, hint string }{
		{"proxy_username=u\nproxy_password=p\n", "http://mirror.invalid/key", "key of http://mirror.invalid/key", ""},
		{"", "http://mirror.invalid/key", "", "proxy_username"},
		{"", "https://mirror.invalid/key", "", "proxy_username"},
	} {
		root := t.TempDir()
		put(t, root, "etc/dnf/dnf.conf", "[main]\nproxy="+proxy.URL+"\n"+tt.conf)
		m, _ := newManager(t)
		m.Tree = newTree(t, root)
		got, err := m.fetch(t.Context(), tt.url, "fx", true)
		if string(got) != tt.want || (err == nil) != (tt.hint == "") || !strings.Contains(node.HintOf(err), tt.hint) {
			t.Errorf("fetch(%s) = %q, %v, hint %q; want %q, hint %q", tt.url, got, err, node.HintOf(err), tt.want, tt.hint)
		}
	}
}

// dnf gets the proxies in both cases, since libcurl does not read HTTP_PROXY.
func TestProxyEnvironment(t *testing.T) {
	withoutProxies(t)
	t.Setenv("HTTP_PROXY", "http://e:1")
	env := environment()
	if !slices.Contains(env, "http_proxy=http://e:1") || !slices.Contains(env, "HTTP_PROXY=http://e:1") || slices.ContainsFunc(env, func(v string) bool { return strings.HasPrefix(v, "no_proxy=") }) {
		t.Errorf("environment = %q", env)
	}
}

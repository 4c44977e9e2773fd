// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package pkgmgr

import (
	"cmp"
	"crypto/x509"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"strings"

	"github.com/falco-bootstrap/falco-bootstrap/pkg/dnfconf"
)

// A route is how the servers of a repository are reached, as dnf reaches them:
// by the proxy of the repository or of dnf.conf, else by that of the
// environment, past the proxy where no_proxy says so.
//
// It follows libcurl (lib/url.c), which dnf and yum use, and not net/http:
// no_proxy holds for a proxy of dnf.conf too, a proxy is also used for this
// machine's own addresses, and all_proxy stands in for either scheme.
type route struct {
	// proxy is that of the configuration; empty for that of the environment.
	proxy          string
	user, password string
	// roots are the certificates that the configuration names, or nil.
	roots *x509.CertPool
}

// noneProxy is how a repository says that it has none, whatever dnf.conf says.
const noneProxy = "_none_"

// routeTo reads the way to the servers of a repository. A configuration that
// cannot be read says nothing: dnf itself says so later.
func (m *Manager) routeTo(repository string) route {
	conf, err := dnfconf.Read(m.Tree)
	if err != nil {
		return route{}
	}
	r := route{proxy: conf.Get(repository, "proxy"), user: conf.Get(repository, "proxy_username"), password: conf.Get(repository, "proxy_password")}
	if file := conf.Get(repository, "sslcacert"); file != "" {
		if pem, err := m.Tree.ReadFile(strings.TrimPrefix(file, "/")); err == nil {
			if pool := x509.NewCertPool(); pool.AppendCertsFromPEM(pem) {
				r.roots = pool
			}
		}
	}
	return r
}

// proxyFor returns the proxy for a URL, or nil.
func (r route) proxyFor(target *url.URL) (*url.URL, error) {
	proxy := cmp.Or(r.proxy, variable(target.Scheme+"_proxy"), variable("all_proxy"))
	if proxy == "" || strings.EqualFold(proxy, noneProxy) || passes(target.Hostname(), variable("no_proxy")) {
		return nil, nil
	}
	if !strings.Contains(proxy, "://") {
		proxy = "http://" + proxy
	}
	u, err := url.Parse(proxy)
	if err != nil || u.Host == "" { // its message would quote the password
		return nil, fmt.Errorf("the proxy (proxy= of dnf.conf, %s_proxy) is not a URL", target.Scheme)
	}
	if r.proxy != "" && r.user != "" {
		u.User = url.UserPassword(r.user, r.password)
	}
	return u, nil
}

// proxyVariables are those of the environment, in lower case. libcurl does not
// read HTTP_PROXY, so dnf gets each in both cases.
func proxyVariables() []string { return []string{"http_proxy", "https_proxy", "all_proxy", "no_proxy"} }

// variable reads a variable of the environment in lower case, else in upper
// case.
func variable(name string) string {
	return cmp.Or(os.Getenv(name), os.Getenv(strings.ToUpper(name)))
}

// passes reports whether a host is reached without the proxy: no_proxy names it,
// a domain of it, a network of its address, or everything ("*").
func passes(host, list string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	address, err := netip.ParseAddr(host)
	isAddress := err == nil
	for _, entry := range strings.FieldsFunc(strings.ToLower(list), func(r rune) bool { return r == ',' || r == ' ' || r == '\t' }) {
		entry = strings.TrimSuffix(strings.TrimPrefix(entry, "."), ".")
		network, err := netip.ParsePrefix(entry)
		switch {
		case entry == "":
		case entry == "*", host == strings.Trim(entry, "[]"):
			return true
		case isAddress:
			if err == nil && network.Contains(address) {
				return true
			}
		case strings.HasSuffix(host, "."+entry):
			return true
		}
	}
	return false
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package pkgmgr

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/files"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/redact"
)

// Bounds of a fetch.
const (
	fetchLimit   = 1 << 20 // bytes; Falco's key file has 1,692
	fetchTries   = 5
	fetchTimeout = 30 * time.Second // of one try, from the DNS query to the last byte
)

var (
	errInsecure = errors.New("http:// is not allowed")
	errTooLarge = errors.New("it is larger than 1 MiB, too large for a key or rules file")
)

// hintNet is the hint for a server that cannot be reached: the service gateway of
// a private subnet reaches Oracle's own repositories, not Falco's.
const hintNet = "a private subnet has no route to falco.org: add one with a NAT gateway or a proxy (https_proxy), set a mirror in the repository settings, or install from local packages with --falco-rpm"

// A statusError is an HTTP status other than 200.
type statusError int

func (e statusError) Error() string {
	return fmt.Sprintf("the server answers %d %s", int(e), http.StatusText(int(e)))
}

// Fetch reads a key or rules file; see [node.View].
func (m *Manager) Fetch(ctx context.Context, from, repository string, insecure bool) ([]byte, error) {
	return m.fetch(ctx, from, repository, insecure)
}

// fetch reads a small file over https, over http if insecure, from a file: URL
// or from a plain path. A transient failure is tried again. The way is dnf's to the
// repository. Errors contain no credentials.
func (m *Manager) fetch(ctx context.Context, from, repository string, insecure bool) ([]byte, error) {
	if filepath.IsAbs(from) {
		return m.fetchFile(from)
	}
	source, err := url.Parse(from)
	if err != nil { // its message would quote the URL with its credentials
		return nil, node.Errorf(node.CodeUsage, "correct the URL in the settings", "fetching %s: not a URL", redact.Text(from))
	}
	switch {
	case source.Scheme == "file" && (source.Host == "" || source.Host == "localhost"):
		return m.fetchFile(source.Path)
	case source.Scheme == "https", source.Scheme == "http" && insecure:
		return m.fetchWeb(ctx, newClient(m.routeTo(repository), insecure), source)
	case source.Scheme == "http":
		return nil, node.Errorf(node.CodeTrust, "use https://, or set repository.insecure: true for a mirror on a private network",
			"fetching %s: %w", redact.Text(from), errInsecure)
	}
	return nil, node.Errorf(node.CodeUsage, "use https://, file:// or an absolute path", "fetching %s: unknown kind of URL", redact.Text(from))
}

func (m *Manager) fetchFile(path string) ([]byte, error) {
	content, err := m.Tree.ReadFile(strings.TrimPrefix(filepath.Clean(path), "/"))
	if err == nil && len(content) > fetchLimit {
		err = errTooLarge
	}
	if err != nil {
		return nil, node.Errorf(node.CodePackages, "correct its path in the settings, or put the file there", "fetching %s: %w", path, files.Bare(err))
	}
	return content, nil
}

func (m *Manager) fetchWeb(ctx context.Context, client *http.Client, source *url.URL) ([]byte, error) {
	defer client.CloseIdleConnections()
	pause := m.pauses()
	for try := 1; ; try++ {
		content, err := fetchOnce(ctx, client, source)
		if err == nil {
			return content, nil
		}
		if try == fetchTries || !isTransient(err) || ctx.Err() != nil {
			return nil, fetchError(source, err)
		}
		m.warn(fmt.Sprintf("fetching %s: %v; trying again", redact.Text(source.String()), withoutURL(err)))
		if !pause(ctx) {
			return nil, fetchError(source, fmt.Errorf("%w (%w)", withoutURL(err), ctx.Err()))
		}
	}
}

// newClient returns a client that goes by a route and never leaves https for
// http.
func newClient(r route, insecure bool) *http.Client {
	transport := &http.Transport{
		Proxy:                 func(request *http.Request) (*url.URL, error) { return r.proxyFor(request.URL) },
		TLSClientConfig:       &tls.Config{RootCAs: r.roots, MinVersion: tls.VersionTLS12},
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: 20 * time.Second,
		ForceAttemptHTTP2:     true,
	}
	return &http.Client{
		Transport: transport,
		Timeout:   fetchTimeout,
		CheckRedirect: func(next *http.Request, before []*http.Request) error {
			switch {
			case next.URL.Scheme != "https" && (next.URL.Scheme != "http" || !insecure || before[0].URL.Scheme == "https"):
				return fmt.Errorf("it redirects to %s://: %w", next.URL.Scheme, errInsecure)
			case len(before) >= 5:
				return errors.New("too many redirects")
			}
			return nil
		},
	}
}

func fetchOnce(ctx context.Context, client *http.Client, source *url.URL) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, source.String(), http.NoBody)
	if err != nil {
		return nil, err
	}
	request.Header.Set("User-Agent", "falco-bootstrap")
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, statusError(response.StatusCode)
	}
	content, err := io.ReadAll(io.LimitReader(response.Body, fetchLimit+1))
	if err == nil && len(content) > fetchLimit {
		err = errTooLarge
	}
	return content, err
}

// isTransient reports whether a later try may succeed.
func isTransient(err error) bool {
	var status statusError
	var network net.Error
	switch {
	case errors.Is(err, errInsecure), errors.Is(err, errTooLarge), isCertificate(err):
		return false
	case errors.As(err, &status):
		return status >= 500 || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout
	}
	return errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || errors.As(err, &network)
}

// isCertificate reports whether the server's certificate was refused, which
// trying again does not change.
func isCertificate(err error) bool {
	return errors.As(err, new(*tls.CertificateVerificationError)) || errors.As(err, new(x509.UnknownAuthorityError)) ||
		errors.As(err, new(x509.HostnameError)) || errors.As(err, new(x509.CertificateInvalidError)) || errors.As(err, new(tls.RecordHeaderError))
}

// fetchError returns the error of a fetch with the hint for its cause.
func fetchError(source *url.URL, err error) error {
	code, hint := node.CodePackages, hintNet
	switch {
	case errors.Is(err, errInsecure):
		code, hint = node.CodeTrust, "use the https:// URL that it redirects to"
	case wantsProxyLogin(err):
		hint = hintLogin
	case errors.Is(err, errTooLarge), errors.As(err, new(statusError)):
		hint = "check the URL; for a proxy or mirror, check that it serves this file"
	case isCertificate(err):
		hint = hintCA + "; the CA of a proxy that intercepts TLS must be among them"
	}
	return node.Errorf(code, hint, "fetching %s: %w", redact.Text(source.String()), withoutURL(err))
}

// wantsProxyLogin reports whether a proxy answers 407. net/http has only its text
// as the error if the proxy is asked for a tunnel.
func wantsProxyLogin(err error) bool {
	var status statusError
	if errors.As(err, &status) {
		return status == http.StatusProxyAuthRequired
	}
	return strings.Contains(err.Error(), http.StatusText(http.StatusProxyAuthRequired))
}

// withoutURL returns err without the URL that net/http puts in front, which may
// contain credentials.
func withoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

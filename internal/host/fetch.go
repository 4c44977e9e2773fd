// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

// Bounds of a fetch.
const (
	fetchLimit   = 1 << 20 // Falco's key file has 1,692 bytes
	fetchTries   = 5
	fetchTimeout = 30 * time.Second // of one try, from the name look-up to the last byte
)

var (
	errInsecure = errors.New("http:// is not allowed")
	errOversize = errors.New("it is larger than 1 MiB, which no key file is")
)

// privateNet is the hint for a network that does not answer: the service
// gateway of a private subnet reaches Oracle's own repositories, not Falco's.
const privateNet = "a private subnet has no way to falco.org: let it out through a NAT gateway or a proxy (https_proxy), name a mirror in the repository settings, or install from local packages with --falco-rpm"

// A statusError is an answer of a server that is not the file.
type statusError struct {
	status int
	text   string
}

func (e statusError) Error() string { return "the server answers " + e.text }

// fetch gets a small file by https, from a file: URL or a plain path; by http
// only if insecure. What can pass is tried again; the proxies of the
// environment are used. Errors hold no credentials.
func (m *Machine) fetch(ctx context.Context, from string, insecure bool) ([]byte, error) {
	if filepath.IsAbs(from) {
		return m.fetchFile(from)
	}
	source, err := url.Parse(from)
	if err != nil { // its message would quote the URL, credentials and all
		return nil, failed(node.CodeUsage, "correct the URL in the settings", "fetching %s: not a URL", redact(from))
	}
	switch {
	case source.Scheme == "file" && (source.Host == "" || source.Host == "localhost"):
		return m.fetchFile(source.Path)
	case source.Scheme == "https", source.Scheme == "http" && insecure:
		return m.fetchWeb(ctx, source, insecure)
	case source.Scheme == "http":
		return nil, failed(node.CodeTrust, "use https://, or set repository.insecure: true for a mirror on a private network",
			"fetching %s: %w", redact(from), errInsecure)
	}
	return nil, failed(node.CodeUsage, "use https://, file:// or an absolute path", "fetching %s: no such kind of URL", redact(from))
}

// fetchFile reads a file of the node.
func (m *Machine) fetchFile(path string) ([]byte, error) {
	content, err := m.tree.ReadFile(strings.TrimPrefix(filepath.Clean(path), "/"))
	if err == nil && len(content) > fetchLimit {
		err = errOversize
	}
	if err != nil {
		return nil, failed(node.CodePackages, "", "fetching %s: %w", path, bare(err))
	}
	return content, nil
}

func (m *Machine) fetchWeb(ctx context.Context, source *url.URL, insecure bool) ([]byte, error) {
	client := newClient(insecure)
	defer client.CloseIdleConnections()
	wait := m.tools.pause.first
	for try := 1; ; try++ {
		content, err := fetchOnce(ctx, client, source)
		if err == nil {
			return content, nil
		}
		if try == fetchTries || !passing(err) || ctx.Err() != nil {
			return nil, fetchError(source, err)
		}
		m.opts.tell(Progress{Message: fmt.Sprintf("fetching %s: %v; trying again", redact(source.String()), plain(err)), Warning: true})
		if !sleep(ctx, jitter(wait)) {
			return nil, fetchError(source, fmt.Errorf("%w (%w)", plain(err), ctx.Err()))
		}
		wait = min(2*wait, m.tools.pause.most)
	}
}

// newClient makes a client that obeys the environment's proxies and never
// leaves https for http.
func newClient(insecure bool) *http.Client {
	transport := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
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
				return errors.New("it redirects again and again")
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
		return nil, statusError{response.StatusCode, response.Status}
	}
	content, err := io.ReadAll(io.LimitReader(response.Body, fetchLimit+1))
	if err == nil && len(content) > fetchLimit {
		err = errOversize
	}
	return content, err
}

// passing reports whether a failure may be gone in a while.
func passing(err error) bool {
	var status statusError
	var network net.Error
	switch {
	case errors.Is(err, errInsecure), errors.Is(err, errOversize):
		return false
	case errors.As(err, &status):
		return status.status >= 500 || status.status == http.StatusTooManyRequests || status.status == http.StatusRequestTimeout
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return true
	case certificate(err):
		return false
	}
	return errors.As(err, &network)
}

// fetchError is the last failure in one sentence with the hint it deserves.
func fetchError(source *url.URL, err error) error {
	hint := privateNet
	code := node.CodePackages
	var status statusError
	switch {
	case errors.Is(err, errInsecure):
		code, hint = node.CodeTrust, "name the https:// address that it leads to"
	case errors.Is(err, errOversize), errors.As(err, &status):
		hint = "see whether the URL is right; for a proxy or mirror, whether it serves this file"
	case certificate(err):
		hint = "look at the clock (timedatectl) and at the CA certificates (ca-certificates) of this node; a proxy that breaks TLS open needs its CA there"
	}
	return failed(code, hint, "fetching %s: %w", redact(source.String()), plain(err))
}

// plain is err without the URL that net/http puts in front, which may hold
// credentials.
func plain(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// jitter is a duration between half of d and d, so that a thousand nodes that
// boot at once do not come back at once.
func jitter(d time.Duration) time.Duration {
	return d/2 + time.Duration(rand.Int64N(int64(d/2)+1))
}

// sleep waits; false if the context ends first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

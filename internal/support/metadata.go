// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package support

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// metadataURL is the metadata service of an OCI instance. Version 2 wants a header
// (docs.oracle.com/en-us/iaas/Content/Compute/Tasks/gettingmetadata.htm).
var metadataURL = "http://169.254.169.254/opc/v2/"

// metadata says how the service answers. Only names are shown: user data and the join
// script have secrets.
func metadata(ctx context.Context) (string, error) {
	var b strings.Builder
	for _, q := range []struct {
		path  string
		shown bool
	}{{"instance/region", true}, {"instance/shape", true}, {"instance/metadata/oke_init_script", false}, {"identity/cert.pem", false}} {
		status, body, err := ask(ctx, metadataURL+q.path)
		switch {
		case err != nil:
			return b.String(), fmt.Errorf("%s does not answer: %w", metadataURL, bare(err))
		case q.shown && status == http.StatusOK:
			fmt.Fprintf(&b, "%s: %s\n", q.path, strings.TrimSpace(body))
		default:
			fmt.Fprintf(&b, "%s: %d %s\n", q.path, status, http.StatusText(status))
		}
	}
	return b.String(), nil
}

// bare returns the cause of an error of net/http, which repeats the URL.
func bare(err error) error {
	var of *url.Error
	if errors.As(err, &of) {
		return of.Err
	}
	return err
}

// ask goes past every proxy: the address is local to the machine.
func ask(ctx context.Context, from string) (status int, body string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return 0, "", err
	}
	request.Header.Set("Authorization", "Bearer Oracle")
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 1<<10))
	return answer.StatusCode, string(text), err
}

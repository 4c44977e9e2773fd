// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/falco-bootstrap/falco-bootstrap/pkg/falcoconf"
)

func TestCodeNamesAreDistinct(t *testing.T) {
	seen := map[string]Code{}
	for _, c := range []Code{CodeOK, CodeFailed, CodePending, CodePreflight, CodeTrust, CodePackages, CodeConfig, CodeNotRunning, CodeLocked, CodeUsage} {
		if other, twice := seen[c.String()]; twice {
			t.Errorf("codes %d and %d are both %q", c, other, c)
		}
		seen[c.String()] = c
	}
}

// Whoever stops a run must not be told that the network is down.
func TestStoppedRunIsNoPackageFailure(t *testing.T) {
	at := func(cause error) error {
		return fmt.Errorf("packages: %w", &Error{Code: CodePackages, Err: fmt.Errorf("running dnf: %w", cause), Hint: "a proxy"})
	}
	for _, tt := range []struct {
		cause error
		code  Code
		hint  string
	}{
		{context.Canceled, CodeFailed, "told to stop"},
		{context.DeadlineExceeded, CodePackages, "a proxy"},
	} {
		if got := CodeOf(at(tt.cause)); got != tt.code {
			t.Errorf("CodeOf(%v) = %v, want %v", at(tt.cause), got, tt.code)
		}
		if got := HintOf(at(tt.cause)); !strings.Contains(got, tt.hint) {
			t.Errorf("HintOf(%v) = %q, want %q in it", at(tt.cause), got, tt.hint)
		}
	}
}

// The hint of the configuration's own error is better than a general one.
func TestConfigError(t *testing.T) {
	for _, tt := range []struct {
		name  string
		err   error
		hint  string
		drift Drift
	}{
		{name: "without a hint", err: errors.New("x"), hint: "general"},
		{name: "with a hint", err: fmt.Errorf("reading: %w", &falcoconf.Error{Hint: "its own"}), hint: "its own"},
		{name: "overruled", err: &falcoconf.Error{Hint: "its own", Err: falcoconf.ErrOverruled}, hint: "its own", drift: DriftConfigOverruled},
	} {
		err := ConfigError(tt.err, "general")
		if CodeOf(err) != CodeConfig || HintOf(err) != tt.hint || DriftOf(err) != tt.drift {
			t.Errorf("%s: ConfigError = %v, %q, %q; want %v, %q, %q", tt.name, CodeOf(err), HintOf(err), DriftOf(err), CodeConfig, tt.hint, tt.drift)
		}
	}
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"errors"

	"github.com/falco-bootstrap/falco-bootstrap/pkg/falcoconf"
)

// ConfigError makes err an [*Error] with [CodeConfig]. Its hint is that of the
// [*falcoconf.Error] in the chain of err, or else the one given.
func ConfigError(err error, hint string) error {
	e := &Error{Code: CodeConfig, Err: err, Hint: hint}
	var refused *falcoconf.Error
	if errors.As(err, &refused) && refused.Hint != "" {
		e.Hint = refused.Hint
	}
	if errors.Is(err, falcoconf.ErrOverruled) {
		e.Drift = DriftConfigOverruled
	}
	return e
}

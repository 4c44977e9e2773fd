// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"errors"
	"fmt"

	"github.com/falco-bootstrap/falco-bootstrap/pkg/falcoconf"
)

// HintConfig is what to do about a configuration that cannot be read, when nothing
// more is known.
const HintConfig = "correct the file that it names; `rpm -V falco` says which files of the package were changed"

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

// Refused is the error of a Falco that would refuse what is on disk and is
// therefore not started in the place of the running one; nil without a reason.
func Refused(unit, reason string) error {
	if reason == "" {
		return nil
	}
	return &Error{
		Code: CodeConfig, Drift: DriftConfigBroken,
		Err:  fmt.Errorf("falco would refuse what is on disk, so %s is not started again: %s", unit, reason),
		Hint: "correct what Falco names, or put the last good file back; the running Falco keeps what it read before, and would not survive a restart",
	}
}

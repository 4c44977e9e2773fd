// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"errors"
	"fmt"
)

// Code is the kind of a failure. Its number is the exit status, its name
// stands in the report; both are API.
type Code int

// The codes.
const (
	CodeOK         Code = 0  // the node is as declared, or has been made so
	CodeFailed     Code = 1  // a reason not below
	CodePending    Code = 2  // a dry run found changes to make
	CodePreflight  Code = 3  // this host cannot run what was asked
	CodeTrust      Code = 4  // key, fingerprint or signature
	CodePackages   Code = 5  // repository, network, dependencies, lock
	CodeConfig     Code = 6  // Falco would refuse the configuration
	CodeNotRunning Code = 7  // Falco is not running, or not detecting
	CodeLocked     Code = 8  // another run holds the lock
	CodeUsage      Code = 64 // command line or settings file; EX_USAGE of sysexits(3)
)

// String is the code's name in reports.
func (c Code) String() string {
	switch c {
	case CodeOK:
		return "ok"
	case CodePending:
		return "pending"
	case CodePreflight:
		return "preflight"
	case CodeTrust:
		return "trust"
	case CodePackages:
		return "packages"
	case CodeConfig:
		return "config-refused"
	case CodeNotRunning:
		return "not-running"
	case CodeLocked:
		return "locked"
	case CodeUsage:
		return "usage"
	case CodeFailed:
	}
	return "failed"
}

// An Error is a failure that an operator can act on.
type Error struct {
	Code Code
	// Err says what and why, in one sentence.
	Err error
	// Hint says what to do about it.
	Hint string
	// Drift names what was found, if it is a drift that only people can mend.
	Drift Drift
}

// Error implements error.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns what it wraps.
func (e *Error) Unwrap() error { return e.Err }

// CodeOf returns the code of the first [*Error] in the chain of err:
// [CodeFailed] if there is none, [CodeOK] for nil. A run that was told to stop
// is CodeFailed whatever it was at: the fault is not that of the repository, or
// of Falco, that it was waiting for.
func CodeOf(err error) Code {
	var e *Error
	switch {
	case err == nil:
		return CodeOK
	case errors.Is(err, context.Canceled):
		return CodeFailed
	case errors.As(err, &e):
		return e.Code
	default:
		return CodeFailed
	}
}

// DriftOf returns the class of the first [*Error] in the chain of err that has
// one, or "".
func DriftOf(err error) Drift {
	var e *Error
	for next := err; errors.As(next, &e); next = e.Err {
		if e.Drift != "" {
			return e.Drift
		}
	}
	return ""
}

// HintOf returns the hint of the first [*Error] in the chain of err that has
// one. Running out of time has a hint of its own where there is none, and being
// told to stop in any case.
func HintOf(err error) string {
	if errors.Is(err, context.Canceled) {
		return "the run was told to stop; running it again carries on from here"
	}
	var e *Error
	for next := err; errors.As(next, &e); next = e.Err {
		if e.Hint != "" {
			return e.Hint
		}
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "the run's time was up: look at the last log line for what was slow, and pass a longer --timeout"
	}
	return ""
}

// Errorf returns an [*Error] with a formatted cause.
func Errorf(code Code, hint, format string, args ...any) error {
	return &Error{Code: code, Err: fmt.Errorf(format, args...), Hint: hint}
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"errors"
	"fmt"
	"syscall"
)

// Code is the kind of a failure. Its number is the exit status, its name
// appears in reports; both are API.
type Code int

// The codes. [Codes] describes them.
const (
	CodeOK         Code = 0
	CodeFailed     Code = 1
	CodePending    Code = 2
	CodePreflight  Code = 3
	CodeTrust      Code = 4
	CodePackages   Code = 5
	CodeConfig     Code = 6
	CodeNotRunning Code = 7
	CodeLocked     Code = 8
	CodeUsage      Code = 64 // EX_USAGE of sysexits(3)
)

// CodeRow describes a code.
type CodeRow struct {
	Code    Code
	Name    string // in reports
	Meaning string // in the help
	// Again says what running again does about it; systemd and the first-boot
	// script act on it.
	Again Again
}

// Again says whether it helps to run again.
type Again string

// The values of Again.
const (
	AgainDone    Again = ""    // the run succeeded
	AgainHelps   Again = "yes" // the cause may be gone by then
	AgainUseless Again = "no"  // somebody must act first
)

// Codes lists every code. The help, README.md, docs/report.schema.json, the
// units and the first-boot script are generated from it by `go test . -update`.
func Codes() []CodeRow {
	return []CodeRow{
		{CodeOK, "ok", "the node is as declared, or the run made it so", AgainDone},
		{CodeFailed, "failed", "failed for a reason not listed here; or, without root, could not see everything", AgainHelps},
		{CodePending, "pending", "--dry-run: changes are pending", AgainDone},
		{CodePreflight, "preflight", "this host cannot run what was asked for", AgainUseless},
		{CodeTrust, "trust", "trust: key, fingerprint or signature", AgainUseless},
		{CodePackages, "packages", "packages: repository, network, dependencies or lock", AgainHelps},
		{CodeConfig, "config-refused", "Falco would refuse the configuration; the old one is still in place", AgainUseless},
		{CodeNotRunning, "not-running", "Falco is not running, or is not detecting", AgainHelps},
		{CodeLocked, "locked", "another run holds the lock", AgainHelps},
		{CodeUsage, "usage", "the command line or the settings file is wrong", AgainUseless},
	}
}

// String returns the code's name in reports.
func (c Code) String() string {
	for _, row := range Codes() {
		if row.Code == c {
			return row.Name
		}
	}
	return CodeFailed.String()
}

// An Error is a failure that an operator can act on.
type Error struct {
	Code Code
	// Err says in one sentence what failed and why.
	Err error
	// Hint says what to do about it.
	Hint string
	// Drift is the class of a drift that only people can mend, or empty.
	Drift Drift
}

// Error implements error.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns e.Err.
func (e *Error) Unwrap() error { return e.Err }

// CodeOf returns the code of the first [*Error] in the chain of err:
// [CodeFailed] if there is none, [CodeOK] for nil. A canceled run is always
// CodeFailed: what it was waiting for is not to blame.
func CodeOf(err error) Code {
	var e *Error
	switch {
	case err == nil:
		return CodeOK
	case errors.As(err, &e) && !errors.Is(err, context.Canceled):
		return e.Code
	default:
		return CodeFailed
	}
}

// DriftOf returns the class of the first [*Error] in the chain of err that has
// one, or "".
func DriftOf(err error) Drift {
	return first(err, func(e *Error) Drift { return e.Drift })
}

// HintSpace is what to do about a full file system.
const HintSpace = "make room on that file system and run again"

// HintOf returns the hint of the first [*Error] in the chain of err that has
// one. A canceled run always has its own hint; a run that ran out of time has one
// if there is no other.
func HintOf(err error) string {
	if errors.Is(err, context.Canceled) {
		return "the run was told to stop; run it again to continue from here"
	}
	hint := first(err, func(e *Error) string { return e.Hint })
	switch {
	case hint != "":
		return hint
	case errors.Is(err, context.DeadlineExceeded):
		return "the run took too long: the last log line says what was slow; pass a longer --timeout"
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return "raise the limit of open files: `ulimit -n 1024`, or LimitNOFILE= of the unit that starts the run"
	case errors.Is(err, syscall.EFBIG):
		return "raise the limit on the size of files: `ulimit -f unlimited`, or LimitFSIZE= of the unit that starts the run"
	case errors.Is(err, syscall.ENOSPC):
		return HintSpace
	}
	return ""
}

// first returns what get finds in the first [*Error] of err's chain that has it.
func first[T ~string](err error, get func(*Error) T) T {
	var e *Error
	for next := err; errors.As(next, &e); next = e.Err {
		if found := get(e); found != "" {
			return found
		}
	}
	return ""
}

// Errorf returns an [*Error] with a formatted cause.
func Errorf(code Code, hint, format string, args ...any) error {
	return &Error{Code: code, Err: fmt.Errorf(format, args...), Hint: hint}
}

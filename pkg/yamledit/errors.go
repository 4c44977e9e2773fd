// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package yamledit

import (
	"errors"
	"fmt"
)

// The kinds of refusal. Every error of this package is an [*Error] that wraps
// one of them.
var (
	// ErrSyntax says that the bytes are not YAML.
	ErrSyntax = errors.New("not valid YAML")
	// ErrUnsupported says that the file is YAML that cannot be edited safely.
	ErrUnsupported = errors.New("not safe to edit")
	// ErrConflict says that a path leads through a value of another kind, such
	// as server.port where server is a number.
	ErrConflict = errors.New("path does not fit the file")
	// ErrSetting says that a path or a value of a [Setting] is wrong in itself.
	ErrSetting = errors.New("bad setting")
)

// An Error is a refusal: where, why, and what to do about it.
type Error struct {
	File   string // empty, for a caller to fill in
	Line   int    // 1-based; 0 if the error is about the whole file
	Path   string // dotted path; empty if the error is not about a key
	Reason string // lower case, no full stop
	Hint   string // what to do; lower case, no full stop
	Err    error  // one of the sentinels above
}

// Error formats the refusal as "FILE:LINE: PATH: REASON", without unknown parts
// and without the hint.
func (e *Error) Error() string {
	text := e.Reason
	if e.Path != "" {
		text = e.Path + ": " + text
	}
	switch {
	case e.File != "" && e.Line > 0:
		return fmt.Sprintf("%s:%d: %s", e.File, e.Line, text)
	case e.File != "":
		return e.File + ": " + text
	case e.Line > 0:
		return fmt.Sprintf("line %d: %s", e.Line, text)
	}
	return text
}

// Unwrap returns the sentinel, for errors.Is.
func (e *Error) Unwrap() error { return e.Err }

func unsupported(line int, path, reason, hint string) *Error {
	return &Error{Line: line, Path: path, Reason: reason, Hint: hint, Err: ErrUnsupported}
}

func badSetting(path, reason, hint string) *Error {
	return &Error{Path: path, Reason: reason, Hint: hint, Err: ErrSetting}
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falcoconf

import (
	"errors"
	"strconv"
	"strings"
)

// The kinds of refusal. Every error of this package that is about a file or a
// path is an [*Error] that wraps one of them.
var (
	// ErrSyntax says that the bytes are not YAML that Falco could read.
	ErrSyntax = errors.New("not valid YAML")
	// ErrUnsupported says that the file is YAML, but of a shape that cannot be
	// edited without a doubt.
	ErrUnsupported = errors.New("not safe to edit")
	// ErrConflict says that a path leads through a value of another kind, such
	// as file_output.enabled where file_output is a number.
	ErrConflict = errors.New("path does not fit the file")
	// ErrSetting says that a declared path or value is itself wrong.
	ErrSetting = errors.New("bad setting")
)

// An Error is a refusal: where, why, and what to do about it.
type Error struct {
	File   string // as the caller of Load named it; empty where only bytes are known
	Line   int    // 1-based; 0 if the whole file is meant
	Path   string // dotted path; empty if no key is meant
	Reason string // lower case, no full stop
	Hint   string // what to do, lower case, no full stop
	Err    error  // one of the sentinels of this package
}

// Error formats the refusal as "FILE:LINE: PATH: REASON", leaving out what is
// not known. The hint is not part of it.
func (e *Error) Error() string {
	var parts []string
	switch {
	case e.File != "" && e.Line > 0:
		parts = append(parts, e.File+":"+strconv.Itoa(e.Line))
	case e.File != "":
		parts = append(parts, e.File)
	case e.Line > 0:
		parts = append(parts, "line "+strconv.Itoa(e.Line))
	}
	if e.Path != "" {
		parts = append(parts, e.Path)
	}
	return strings.Join(append(parts, e.Reason), ": ")
}

// Unwrap returns the sentinel, for errors.Is.
func (e *Error) Unwrap() error { return e.Err }

func unsupported(line int, path, reason, hint string) *Error {
	return &Error{Line: line, Path: path, Reason: reason, Hint: hint, Err: ErrUnsupported}
}

func badSetting(path, reason, hint string) *Error {
	return &Error{Path: path, Reason: reason, Hint: hint, Err: ErrSetting}
}

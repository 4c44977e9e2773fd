// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"syscall"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

// failed makes an error that an operator can act on.
func failed(code node.Code, hint, format string, args ...any) error {
	return &node.Error{Code: code, Err: fmt.Errorf(format, args...), Hint: hint}
}

// changing gives an error of a change to a file the hint that its cause
// deserves.
func changing(path string, err error) error {
	if err == nil {
		return nil
	}
	var known *node.Error
	if errors.As(err, &known) {
		return err
	}
	err = fmt.Errorf("changing %s: %w", path, bare(err))
	hint := ""
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		hint = "make room on the file system that holds it (df -h, df -i) and run again; the old file is as it was"
	case errors.Is(err, syscall.EROFS):
		hint = "its file system is mounted read-only: remount it, or look in the kernel's log for why it was"
	case errors.Is(err, fs.ErrPermission):
		hint = "if this is root, look for an immutable flag (lsattr), a read-only mount, or SELinux (ausearch -m avc -ts recent)"
	case errors.Is(err, ErrNotRegular):
		hint = "it is replaced only if it is a regular file: put the file itself there, or move away what is there"
	default:
		return err
	}
	return &node.Error{Code: node.CodeFailed, Err: err, Hint: hint}
}

// meanwhile is the refusal to overwrite what somebody else wrote.
func meanwhile(path string) error {
	return failed(node.CodeFailed, "run again; if it comes back, find out what else manages the file",
		"changing %s: somebody else changed it meanwhile; nothing was written", path)
}

// userinfo finds the credentials in a URL.
var userinfo = regexp.MustCompile(`(?i)(\b[a-z][a-z0-9+.-]*://)[^/?#\s@]+@`)

// redact hides credentials in the URLs of a text.
func redact(s string) string { return userinfo.ReplaceAllString(s, "${1}***@") }

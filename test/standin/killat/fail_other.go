// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !amd64

package main

import (
	"errors"

	"golang.org/x/sys/unix"
)

func skipCall(int) error { return errors.ErrUnsupported }

func setResult(int, unix.Errno) error { return errors.ErrUnsupported }

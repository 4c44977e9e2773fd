// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// OutputMode says what becomes of what a file holds already.
type OutputMode int

// The output modes.
const (
	// Replace swaps the file whole, so that who reads it at that moment sees
	// the old content or the new.
	Replace OutputMode = iota
	// Append adds to its end in one write.
	Append
)

// WriteOutput writes a file that the operator named for a run's results. It is
// no part of the node's state: it is written on a dry run too, since it was
// asked for. A pipe or a terminal is written to as it is.
func WriteOutput(name string, content []byte, how OutputMode) error {
	info, err := os.Stat(name)
	if err == nil && !info.Mode().IsRegular() {
		how = Append
	}
	if how == Append {
		return appendOutput(name, content)
	}
	path, err := filepath.Abs(name)
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	old, err := readRegular(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return changing(name, err)
	}
	return changing(name, replacement{path: path, scratch: filepath.Dir(path), old: old, new: content, mode: 0o644}.replace())
}

func appendOutput(name string, content []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		return changing(name, err)
	}
	_, err = f.Write(content)
	return changing(name, errors.Join(err, f.Close()))
}

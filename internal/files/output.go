// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package files

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// OutputMode says what happens to the present content of a file.
type OutputMode int

// The output modes.
const (
	// Replace swaps the file, so that a reader sees the old content or the new.
	Replace OutputMode = iota
	// Append adds to its end in one write.
	Append
)

// WriteOutput writes a file that the operator named for a run's results. It is
// not part of the node's state: a dry run writes it too. A pipe or a terminal
// is written to, never replaced.
func WriteOutput(name string, content []byte, how OutputMode) error {
	info, err := os.Stat(name)
	if err == nil && !info.Mode().IsRegular() {
		how = Append
	}
	if how == Append {
		return Changing(name, appendTo(name, content))
	}
	path, err := filepath.Abs(name)
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	return Changing(name, Overwrite(path, content, 0o644))
}

func appendTo(name string, content []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Close())
}

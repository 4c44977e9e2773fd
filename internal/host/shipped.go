// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"path"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
	"github.com/falco-bootstrap/falco-bootstrap/internal/files"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

// install carries out a transaction, and keeps the falco.yaml that it has put in place,
// with the one before it. After the next upgrade they tell what somebody has edited from
// what a release has changed.
func (m *Machine) install(ctx context.Context, c node.Install) error {
	began := time.Now()
	if err := m.packages.Install(ctx, c); err != nil {
		return err
	}
	if err := m.keepShipped(began); err != nil {
		m.opts.tell(node.Progress{Message: "keeping the falco.yaml of the package failed: " + err.Error(), Warning: true})
	}
	return nil
}

// keepShipped keeps falco.yaml if it was made after began. rpm leaves an edited one in
// place, made earlier, if the package has the same as before.
func (m *Machine) keepShipped(began time.Time) error {
	f, err := m.tree.Lstat(falco.ConfigFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !f.Mode.IsRegular() || f.Created.Before(began):
		return nil
	}
	now, err := fs.ReadFile(m.tree, falco.ConfigFile[1:])
	if err != nil {
		return err
	}
	was, err := files.ReadState(m.tree, path.Base(node.ShippedConfig))
	switch {
	case bytes.Equal(was, now):
		return nil
	case err == nil:
		err = files.WriteState(m.tree, path.Base(node.ShippedBefore), was)
	case errors.Is(err, fs.ErrNotExist):
		err = nil
	}
	if err != nil {
		return err
	}
	return files.WriteState(m.tree, path.Base(node.ShippedConfig), now)
}

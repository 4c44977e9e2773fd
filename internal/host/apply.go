// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/program"
)

// Apply carries out one change.
func (m *Machine) Apply(ctx context.Context, c node.Change) error {
	if err := m.requireLive(c); err != nil {
		return err
	}
	switch c := c.(type) {
	case node.WriteFile:
		return m.writeFile(ctx, c)
	case node.RemoveFile:
		return m.tree.Remove(c)
	case node.Chmod:
		return m.tree.Chmod(c)
	case node.Chgrp:
		return m.tree.Chgrp(c)
	case node.Install:
		return m.packages.Install(ctx, c)
	case node.ImportKey:
		return m.packages.ImportKey(ctx, c)
	case node.RemoveKey:
		return m.packages.RemoveKey(ctx, c)
	case node.BuildModule:
		return m.buildModule(ctx, c)
	case node.ChangeUnit:
		return m.changeUnit(ctx, c)
	case node.Prove:
		return m.prove(ctx, c)
	}
	return fmt.Errorf("applying %T: unknown kind of change", c)
}

// requireLive refuses what needs the running machine while acting on a tree.
func (m *Machine) requireLive(c node.Change) error {
	switch c.(type) {
	case node.WriteFile, node.RemoveFile, node.Chmod, node.Chgrp:
		return nil
	default:
		if !m.tree.IsMachine() {
			return node.ErrNotAsked
		}
		return nil
	}
}

// writeFile writes a file. With a check, the installed Falco must accept the
// content first; if it refuses, the old file stays ([node.CodeConfig]).
func (m *Machine) writeFile(ctx context.Context, c node.WriteFile) error {
	var check func() error
	if c.Check != nil && m.tree.IsMachine() {
		check = func() error { return m.checkCandidate(ctx, c) }
	}
	created, err := m.tree.Write(c, check)
	for _, path := range created {
		m.relabel(ctx, path)
	}
	return err
}

// relabel gives a new file the SELinux label that the policy has for its path.
// It does nothing where SELinux is off, or for a tree, which is labelled when it
// first boots. A failure is only a warning: the file has the label of its
// directory, which is most often right.
func (m *Machine) relabel(ctx context.Context, path string) {
	if !m.tree.IsMachine() || !exists(filepath.Join(m.tools.sys, "fs/selinux/enforce")) || !exists(m.tools.restorecon) {
		return
	}
	out, err := program.Run(ctx, program.Command{Argv: []string{m.tools.restorecon, path}, Timeout: 30 * time.Second})
	if err != nil || out.Status != 0 {
		m.opts.tell(node.Progress{Message: "restorecon " + path + " failed" + program.Because(out.Stderr), Warning: true})
	}
}

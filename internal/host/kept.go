// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
	"github.com/falco-bootstrap/falco-bootstrap/internal/files"
	"github.com/falco-bootstrap/falco-bootstrap/internal/ledger"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

// note writes a change into the ledger before it is made, if that is news. A node is
// mended even where its ledger cannot be written.
func (m *Machine) note(c node.Change) {
	if m.opts.Removing {
		return
	}
	if err := m.noteInLedger(c); err != nil {
		m.opts.tell(node.Progress{Message: "what falco-bootstrap remove needs to know is not kept: " + err.Error(), Warning: true})
	}
}

func (m *Machine) noteInLedger(c node.Change) error {
	return m.editLedger(func(l ledger.Ledger) (ledger.Ledger, bool) { return l.Note(c, m.filesOfFalco) })
}

// editLedger writes what edit makes of the ledger, if it says that this is news.
func (m *Machine) editLedger(edit func(ledger.Ledger) (ledger.Ledger, bool)) error {
	old, err := files.ReadState(m.tree, path.Base(ledger.File))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	l, err := ledger.Parse(old)
	if err != nil {
		return err
	}
	next, news := edit(l)
	if !news {
		return nil
	}
	content, err := next.Format()
	if err != nil {
		return err
	}
	return files.WriteState(m.tree, path.Base(ledger.File), content)
}

// retract takes out of the ledger what a failed transaction has not installed: who
// installs it by hand later is not the agent. Where rpm does not answer, or a run is
// killed here, the note stays.
func (m *Machine) retract(ctx context.Context, c node.Install) {
	if m.opts.Removing {
		return
	}
	packages, err := m.packages.Packages(ctx)
	if err != nil {
		return
	}
	err = m.editLedger(func(l ledger.Ledger) (ledger.Ledger, bool) { return l.Retract(c, packages) })
	if err != nil {
		m.opts.tell(node.Progress{Message: "what falco-bootstrap remove needs to know is not kept: " + err.Error(), Warning: true})
	}
}

// installedBefore names the packages that the agent has installed here, by its ledger:
// among them may be the headers of a kernel that no longer runs. Who plans with the
// ledger tells of one that cannot be read.
func installedBefore(t files.Tree) []string {
	content, err := files.ReadState(t, path.Base(ledger.File))
	if err != nil {
		return nil
	}
	l, _ := ledger.Parse(content)
	var names []string
	for _, p := range l.Packages {
		names = append(names, p.Name)
	}
	return names
}

// filesOfFalco lists the directories that are Falco's alone, and what is in them.
func (m *Machine) filesOfFalco() []string {
	var all []string
	for _, root := range falco.Roots(m.tree) {
		_ = fs.WalkDir(m.tree, root[1:], func(name string, _ fs.DirEntry, err error) error {
			if err == nil {
				all = append(all, "/"+name)
			}
			return nil
		})
	}
	slices.Sort(all)
	return all
}

// install carries out a transaction, and keeps the falco.yaml that it has put in place,
// with the one before it. After the next upgrade they tell what somebody has edited from
// what a release has changed.
func (m *Machine) install(ctx context.Context, c node.Install) error {
	began := time.Now()
	if err := m.packages.Install(ctx, c); err != nil {
		m.retract(ctx, c)
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

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/files"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/pkgmgr"
	"github.com/falco-bootstrap/falco-bootstrap/internal/program"
)

// A Machine changes the node. It holds the lock for as long as it is open.
type Machine struct {
	ctx      context.Context
	opts     Options
	tools    tools
	tree     files.Tree
	packages *pkgmgr.Manager
	bus      *bus
	lock     *os.File
}

var _ node.Machine = (*Machine)(nil)

// OpenMachine takes the lock. It needs root ([node.CodeFailed]) unless it acts
// on a tree, and fails with [node.CodeLocked] while another run has the lock.
// ctx must live as long as the Machine; the caller closes it.
func OpenMachine(ctx context.Context, opts Options) (*Machine, error) {
	t, err := files.NewTree(opts.Root)
	if err != nil {
		return nil, err
	}
	if t.IsMachine() && os.Geteuid() != 0 {
		return nil, node.Errorf(node.CodeFailed, "run it as root (sudo), or pass --dry-run to see what it would change",
			"changing this node needs root")
	}
	lock, err := takeLock(ctx, t)
	if err != nil {
		return nil, err
	}
	if err := files.SweepStage(t); err != nil {
		opts.tell(node.Progress{Message: "packages that an earlier run has checked are left behind: " + err.Error(), Warning: true})
	}
	return newMachine(ctx, opts, t, lock), nil
}

func newMachine(ctx context.Context, opts Options, t files.Tree, lock *os.File) *Machine {
	m := &Machine{
		ctx: ctx, opts: opts, tools: opts.programs(), tree: t, packages: opts.packages(t),
		bus: &bus{ctx: ctx}, lock: lock,
	}
	m.packages.Write = func(ctx context.Context, c node.WriteFile) error {
		m.note(c)
		return m.writeFile(ctx, c)
	}
	return m
}

// Close releases the lock and closes the connection to systemd. The lock file
// stays: once it is unlinked, two other runs could each lock a file of its name.
func (m *Machine) Close() error {
	m.bus.close()
	return m.lock.Close()
}

// View returns a new view of the node, which asks nothing until it is used.
func (m *Machine) View() node.View { return newView(m.ctx, m.opts, m.tree, m.bus) }

// takeLock locks the lock file and writes this process's PID into it. The kernel
// releases the lock when the process ends, however it ends.
func takeLock(ctx context.Context, t files.Tree) (*os.File, error) {
	path, err := t.Locate(LockPath)
	if err == nil {
		_, err = t.MakeDir(filepath.Dir(LockPath))
	}
	var f *os.File
	if err == nil {
		f, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0o600)
	}
	if err != nil {
		return nil, files.Changing(LockPath, err)
	}
	if err := lockFile(ctx, f); err != nil {
		_ = f.Close()
		return nil, err
	}
	// The PID is for people, and the mode for the next run, if a umask took it
	// away; a run that cannot write them still has the lock.
	_ = f.Chmod(0o600)
	if f.Truncate(0) == nil {
		_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	return f, nil
}

// lockPatience is how long the lock is waited for. A process that was killed has
// it until the kernel has taken its memory back.
const lockPatience = 3 * time.Second

func lockFile(ctx context.Context, f *os.File) error {
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return files.Changing(LockPath, cmp.Or(err, files.ErrNotRegular))
	}
	err := files.Lock(f, lockPatience, ctx.Done())
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return node.Errorf(node.CodeLocked, "wait until it ends, or find out why it hangs",
			"another run%s holds the lock %s", holder(f), LockPath)
	}
	return files.Changing(LockPath, err)
}

// holder names the process that has the lock, or "" if it has not written its
// PID yet.
func holder(f *os.File) string {
	content, _ := io.ReadAll(io.NewSectionReader(f, 0, 32))
	pid, err := strconv.Atoi(strings.TrimSpace(string(content)))
	if err != nil {
		return ""
	}
	return fmt.Sprintf(" (PID %d)", pid)
}

// Apply carries out one change.
func (m *Machine) Apply(ctx context.Context, c node.Change) error {
	if err := m.requireLive(c); err != nil {
		return err
	}
	m.note(c)
	switch c := c.(type) {
	case node.WriteFile:
		return m.writeFile(ctx, c)
	case node.RemoveFile:
		return m.tree.Remove(c)
	case node.RemoveDir:
		return m.tree.RemoveDir(c)
	case node.Chmod:
		return m.tree.Chmod(c)
	case node.Chgrp:
		return m.tree.Chgrp(c)
	case node.Install:
		return m.install(ctx, c)
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
	case node.WriteFile, node.RemoveFile, node.RemoveDir, node.Chmod, node.Chgrp:
	default:
		if !m.tree.IsMachine() {
			return node.ErrNotAsked
		}
	}
	return nil
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
// directory, which is usually right.
func (m *Machine) relabel(ctx context.Context, path string) {
	if !m.tree.IsMachine() || !exists(filepath.Join(m.tools.sys, "fs/selinux/enforce")) || !exists(m.tools.restorecon) {
		return
	}
	out, err := program.Run(ctx, program.Command{Argv: []string{m.tools.restorecon, path}, Timeout: 30 * time.Second})
	if err != nil || out.Status != 0 {
		m.opts.tell(node.Progress{Message: "restorecon " + path + " failed" + program.Because(out.Stderr), Warning: true})
	}
}

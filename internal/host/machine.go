// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/falco-bootstrap/falco-bootstrap/internal/files"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/pkgmgr"
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
	lock, err := takeLock(t)
	if err != nil {
		return nil, err
	}
	return newMachine(ctx, opts, t, lock), nil
}

func newMachine(ctx context.Context, opts Options, t files.Tree, lock *os.File) *Machine {
	m := &Machine{
		ctx: ctx, opts: opts, tools: opts.programs(), tree: t, bus: &bus{ctx: ctx}, lock: lock,
		packages: opts.packages(t),
	}
	m.packages.Write = m.writeFile
	return m
}

// Close releases the lock and closes the connection to systemd. The lock's file
// stays: whoever unlinks a locked file lets two others hold "the" lock.
func (m *Machine) Close() error {
	m.bus.close()
	return m.lock.Close()
}

// View looks at the node afresh. It asks nothing before it is asked.
func (m *Machine) View() node.View { return newView(m.ctx, m.opts, m.tree, m.bus) }

// takeLock locks the lock's file and writes this process's number into it. The
// kernel releases the lock when the process ends, however it ends.
func takeLock(t files.Tree) (*os.File, error) {
	path, err := t.Locate(LockPath)
	if err != nil {
		return nil, fmt.Errorf("taking the lock: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, files.Changing(LockPath, err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0o600)
	if err != nil {
		return nil, files.Changing(LockPath, err)
	}
	if err := lockFile(f); err != nil {
		_ = f.Close()
		return nil, err
	}
	// The number is for people; a run that cannot write it still has the lock.
	if f.Truncate(0) == nil {
		_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	return f, nil
}

func lockFile(f *os.File) error {
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = files.ErrNotRegular
	}
	if err != nil {
		return files.Changing(LockPath, err)
	}
	err = files.Flock(f, syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return node.Errorf(node.CodeLocked, "wait until it ends, or find out why it hangs",
			"another run%s holds the lock %s", holder(f), LockPath)
	}
	if err != nil {
		return fmt.Errorf("taking the lock %s: %w", LockPath, err)
	}
	return nil
}

// holder names the process that has the lock, or "" if it has not written its
// number yet.
func holder(f *os.File) string {
	content, _ := io.ReadAll(io.NewSectionReader(f, 0, 32))
	pid, err := strconv.Atoi(strings.TrimSpace(string(content)))
	if err != nil {
		return ""
	}
	return fmt.Sprintf(" (PID %d)", pid)
}

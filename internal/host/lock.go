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

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

// A Machine changes the node. It implements [node.Machine] and holds the
// lock for as long as it is open.
type Machine struct {
	ctx   context.Context
	opts  Options
	tools tools
	tree  tree
	bus   *ownBus
	lock  *os.File
}

var _ node.Machine = (*Machine)(nil)

// OpenMachine takes the lock and gives what changes the node. It needs root
// ([node.CodeFailed]), but for a tree, whose owner will do, and fails with
// [node.CodeLocked] while another run has the lock. ctx must live as long
// as the Machine; the caller closes it.
func OpenMachine(ctx context.Context, opts Options) (*Machine, error) {
	t, err := newTree(opts.Root)
	if err != nil {
		return nil, err
	}
	if t.own() && os.Geteuid() != 0 {
		return nil, failed(node.CodeFailed, "run it as root (sudo), or pass --dry-run to see what it would change",
			"changing this node needs root")
	}
	lock, err := takeLock(t)
	if err != nil {
		return nil, err
	}
	return &Machine{
		ctx: ctx, opts: opts, tools: opts.programs(), tree: t,
		bus: &ownBus{ctx: ctx}, lock: lock,
	}, nil
}

// Close gives the lock back and ends the connection to systemd. The lock's
// file stays: whoever unlinks a locked file lets two others hold "the" lock.
func (m *Machine) Close() error {
	m.bus.close()
	return m.lock.Close()
}

// View implements [node.Machine]. Nothing is asked before the View is.
func (m *Machine) View() node.View {
	v, err := newView(m.ctx, m.opts, m.bus)
	if err != nil {
		return lostView{err: err} // the root was removed under us
	}
	return v
}

// asked refuses what needs the running machine while acting on a tree.
func (m *Machine) asked() error {
	if !m.tree.own() {
		return node.ErrNotAsked
	}
	return nil
}

// takeLock locks the lock's file and writes this process's number into it. The
// lock goes with the process, however that ends.
func takeLock(t tree) (*os.File, error) {
	path, err := t.locate(LockPath)
	if err != nil {
		return nil, fmt.Errorf("taking the lock: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, changing(LockPath, err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0o600)
	if err != nil {
		return nil, changing(LockPath, err)
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
		err = ErrNotRegular
	}
	if err != nil {
		return changing(LockPath, err)
	}
	err = flock(f, syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return failed(node.CodeLocked, "wait for it to end, or look at what holds it up",
			"another run%s holds the lock %s", holder(f), LockPath)
	}
	if err != nil {
		return fmt.Errorf("taking the lock %s: %w", LockPath, err)
	}
	return nil
}

// flock is flock(2), which a signal may break off.
func flock(f *os.File, how int) error {
	for {
		if err := syscall.Flock(int(f.Fd()), how); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// holder names the process that wrote its number into the lock's file. It may
// not have come to that yet.
func holder(f *os.File) string {
	content, _ := io.ReadAll(io.NewSectionReader(f, 0, 32))
	pid, err := strconv.Atoi(strings.TrimSpace(string(content)))
	if err != nil {
		return ""
	}
	return fmt.Sprintf(" (PID %d)", pid)
}

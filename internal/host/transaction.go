// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/falco-bootstrap/falco-bootstrap/internal/files"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

// rpmLocks are where rpm has the lock of its transactions: lib/rpmlock.c and
// %_rpmlock_path. In Oracle Linux 10 the first leads to the second.
var rpmLocks = []string{"/var/lib/rpm/.rpm.lock", "/usr/lib/sysimage/rpm/.rpm.lock"}

// scriptletPrefix is the path at which rpm writes a scriptlet to run it:
// rpmScriptRun of lib/rpmscript.c.
const scriptletPrefix = "/var/tmp/rpm-tmp."

// transaction returns what changes packages at this moment. A scriptlet goes on
// without the rpm that started it, which is then no longer there to hold the lock.
func transaction(t files.Tree, proc string) (node.Transaction, error) {
	for _, path := range rpmLocks {
		path, err := t.Locate(path)
		if err != nil {
			return node.Transaction{}, err
		}
		pid, locked, err := writer(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
			return node.Transaction{}, fmt.Errorf("looking for a package transaction: %s: %w", path, err)
		}
		if locked {
			return node.Transaction{By: cmp.Or(firstLine(filepath.Join(proc, strconv.Itoa(pid), "comm")), "another program"), PID: pid}, nil
		}
	}
	return runningScriptlet(proc), nil
}

// writer reports who has a lock for writing on a file (fcntl(2)). The PID is zero
// for a process that this one cannot see.
func writer(path string) (pid int, locked bool, err error) {
	f, err := files.OpenRegular(path)
	if err != nil {
		return 0, false, err
	}
	defer func() { _ = f.Close() }()
	lock := unix.Flock_t{Type: unix.F_RDLCK}
	if err := unix.FcntlFlock(f.Fd(), unix.F_GETLK, &lock); err != nil {
		return 0, false, err
	}
	return max(0, int(lock.Pid)), lock.Type != unix.F_UNLCK, nil
}

// runningScriptlet returns a scriptlet of rpm that runs on the node itself.
func runningScriptlet(proc string) node.Transaction {
	entries, _ := os.ReadDir(proc)
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		dir := filepath.Join(proc, entry.Name())
		line, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
		if !bytes.Contains(line, []byte("\x00"+scriptletPrefix)) {
			continue
		}
		if cgroup, _ := os.ReadFile(filepath.Join(dir, "cgroup")); !inContainer(parseCgroup(string(cgroup))) {
			return node.Transaction{By: "a scriptlet of a package", PID: pid}
		}
	}
	return node.Transaction{}
}

// Settle waits until no package transaction runs on the node, for as long as ctx
// lasts. Falco may be in rpm's database minutes before the transaction that
// installs it ends, and the last of its scriptlets stops and disables units. The
// transaction may be that of a run which was killed.
func Settle(ctx context.Context, opts Options) error {
	t, err := files.NewTree(opts.Root)
	if err != nil || !t.IsMachine() {
		return err
	}
	began := time.Now()
	var told node.Transaction
	for {
		now, err := transaction(t, opts.programs().proc)
		if err != nil || now.By == "" {
			return err
		}
		if now != told {
			opts.tell(node.Progress{Message: "waiting until a package transaction ends, that of " + now.String(), Elapsed: time.Since(began)})
		}
		told = now
		select {
		case <-ctx.Done():
			return node.Errorf(node.CodePackages, now.Hint(), "a package transaction has not ended, that of %s: %w", now, ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

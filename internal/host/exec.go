// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// nobody is the number of the user that queries run as. Oracle Linux 7 knows
// it as nfsnobody; the number alone counts.
const nobody = 65534

// A command is one run of a program.
type command struct {
	// argv begins with an absolute path.
	argv []string
	// env is added to a small fixed environment; nothing is inherited.
	env []string
	// timeout bounds the run; the context may end it earlier.
	timeout time.Duration
	// grace is how long the program may take to end after SIGTERM when it must
	// go. Zero means that it is killed at once.
	grace time.Duration
	// query has the program run as nobody where this process is root.
	query bool
	// keep is how many bytes of each stream are kept, the last ones; by
	// default 8 MiB.
	keep int
	// joined sends both streams to stdout, in the order they are written.
	joined bool
	// watch, if set, is given the output as it comes, in order.
	watch func([]byte)
}

// A outcome is how a program ended.
type outcome struct {
	stdout, stderr []byte
	// lost says that a stream was longer than what was kept.
	lost bool
	// status is the exit status; -1 if a signal ended it.
	status int
	signal syscall.Signal
}

// run runs a program to its end. A status other than zero is no error; a
// program that cannot be started, or that the context or its time limit ended,
// is. The whole process group is ended, so that no grandchild stays behind.
func run(ctx context.Context, c command) (outcome, error) {
	limited, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	cmd := exec.CommandContext(limited, c.argv[0], c.argv[1:]...)
	cmd.Env = append([]string{"LC_ALL=C", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/"}, c.env...)
	cmd.Dir = "/"
	cmd.SysProcAttr = attributes(c.query)
	stdout, stderr := newTail(c.keep, c.watch), newTail(c.keep, c.watch)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	if c.joined {
		cmd.Stderr = stdout // one pipe: os/exec compares the two
	}
	reaper := &reaper{cmd: cmd, grace: c.grace}
	cmd.Cancel = reaper.end
	// A daemon that a scriptlet left behind may hold the pipes open: they are
	// closed this long after the program's own end. A query leaves none, and
	// its answer must not be cut short on a node that stood still.
	cmd.WaitDelay = c.grace + 2*time.Second
	if c.query {
		cmd.WaitDelay = 30 * time.Second
	}
	err := cmd.Run()
	reaper.stop()
	out := outcome{stdout: stdout.bytes(), stderr: stderr.bytes(), lost: stdout.lost || stderr.lost, status: -1}
	if state := cmd.ProcessState; state != nil {
		out.status = state.ExitCode()
		if ws, ok := state.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
			out.signal = ws.Signal()
		}
	}
	return out, ended(ctx, limited, err, c)
}

// ended tells a program that did not come to its own end from one that did.
func ended(ctx, limited context.Context, err error, c command) error {
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("running %s: %w", c.argv[0], ctx.Err())
	case limited.Err() != nil:
		return fmt.Errorf("running %s: no end after %v: %w", c.argv[0], c.timeout, os.ErrDeadlineExceeded)
	case err == nil, errors.As(err, &exit), errors.Is(err, exec.ErrWaitDelay):
		return nil
	default:
		return fmt.Errorf("running %s: %w", c.argv[0], bare(err))
	}
}

// attributes puts the program into a process group of its own, and a query to
// nobody, who may read what root may but can write nothing: an rpm database
// behind a strict umask must not look empty.
func attributes(query bool) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true}
	if query && os.Geteuid() == 0 {
		attr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
		if holds(unix.CAP_DAC_READ_SEARCH) {
			attr.AmbientCaps = []uintptr{unix.CAP_DAC_READ_SEARCH}
		}
	}
	return attr
}

// holds reports whether this process has a capability to give. Containers
// seldom have CAP_DAC_READ_SEARCH.
func holds(capability int) bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return false
	}
	return data[capability/32].Permitted&(1<<(capability%32)) != 0
}

// A reaper ends a process group: politely first if there is grace.
type reaper struct {
	cmd   *exec.Cmd
	grace time.Duration
	used  bool
	timer *time.Timer
}

// end is called at most once, by os/exec, before Run returns.
func (r *reaper) end() error {
	r.used = true
	if r.grace == 0 {
		return r.signal(syscall.SIGKILL)
	}
	r.timer = time.AfterFunc(r.grace, func() { _ = r.signal(syscall.SIGKILL) })
	return r.signal(syscall.SIGTERM)
}

func (r *reaper) signal(s syscall.Signal) error {
	err := syscall.Kill(-r.cmd.Process.Pid, s)
	if errors.Is(err, syscall.ESRCH) {
		return os.ErrProcessDone
	}
	return err
}

// stop takes with it what is left of the group.
func (r *reaper) stop() {
	if r.used {
		_ = r.signal(syscall.SIGKILL)
	}
	if r.timer != nil {
		r.timer.Stop()
	}
}

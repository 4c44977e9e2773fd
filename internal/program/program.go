// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Package program runs one program to its end, within bounds: a fixed
// environment, a time limit, a process group that is killed as a whole, output
// of which the last part is kept. A program that only looks can run as nobody.
//
// The package knows no program and no node, tries nothing twice and writes no
// logs.
package program

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// nobody is the number of the user that queries run as. Oracle Linux 7
	// calls it nfsnobody.
	nobody = 65534
	// beat is how often a heartbeat is given.
	beat = 15 * time.Second
)

// A Command is one run of a program.
type Command struct {
	// Argv begins with an absolute path.
	Argv []string
	// Env is added to LC_ALL, PATH and HOME; nothing is inherited.
	Env []string
	// Timeout bounds the run; the context may end it earlier.
	Timeout time.Duration
	// Grace is how long the program has to end after SIGTERM when it must be
	// stopped. Zero means that it is killed at once.
	Grace time.Duration
	// AsNobody runs the program as nobody if this process is root. It is for
	// queries: as root even a query of rpm writes to its database's directory.
	AsNobody bool
	// Keep is how many bytes of each stream are kept, the last ones; 8 MiB if
	// zero.
	Keep int
	// Combined sends both streams to Stdout, in the order they are written.
	Combined bool
	// Heartbeat, if set, is called every 15 seconds with a message such as "dnf
	// is at work: LAST LINE OF STDOUT" and the time since the start.
	Heartbeat func(message string, elapsed time.Duration)
}

// A Result is how a program ended.
type Result struct {
	Stdout, Stderr []byte
	// Truncated says that a stream was longer than what was kept.
	Truncated bool
	// Status is the exit status; -1 if a signal ended the program.
	Status int
	Signal syscall.Signal
}

// Run runs a program to its end. An exit status other than zero is no error.
// A program that cannot be started is one, and so is a program that was stopped
// by the context or by its time limit ([os.ErrDeadlineExceeded]). The whole
// process group is stopped, so that no grandchild stays behind.
func Run(ctx context.Context, c Command) (Result, error) {
	limited, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	cmd := exec.CommandContext(limited, c.Argv[0], c.Argv[1:]...)
	cmd.Env = append([]string{"LC_ALL=C", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/"}, c.Env...)
	cmd.Dir = "/"
	cmd.SysProcAttr = attributes(c.AsNobody)
	stdout, stderr := newTail(c.Keep), newTail(c.Keep)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	if c.Combined {
		cmd.Stderr = stdout // one pipe: os/exec compares the two
	}
	group := &group{cmd: cmd, grace: c.Grace}
	cmd.Cancel = group.end
	// A daemon that a scriptlet leaves behind may hold the pipes open: they are
	// closed this long after the program itself ends. A query leaves none, and
	// its answer must not be cut short on a node that was suspended.
	cmd.WaitDelay = c.Grace + 2*time.Second
	if c.AsNobody {
		cmd.WaitDelay = 30 * time.Second
	}
	stopBeating := c.startBeating(stdout)
	err := cmd.Run()
	stopBeating()
	group.killRest()
	r := Result{Stdout: stdout.bytes(), Stderr: stderr.bytes(), Truncated: stdout.truncated || stderr.truncated, Status: -1}
	if state := cmd.ProcessState; state != nil {
		r.Status = state.ExitCode()
		if ws, ok := state.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
			r.Signal = ws.Signal()
		}
	}
	return r, runError(ctx, limited, err, c)
}

// startBeating calls Heartbeat now and then until the function that it returns
// is called.
func (c Command) startBeating(stdout *tail) (stop func()) {
	if c.Heartbeat == nil {
		return func() {}
	}
	began := time.Now()
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(beat)
		defer tick.Stop()
		for {
			select {
			case <-quit:
				return
			case <-tick.C:
				c.Heartbeat(filepath.Base(c.Argv[0])+" is at work"+Because(stdout.bytes()), time.Since(began))
			}
		}
	}()
	return func() { close(quit); <-done }
}

// runError tells a program that was stopped, or did not start, from one that
// ended by itself.
func runError(ctx, limited context.Context, err error, c Command) error {
	var exit *exec.ExitError
	var start *fs.PathError
	switch {
	case ctx.Err() != nil:
		err = ctx.Err()
	case limited.Err() != nil:
		err = fmt.Errorf("no end after %v: %w", c.Timeout, os.ErrDeadlineExceeded)
	case err == nil, errors.As(err, &exit), errors.Is(err, exec.ErrWaitDelay):
		return nil
	case errors.As(err, &start):
		err = start.Err
	}
	return fmt.Errorf("running %s: %w", c.Argv[0], err)
}

// attributes puts the program into a process group of its own. As nobody it may
// read what root may but can write nothing: an rpm database behind a strict
// umask must not look empty.
func attributes(asNobody bool) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true}
	if asNobody && os.Geteuid() == 0 {
		attr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
		if hasCapability(unix.CAP_DAC_READ_SEARCH) {
			attr.AmbientCaps = []uintptr{unix.CAP_DAC_READ_SEARCH}
		}
	}
	return attr
}

// hasCapability reports whether this process has a capability to pass on.
// Containers seldom have CAP_DAC_READ_SEARCH.
func hasCapability(capability int) bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return false
	}
	return data[capability/32].Permitted&(1<<(capability%32)) != 0
}

// A group is the program's process group.
type group struct {
	cmd     *exec.Cmd
	grace   time.Duration
	stopped bool
	timer   *time.Timer
}

// end stops the group, with SIGTERM first if there is grace. os/exec calls it
// at most once, before Run returns.
func (g *group) end() error {
	g.stopped = true
	if g.grace == 0 {
		return g.signal(syscall.SIGKILL)
	}
	g.timer = time.AfterFunc(g.grace, func() { _ = g.signal(syscall.SIGKILL) })
	return g.signal(syscall.SIGTERM)
}

func (g *group) signal(s syscall.Signal) error {
	err := syscall.Kill(-g.cmd.Process.Pid, s)
	if errors.Is(err, syscall.ESRCH) {
		return os.ErrProcessDone
	}
	return err
}

// killRest kills what is left of a group that was stopped.
func (g *group) killRest() {
	if g.stopped {
		_ = g.signal(syscall.SIGKILL)
	}
	if g.timer != nil {
		g.timer.Stop()
	}
}

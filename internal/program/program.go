// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Package program runs one program to its end, within bounds: a fixed
// environment, a time limit, a process group that is killed as a whole, and a
// limit on the output that is kept. A query can run as the user nobody.
//
// The package knows no particular program, tries nothing twice and writes no
// logs.
package program

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// nobody is the ID of the user and group that queries run as. Oracle Linux 7
	// calls them nfsnobody.
	nobody = 65534
	// heartbeat is how often Heartbeat is called.
	heartbeat = 15 * time.Second
)

// A Command is one run of a program.
type Command struct {
	// Argv begins with an absolute path.
	Argv []string
	// Env is added to LC_ALL, PATH and HOME. Nothing is inherited.
	Env []string
	// Timeout bounds the run; the context may end it earlier.
	Timeout time.Duration
	// Grace is how long a program that is stopped has between SIGTERM and
	// SIGKILL. If zero, it is killed at once.
	Grace time.Duration
	// AsNobody runs the program as nobody if this process is root. It is for
	// queries: as root even a query of rpm writes to its database's directory.
	AsNobody bool
	// Files are the program's descriptors from 3 on.
	Files []*os.File
	// Keep is how many bytes are kept of the end of each stream; 8 MiB if zero.
	Keep int
	// MaxFile is how many bytes a file may have that the program writes, if it is not
	// zero. A larger one is EFBIG to the program (setrlimit(2)).
	MaxFile uint64
	// Combined sends both streams to Stdout, in the order they are written.
	Combined bool
	// Heartbeat, if set, is called every 15 seconds with a message such as
	// "dnf is still running: LAST LINE OF STDOUT" and the time since the start.
	Heartbeat func(message string, elapsed time.Duration)
}

// A Result says how a program ended.
type Result struct {
	Stdout, Stderr []byte
	// Truncated reports whether a stream was longer than what was kept.
	Truncated bool
	// Status is the exit status; -1 if a signal ended the program.
	Status int
	Signal syscall.Signal
}

// Run runs a program to its end, or to this process's: then it gets SIGTERM. A nonzero
// exit status is no error. It is an error if the program cannot be started or is stopped
// by the context or by its time limit ([os.ErrDeadlineExceeded]). The whole process
// group is stopped, so that no grandchild stays behind.
func Run(ctx context.Context, c Command) (Result, error) {
	limited, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	cmd := exec.CommandContext(limited, c.Argv[0], c.Argv[1:]...)
	cmd.Env = append([]string{"LC_ALL=C", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/"}, c.Env...)
	cmd.Dir = "/"
	cmd.ExtraFiles = c.Files
	cmd.SysProcAttr = attributes(c.AsNobody)
	// Nobody else ends a program whose agent was killed. Its parent is the thread
	// that starts it; Go ends no thread that a goroutine has not locked.
	cmd.SysProcAttr.Pdeathsig = syscall.SIGTERM
	keep := cmp.Or(c.Keep, 8<<20)
	stdout, stderr := &tail{keep: keep}, &tail{keep: keep}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	if c.Combined {
		cmd.Stderr = stdout // one pipe: os/exec compares the two
	}
	var stopped bool
	var killer *time.Timer
	cmd.Cancel = func() error { // called at most once, before Run returns
		stopped = true
		if c.Grace == 0 {
			return kill(cmd, syscall.SIGKILL)
		}
		killer = time.AfterFunc(c.Grace, func() { _ = kill(cmd, syscall.SIGKILL) })
		return kill(cmd, syscall.SIGTERM)
	}
	// A daemon that a scriptlet leaves behind may hold the pipes open, so they
	// are closed this long after the program itself ends. A query leaves no
	// daemon, and its answer must not be cut short on a node that was suspended.
	cmd.WaitDelay = c.Grace + 2*time.Second
	if c.AsNobody {
		cmd.WaitDelay = 30 * time.Second
	}
	if c.Heartbeat != nil {
		go c.report(limited, stdout)
	}
	err := c.wait(cmd)
	if stopped {
		_ = kill(cmd, syscall.SIGKILL) // what is left of the group
	}
	if killer != nil {
		killer.Stop()
	}
	r := Result{Stdout: stdout.bytes(), Stderr: stderr.bytes(), Truncated: max(stdout.total, stderr.total) > keep, Status: -1}
	if state := cmd.ProcessState; state != nil {
		r.Status = state.ExitCode()
		if ws, ok := state.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
			r.Signal = ws.Signal()
		}
	}
	return r, runError(ctx, limited, err, c)
}

// wait starts the program and waits for its end.
func (c Command) wait(cmd *exec.Cmd) error {
	if err := cmd.Start(); err != nil {
		return err
	}
	if c.MaxFile > 0 {
		// It fails only for a program that has ended already.
		_ = unix.Prlimit(cmd.Process.Pid, unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: c.MaxFile, Max: c.MaxFile}, nil)
	}
	return cmd.Wait()
}

// Failure says how the named program failed.
func (r Result) Failure(name string) string {
	if r.Signal != 0 {
		return fmt.Sprintf("%s was killed by a signal (%v)", name, r.Signal)
	}
	return fmt.Sprintf("%s failed with exit status %d", name, r.Status)
}

// report calls Heartbeat at intervals until ctx ends.
func (c Command) report(ctx context.Context, stdout *tail) {
	began := time.Now()
	tick := time.NewTicker(heartbeat)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			c.Heartbeat(filepath.Base(c.Argv[0])+" is still running"+Because(stdout.bytes()), time.Since(began))
		}
	}
}

// kill sends a signal to the program's process group.
func kill(cmd *exec.Cmd, s syscall.Signal) error {
	err := syscall.Kill(-cmd.Process.Pid, s)
	if errors.Is(err, syscall.ESRCH) {
		return os.ErrProcessDone
	}
	return err
}

// runError returns the error of a program that was stopped or did not start, or
// nil for one that ended by itself.
func runError(ctx, limited context.Context, err error, c Command) error {
	var exit *exec.ExitError
	var start *fs.PathError
	switch {
	case ctx.Err() != nil:
		err = ctx.Err()
	case limited.Err() != nil:
		err = fmt.Errorf("stopped after %v: %w", c.Timeout, os.ErrDeadlineExceeded)
	case err == nil, errors.As(err, &exit), errors.Is(err, exec.ErrWaitDelay):
		return nil
	case errors.As(err, &start):
		err = start.Err
	}
	return fmt.Errorf("running %s: %w", c.Argv[0], err)
}

// attributes puts the program into a process group of its own. As nobody it can
// read what root can, but cannot write: an rpm database that only root can read
// must not look empty.
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

// hasCapability reports whether this process has a capability that it can pass
// on. Containers seldom have CAP_DAC_READ_SEARCH.
func hasCapability(capability int) bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return false
	}
	return data[capability/32].Permitted&(1<<(capability%32)) != 0
}

// A tail is an [io.Writer] that keeps the last bytes written to it.
type tail struct {
	keep  int
	mu    sync.Mutex // guards the fields below
	buf   []byte
	total int
}

// Write never fails.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.total += len(p)
	t.buf = append(t.buf, p...)
	if len(t.buf) > 2*t.keep {
		t.buf = append(t.buf[:0], t.buf[len(t.buf)-t.keep:]...)
	}
	return len(p), nil
}

// bytes returns a copy of what is kept.
func (t *tail) bytes() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	return bytes.Clone(t.buf[max(0, len(t.buf)-t.keep):])
}

// LastLines returns the last n lines of a program's output that are not blank.
func LastLines(output []byte, n int) []string {
	var lines []string
	for line := range strings.Lines(string(output)) {
		if line = strings.TrimRight(line, " \t\r\n"); line != "" {
			lines = append(lines, line)
		}
	}
	return lines[max(0, len(lines)-n):]
}

// LastLine returns the last line of a program's output that is not blank,
// trimmed and clipped, or "".
func LastLine(output []byte) string {
	if lines := LastLines(output, 1); len(lines) > 0 {
		return Clip(strings.TrimSpace(lines[0]))
	}
	return ""
}

// Because returns ": " and the last line of a program's output, for the end of
// an error, or "" if there is none.
func Because(output []byte) string {
	if line := LastLine(output); line != "" {
		return ": " + line
	}
	return ""
}

// Clip shortens foreign text for a message, to 300 bytes.
func Clip(s string) string {
	if len(s) > 300 {
		return strings.ToValidUTF8(s[:300], "") + "..."
	}
	return s
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	// stoppedAtCall distinguishes a stop at a system call from a real SIGTRAP.
	stoppedAtCall = syscall.SIGTRAP | 0x80
	options       = unix.PTRACE_O_TRACESYSGOOD | unix.PTRACE_O_TRACECLONE | unix.PTRACE_O_TRACEEXEC
)

// A tracer counts the calls of all threads of a program together. strace would count
// each thread separately.
type tracer struct {
	order
	pid     int
	changes int
	// skipped are the threads whose present call is not carried out.
	skipped map[int]bool
}

// start runs the program under ptrace, stopped at its beginning.
func (t *tracer) start(cmd *exec.Cmd) error {
	runtime.LockOSThread() // only the thread that started the program may trace it
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Ptrace: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	t.pid = cmd.Process.Pid
	var status unix.WaitStatus
	if _, err := unix.Wait4(t.pid, &status, 0, nil); err != nil {
		return err
	}
	return unix.PtraceSetOptions(t.pid, options)
}

// trace lets the stopped program continue until it ends.
func (t *tracer) trace(cmd *exec.Cmd) (int, error) {
	if err := t.start(cmd); err != nil {
		return 1, err
	}
	t.skipped = map[int]bool{}
	for thread, signal := t.pid, 0; ; {
		// A thread that was killed in the meantime has no next stop.
		if err := unix.PtraceSyscall(thread, signal); err != nil && err != unix.ESRCH {
			return 1, err
		}
		var status unix.WaitStatus
		var err error
		if thread, err = unix.Wait4(-1, &status, unix.WALL, nil); err != nil {
			return 1, err
		}
		if thread == t.pid && status.Signaled() {
			return 128 + int(status.Signal()), nil
		}
		if thread == t.pid && status.Exited() {
			return status.ExitStatus(), nil
		}
		signal = passedOn(status)
		if status.Stopped() && status.StopSignal() == stoppedAtCall {
			if err := t.stopped(thread); err != nil {
				return 1, err
			}
		}
	}
}

// stopped acts on a thread at the entry of a call or at its end.
func (t *tracer) stopped(thread int) error {
	call, entry := entered(thread)
	if !entry {
		if t.skipped[thread] {
			delete(t.skipped, thread)
			return setResult(thread, t.errno)
		}
		return nil
	}
	what := call.change(thread, t.all)
	if what == "" || !t.due(what) {
		return nil
	}
	if t.told != "" {
		_ = os.WriteFile(t.told, []byte(what+"\n"), 0o600)
	}
	if t.errno != 0 {
		t.skipped[thread] = true
		return skipCall(thread)
	}
	// The kernel does not carry out a call that it has not begun.
	t.kill()
	return nil
}

// due reports whether this change is one that is told.
func (t *tracer) due(what string) bool {
	t.changes++
	if t.seen == "" {
		return t.changes == t.calls || t.on && t.changes > t.calls
	}
	known, _ := os.ReadFile(t.seen) // missing at first
	line := alike(what)
	if slices.Contains(strings.Split(string(known), "\n"), line) {
		return false
	}
	_ = os.WriteFile(t.seen, append(known, line+"\n"...), 0o600)
	return true
}

// kill ends the program, and with it its descendants if they are asked for.
func (t *tracer) kill() {
	victims := []int{t.pid}
	if t.group {
		victims = append(victims, descendants(t.pid)...)
	}
	for _, pid := range victims {
		_ = unix.Kill(pid, unix.SIGKILL)
	}
}

// descendants lists the processes that a process has started, and those of theirs.
func descendants(of int) []int {
	var found []int
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range stats {
		text, _ := os.ReadFile(name) // it may have ended
		_, rest, _ := bytes.Cut(text, []byte(") "))
		fields := bytes.Fields(rest)
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		if err == nil && len(fields) > 1 && string(fields[1]) == fmt.Sprint(of) {
			found = append(append(found, pid), descendants(pid)...)
		}
	}
	return found
}

// passedOn returns the signal to deliver to a stopped thread: none if it stopped for
// the tracer or because it is new.
func passedOn(status unix.WaitStatus) int {
	if !status.Stopped() {
		return 0
	}
	switch s := status.StopSignal(); s {
	case stoppedAtCall, unix.SIGTRAP, unix.SIGSTOP:
		return 0
	default:
		return int(s)
	}
}

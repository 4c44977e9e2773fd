// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"os/exec"
	"runtime"
	"slices"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// changing are the system calls by which Go programs change names on the disk or
// write content through to it.
var changing = []uint64{
	unix.SYS_FSYNC, unix.SYS_RENAMEAT, unix.SYS_RENAMEAT2, unix.SYS_UNLINKAT, unix.SYS_LINKAT, unix.SYS_SYMLINKAT,
}

const (
	// stoppedAtCall distinguishes a stop at a system call from a real SIGTRAP.
	stoppedAtCall = syscall.SIGTRAP | 0x80
	options       = unix.PTRACE_O_TRACESYSGOOD | unix.PTRACE_O_TRACECLONE | unix.PTRACE_O_TRACEEXEC
)

// killAtCall counts the calls of all threads of the program together. strace would
// count each thread separately.
func killAtCall(cmd *exec.Cmd, nth int) (int, error) {
	runtime.LockOSThread() // only the thread that started the program may trace it
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Ptrace: true}
	if err := cmd.Start(); err != nil {
		return 1, err
	}
	pid := cmd.Process.Pid
	var status unix.WaitStatus
	if _, err := unix.Wait4(pid, &status, 0, nil); err != nil {
		return 1, err
	}
	if err := unix.PtraceSetOptions(pid, options); err != nil {
		return 1, err
	}
	return trace(pid, nth)
}

// trace lets the stopped program continue until it ends or makes its nth change.
func trace(pid, nth int) (int, error) {
	changes := 0
	for thread, signal := pid, 0; ; {
		// A thread that was killed in the meantime has no next stop.
		if err := unix.PtraceSyscall(thread, signal); err != nil && err != unix.ESRCH {
			return 1, err
		}
		var status unix.WaitStatus
		var err error
		if thread, err = unix.Wait4(-1, &status, unix.WALL, nil); err != nil {
			return 1, err
		}
		if thread == pid && status.Signaled() {
			return 128 + int(status.Signal()), nil
		}
		if thread == pid && status.Exited() {
			return status.ExitStatus(), nil
		}
		signal = passedOn(status)
		if status.Stopped() && status.StopSignal() == stoppedAtCall && entersChange(thread) {
			if changes++; changes == nth {
				// The kernel does not carry out a call that it has not begun.
				_ = unix.Kill(pid, unix.SIGKILL)
			}
		}
	}
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

// callInfo is struct ptrace_syscall_info up to the number of a call that is entered.
type callInfo struct {
	op     uint8
	_      [3]uint8
	_      uint32
	_, _   uint64
	number uint64
	_      [6]uint64
}

// entersChange reports whether a thread is stopped at the entry of a system call that
// changes the disk.
func entersChange(thread int) bool {
	var info callInfo
	_, _, errno := unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_GET_SYSCALL_INFO, uintptr(thread),
		unsafe.Sizeof(info), uintptr(unsafe.Pointer(&info)), 0, 0)
	return errno == 0 && info.op == unix.PTRACE_SYSCALL_INFO_ENTRY && slices.Contains(changing, info.number)
}

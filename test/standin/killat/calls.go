// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// changing are the system calls by which Go programs change names on the disk or
// write content through to it.
var changing = []uint64{
	unix.SYS_FSYNC, unix.SYS_RENAMEAT, unix.SYS_RENAMEAT2, unix.SYS_UNLINKAT, unix.SYS_LINKAT, unix.SYS_SYMLINKAT,
}

// A place is where a system call has what it changes.
type place struct {
	name string
	// arg is the number of the argument: a descriptor, or the address of a path.
	arg  int
	path bool
}

var places = map[uint64]place{
	unix.SYS_OPENAT:    {"openat", 1, true},
	unix.SYS_MKDIRAT:   {"mkdirat", 1, true},
	unix.SYS_UNLINKAT:  {"unlinkat", 1, true},
	unix.SYS_FCHMODAT:  {"fchmodat", 1, true},
	unix.SYS_FCHOWNAT:  {"fchownat", 1, true},
	unix.SYS_SYMLINKAT: {"symlinkat", 2, true},
	unix.SYS_RENAMEAT:  {"renameat", 3, true},
	unix.SYS_RENAMEAT2: {"renameat", 3, true},
	unix.SYS_LINKAT:    {"linkat", 3, true},
	unix.SYS_WRITE:     {"write", 0, false},
	unix.SYS_PWRITE64:  {"write", 0, false},
	unix.SYS_FSYNC:     {"fsync", 0, false},
	unix.SYS_FTRUNCATE: {"ftruncate", 0, false},
	unix.SYS_FCHMOD:    {"fchmod", 0, false},
	unix.SYS_FCHOWN:    {"fchown", 0, false},
}

// callInfo is struct ptrace_syscall_info up to the arguments of a call that is
// entered.
type callInfo struct {
	op     uint8
	_      [3]uint8
	_      uint32
	_, _   uint64
	number uint64
	args   [6]uint64
}

// entered returns the system call at whose entry a thread is stopped.
func entered(thread int) (callInfo, bool) {
	var info callInfo
	_, _, errno := unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_GET_SYSCALL_INFO, uintptr(thread),
		unsafe.Sizeof(info), uintptr(unsafe.Pointer(&info)), 0, 0)
	return info, errno == 0 && info.op == unix.PTRACE_SYSCALL_INFO_ENTRY
}

// change returns the words for a call that changes the disk, or "". If all is false,
// only those of changing count.
func (c callInfo) change(thread int, all bool) string {
	p, known := places[c.number]
	switch {
	case slices.Contains(changing, c.number):
	case !all || !known, c.number == unix.SYS_OPENAT && c.args[2]&unix.O_CREAT == 0:
		return ""
	}
	on := ""
	if p.path {
		on = pathAt(thread, c.args[p.arg])
		if !path.IsAbs(on) {
			on = path.Join(descriptor(thread, c.args[p.arg-1]), on)
		}
	} else {
		on = descriptor(thread, c.args[p.arg])
	}
	elsewhere := func(dir string) bool { return strings.HasPrefix(on, dir) }
	if all && (!path.IsAbs(on) || slices.ContainsFunc([]string{"/dev/", "/proc/", "/sys/", "/memfd:"}, elsewhere)) {
		return "" // nothing on a disk
	}
	return p.name + " " + on
}

// descriptor returns what a descriptor of a thread is open on.
func descriptor(thread int, fd uint64) string {
	name := fmt.Sprintf("/proc/%d/fd/%d", thread, fd)
	if int32(fd) == unix.AT_FDCWD {
		name = fmt.Sprintf("/proc/%d/cwd", thread)
	}
	target, err := os.Readlink(name)
	if err != nil {
		return ""
	}
	return target
}

// pathAt reads a path from the memory of a thread.
func pathAt(thread int, at uint64) string {
	memory, err := os.Open(fmt.Sprintf("/proc/%d/mem", thread))
	if err != nil {
		return ""
	}
	defer func() { _ = memory.Close() }()
	buffer := make([]byte, unix.PathMax)
	n, _ := memory.ReadAt(buffer, int64(at)) // it may end at a page that is not mapped
	text, _, _ := strings.Cut(string(buffer[:n]), "\x00")
	return text
}

// random matches what differs between two runs in the name of a temporary file.
var random = regexp.MustCompile(`(fb-probe|falco-bootstrap)-[A-Z2-7]{6,}|[0-9]{3,}|[0-9a-f]{6,}`)

// alike returns the words for a change without what is random in them.
func alike(change string) string { return random.ReplaceAllString(change, "*") }

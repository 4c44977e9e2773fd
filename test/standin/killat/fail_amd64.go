// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import "golang.org/x/sys/unix"

// skipCall makes the kernel carry out no call instead of the one that a thread enters.
func skipCall(thread int) error {
	var registers unix.PtraceRegs
	if err := unix.PtraceGetRegs(thread, &registers); err != nil {
		return err
	}
	registers.Orig_rax = ^uint64(0)
	return unix.PtraceSetRegs(thread, &registers)
}

// setResult is what a thread sees of the call that it leaves.
func setResult(thread int, errno unix.Errno) error {
	var registers unix.PtraceRegs
	if err := unix.PtraceGetRegs(thread, &registers); err != nil {
		return err
	}
	registers.Rax = -uint64(errno)
	return unix.PtraceSetRegs(thread, &registers)
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"

// entry is where the kernel starts a program that was linked with -E main.entry. It
// says so and exits with 71 where Go's runtime would find no room for itself:
// RLIMIT_AS is below 1 GiB.
TEXT ·entry(SB),NOSPLIT|NOFRAME,$0
	SUBQ	$16, SP
	MOVL	$302, AX // prlimit64(0, RLIMIT_AS, NULL, SP)
	XORL	DI, DI
	MOVL	$9, SI
	XORL	DX, DX
	MOVQ	SP, R10
	SYSCALL
	MOVQ	(SP), CX
	ADDQ	$16, SP
	TESTQ	AX, AX
	JNE	start
	CMPQ	CX, $0x40000000
	JCC	start
	MOVL	$1, AX // write(2, noRoom)
	MOVL	$2, DI
	MOVQ	·noRoom(SB), SI
	MOVQ	·noRoom+8(SB), DX
	SYSCALL
	MOVL	$231, AX // exit_group(71)
	MOVL	$71, DI
	SYSCALL
start:
	JMP	_rt0_amd64_linux(SB)

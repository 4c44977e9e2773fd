// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

#include "textflag.h"

// entry is as in entry_amd64.s.
TEXT ·entry(SB),NOSPLIT|NOFRAME,$0
	SUB	$16, RSP
	MOVD	$261, R8 // prlimit64(0, RLIMIT_AS, NULL, SP)
	MOVD	$0, R0
	MOVD	$9, R1
	MOVD	$0, R2
	MOVD	RSP, R3
	SVC
	MOVD	(RSP), R4
	ADD	$16, RSP
	CBNZ	R0, start
	MOVD	$0x40000000, R5
	CMP	R5, R4
	BHS	start
	MOVD	$64, R8 // write(2, noRoom)
	MOVD	$2, R0
	MOVD	·noRoom(SB), R1
	MOVD	·noRoom+8(SB), R2
	SVC
	MOVD	$94, R8 // exit_group(71)
	MOVD	$71, R0
	SVC
start:
	JMP	_rt0_arm64_linux(SB)

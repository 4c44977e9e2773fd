// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"fmt"
	"strconv"
)

// killed is the exit status of an agent that died of SIGKILL.
const killed = 137

// RunKilledAt runs the agent and kills it as it enters a system call for the
// nth time, such as renameat; the call itself is not carried out. The status is
// killed, or the agent's own if it never came so far.
func (n *Node) RunKilledAt(syscall string, nth int, args ...string) Result {
	n.t.Helper()
	strace := []string{
		"strace", "-f", "-o", "/dev/null", "-e", "trace=" + syscall,
		"-e", fmt.Sprintf("inject=%s:signal=KILL:error=EINTR:when=%d", syscall, nth),
	}
	return n.Exec(append(strace, n.agentCommand(args)...)...)
}

// RunKilledAfter runs the agent and kills it when it has written that many lines
// to standard error.
func (n *Node) RunKilledAfter(lines int, args ...string) Result {
	n.t.Helper()
	return n.Exec(append([]string{"/usr/share/node/killat", strconv.Itoa(lines)}, n.agentCommand(args)...)...)
}

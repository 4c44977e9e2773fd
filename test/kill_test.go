// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package test

import "strconv"

// killed is the exit status of an agent that died of SIGKILL.
const killed = 137

// RunKilledAt runs the agent and kills it as it enters the nth system call by
// which it changes the disk: a rename, a removal, a link or an fsync, in any of its
// threads. The call itself is not carried out. The status is killed, or the agent's
// own if it makes fewer calls.
func (n *Node) RunKilledAt(nth int, args ...string) Result {
	n.t.Helper()
	return n.Exec(append([]string{"/usr/share/node/killat", "-calls", strconv.Itoa(nth)}, n.agentCommand(args)...)...)
}

// RunKilledAfter runs the agent and kills it when it has written that many lines
// to standard error.
func (n *Node) RunKilledAfter(lines int, args ...string) Result {
	n.t.Helper()
	return n.Exec(append([]string{"/usr/share/node/killat", "-lines", strconv.Itoa(lines)}, n.agentCommand(args)...)...)
}

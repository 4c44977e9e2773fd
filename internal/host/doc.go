// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Package host is the machine: the one place that reads and writes files, runs
// programs, talks to systemd and the network, and takes the lock.
//
// # Looking
//
// [OpenView] gives a [View], which has no method that writes. Its questions to
// the machine that do not wait for one another (rpm's database, the state of
// Falco's files, systemd's bus) are begun at once and side by side, and every
// answer is kept, so that two askers see the same node. Programs that only
// look run as nobody: as root even a query of rpm writes to its database's
// folder.
//
// # Changing
//
// [OpenMachine] takes the lock and gives a [Machine]. Files are replaced whole
// or not at all, whatever happens in between; every program and every call has
// a deadline; what can pass (a lock that is held, a network that comes up late)
// is tried again, what cannot is an error at once, in one sentence, with the
// exit status and the hint it deserves.
//
// With a root other than "/" both act on a tree, such as an image being baked:
// links are followed as if the tree were the root, and the machine it lies on
// is never asked.
//
// The package decides nothing: what the node should be is known to the steps,
// and in which order it is brought there to package converge. It writes no
// logs; progress is handed to the caller.
package host

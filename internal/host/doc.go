// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Package host implements [node.View] and [node.Machine] for a real node.
//
// [OpenView] returns a [View], which has no method that writes. It asks the
// machine independent questions concurrently and keeps every answer, so that
// two steps see the same node.
//
// [OpenMachine] takes the lock and returns a [Machine], whose Apply is the one
// switch over the kinds of change. Packages files, pkgmgr, alert and program do
// the work.
//
// With a root other than "/" both act on a tree, such as an image that is being
// built, and never ask the running machine.
//
// The package decides nothing: the steps know what a node should be, and
// package converge the order of changes. It writes no logs; progress goes to
// the caller.
package host

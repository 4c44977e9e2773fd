// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Package node is the vocabulary of a node: what can be seen of it, what can
// be changed, and the words for both.
//
// Reading and changing are different types. A [View] has no method that
// writes. A [Machine] applies a [Change], which is plain data, so the same value
// is shown in the report, written as JSON, and applied. A [Drift] names
// a difference between a node and what is declared; an [Error] carries the
// exit status ([Code]) and the hint of a failure.
//
// The package holds types only: it reads nothing and changes nothing.
package node

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Package test runs falco-bootstrap end to end in nodes: containers with systemd as
// PID 1 and real dnf, rpm, gpg and D-Bus, which are set up like a release of Oracle
// Linux. Signed packages of the project's own behave as Falco's do. The harness and
// the cases are test files, so the package exports nothing. Unit tests are beside
// the packages that they test.
package test

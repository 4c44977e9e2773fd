// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Package test runs falco-bootstrap end to end, in nodes: containers with
// systemd as PID 1, real dnf, rpm, gpg and D-Bus, dressed as one Oracle Linux or
// another, beside signed packages of the project's own that behave as Falco's
// do. The harness and the cases are test files, so the package exports nothing;
// it holds no unit tests of the agent's packages, which stand beside them.
package test

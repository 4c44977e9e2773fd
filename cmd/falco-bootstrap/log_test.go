// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/falco-bootstrap/falco-bootstrap/internal/host"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

// A panic is logged and reported without its secrets.
func TestPanicShowsNoSecret(t *testing.T) {
	for name, value := range map[string]any{
		"string": "fetching https://u:hunter2@mirror/x",
		"error":  errors.New("token: hunter2"),
	} {
		for _, format := range []string{"console", "json"} {
			b := newBench(newNode())
			b.env.view = func(context.Context, host.Options) (view, error) { panic(value) }
			if code := b.run(t, "--dry-run", "--log-format="+format); code != node.CodeFailed {
				t.Errorf("%s: the run exits with %d, want %d", name, code, node.CodeFailed)
			}
			log := b.stderr.String()
			if strings.Contains(log, "hunter2") || !strings.Contains(log, "[redacted]") || !strings.Contains(log, "goroutine") {
				t.Errorf("%s: the log is %s", name, log)
			}
			if strings.Contains(b.stdout.String(), "hunter2") {
				t.Errorf("%s: the report is %s", name, b.stdout.String())
			}
		}
	}
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"

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

// In the journal a line begins with its priority, and has no time.
func TestLogForTheJournal(t *testing.T) {
	var b strings.Builder
	l, err := newLogger(&b, "console", "debug", true)
	if err != nil {
		t.Fatal(err)
	}
	l = l.With(zap.String("step", "a"))
	l.Debug("d")
	l.Info("i")
	l.Warn("w")
	l.Error("e")
	const want = "<7>d {\"step\": \"a\"}\n<6>i {\"step\": \"a\"}\n<4>w {\"step\": \"a\"}\n<3>e {\"step\": \"a\"}\n"
	if b.String() != want {
		t.Errorf("the log is\n%s, want\n%s", b.String(), want)
	}
}

// The live line says for how long, is cut at the terminal's width, lets the log through
// and is gone at the end.
func TestLiveLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b strings.Builder
		l := &live{w: &b, width: 20}
		l.show("install a package with a long name")
		time.Sleep(1500 * time.Millisecond)
		_, _ = l.Write([]byte("a line\n"))
		l.show("")
		time.Sleep(5 * time.Second)
		want := []string{"", "install a package …", "install a pac… (1s)", "a line\n", "install a pac… (1s)", ""}
		if diff := cmp.Diff(want, strings.Split(b.String(), eraseLine)); diff != "" {
			t.Errorf("what the terminal gets between two erasures (-want +got):\n%s", diff)
		}
	})
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/falco-bootstrap/falco-bootstrap/internal/files"
	"github.com/falco-bootstrap/falco-bootstrap/internal/host"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/report"
)

// A converging run stores its report however it ends.
func TestEveryEndLeavesAReport(t *testing.T) {
	for _, tt := range []struct {
		name string
		node func() *fakeNode
		edit func(*bench)
		args []string
		code node.Code
	}{
		{name: "locked", code: node.CodeLocked},
		{name: "refused", node: func() *fakeNode {
			n := newNode()
			n.host.Kernel = uek6
			return n
		}, code: node.CodePreflight},
		{name: "wrong settings", edit: func(b *bench) {
			b.env.readFile = func(string) ([]byte, error) { return []byte("x: y\n"), nil }
		}, code: node.CodeUsage},
		{name: "unknown flag", args: []string{"--bogus"}, code: node.CodeUsage},
		{name: "wrong variable", edit: func(b *bench) {
			b.env.environ = []string{"FALCO_BOOTSTRAP_TIMEOUT=soon"}
		}, code: node.CodeUsage},
		{name: "unknown output format", args: []string{"--output=xml"}, code: node.CodeUsage},
		{name: "a panic while planning", node: func() *fakeNode {
			n := newNode()
			n.panics = "Packages"
			return n
		}, code: node.CodeFailed},
		{name: "a panic while applying", edit: func(b *bench) {
			b.env.machine = func(context.Context, host.Options) (machine, error) { panic("at the machine") }
		}, code: node.CodeFailed},
		{name: "no time left", args: []string{"--timeout=1ns"}, node: func() *fakeNode {
			n := newNode()
			n.err = context.DeadlineExceeded
			return n
		}, code: node.CodeFailed},
		{name: "standard output is closed", edit: func(b *bench) { b.env.stdout = closed{} }, code: node.CodeFailed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := newNode()
			if tt.node != nil {
				n = tt.node()
			}
			b := newBench(n)
			if tt.edit != nil {
				tt.edit(b)
			}
			if code := b.run(t, tt.args...); code != tt.code {
				t.Errorf("the run exits with %d, want %d: %s%s", code, tt.code, b.stdout.String(), b.stderr.String())
			}
			if len(b.kept) != 1 {
				t.Fatalf("%d reports are kept, want 1", len(b.kept))
			}
			if r := b.kept[0]; r.Mode != report.ModeConverge || tt.name != "standard output is closed" && (r.Exit.Code != int(tt.code) || r.Result != report.ResultFailed) {
				t.Errorf("report = %s, %+v, %s", r.Mode, r.Exit, r.Result)
			}
		})
	}
}

// closed is a standard output that is closed.
type closed struct{}

func (closed) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

// A refused command line that may not have meant to change this node stores nothing.
func TestOthersLeaveNoReport(t *testing.T) {
	for _, tt := range []struct {
		args    string
		environ []string
		code    node.Code
	}{
		{args: "--bogus --dry-run", code: node.CodeUsage},
		{args: "--bogus --root=/tree", code: node.CodeUsage},
		{args: "--bogus --root /tree", code: node.CodeUsage},
		{args: "--bogus", environ: []string{"FALCO_BOOTSTRAP_DRY_RUN=true"}, code: node.CodeUsage},
		{args: "--bogus", environ: []string{"FALCO_BOOTSTRAP_ROOT=/tree"}, code: node.CodeUsage},
		{args: "verify --bogus", code: node.CodeUsage},
		{args: "verfy", code: node.CodeUsage},
		{args: "report --output=xml", code: node.CodeUsage},
		{args: "--help"},
		{args: "version"},
		{args: "verify", code: node.CodeNotRunning},
		{args: "explain"},
	} {
		t.Run(tt.args, func(t *testing.T) {
			b := newBench(newNode())
			b.env.environ = tt.environ
			if code := b.run(t, strings.Fields(tt.args)...); code != tt.code {
				t.Errorf("%s exits with %d, want %d: %s", tt.args, code, tt.code, b.stderr.String())
			}
			b.untouched(t)
		})
	}
}

// A report contains the one before it, without the one before that.
func TestLastRunKeepsThePrevious(t *testing.T) {
	root := t.TempDir()
	b := newBench(newNode())
	b.env.remember = func(o host.Options, r report.Report) error {
		o.Root = root
		return remember(o, r)
	}
	for i, args := range [][]string{{"--bogus"}, {}, {"--set=nokey"}} {
		b.run(t, args...)
		content, err := os.ReadFile(filepath.Join(root, files.StateDir, lastRun))
		if err != nil {
			t.Fatal(err)
		}
		var r report.Report
		err = json.Unmarshal(content, &r)
		if err != nil {
			t.Fatal(err)
		}
		if (len(r.Previous) > 0) != (i > 0) || strings.Contains(string(r.Previous), `"previous"`) {
			t.Errorf("after run %d previous is %.80q", i, r.Previous)
		}
		if i == 2 && !strings.Contains(string(r.Previous), `"locked"`) {
			t.Errorf("previous is not the run before: %.300q", r.Previous)
		}
	}
}

// Reports have color on terminals only, and never with NO_COLOR.
func TestColor(t *testing.T) {
	for _, tt := range []struct {
		name     string
		terminal bool
		environ  []string
		want     bool
	}{
		{name: "terminal", terminal: true, want: true},
		{name: "pipe"},
		{name: "NO_COLOR", terminal: true, environ: []string{"NO_COLOR=1"}},
		{name: "empty NO_COLOR", terminal: true, environ: []string{"NO_COLOR="}, want: true},
		{name: "dumb terminal", terminal: true, environ: []string{"TERM=dumb"}},
	} {
		b := newBench(newNode())
		b.env.terminal, b.env.environ = tt.terminal, tt.environ
		b.run(t, "--dry-run")
		if got := strings.Contains(b.stdout.String(), "\x1b["); got != tt.want {
			t.Errorf("%s: colour %v, want %v", tt.name, got, tt.want)
		}
	}
}

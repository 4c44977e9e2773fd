// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"testing"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/host"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/report"
)

// A dry run never opens a node in any state for writing, and always ends with a
// report.
func TestDryRunNeverAsksForTheMachine(t *testing.T) {
	for _, tt := range []struct {
		name   string
		node   func() *fakeNode
		edit   func(*bench)
		args   []string
		code   node.Code
		result string
	}{
		{name: "bare", code: node.CodePending, result: report.ResultPending},
		{name: "drifted", node: withFalco, code: node.CodePending, result: report.ResultPending},
		{name: "the kernel module", node: func() *fakeNode {
			n := newNode()
			n.host.Kernel = "4.18.0-553.16.1.el8_10.x86_64"
			n.files["etc/yum.repos.d/oracle-linux-ol8.repo"] = text("[ol8_baseos_latest]\n")
			return n
		}, args: []string{"--driver=kmod"}, code: node.CodePending, result: report.ResultPending},
		{name: "running, but not proven", node: proven(false), code: node.CodePending, result: report.ResultPending},
		{name: "a kernel that runs no Falco", node: func() *fakeNode {
			n := newNode()
			n.host.Kernel = uek6
			return n
		}, code: node.CodePreflight, result: report.ResultFailed},
		{name: "not Oracle Linux", node: func() *fakeNode {
			n := newNode()
			delete(n.files, "etc/oracle-release")
			n.files["etc/os-release"] = text("ID=debian\n")
			return n
		}, code: node.CodePreflight, result: report.ResultFailed},
		{name: "overruled", node: func() *fakeNode {
			n := withFalco()
			n.files["etc/falco/falco.yaml"] = text("config_files: [/etc/falco/config.d]\n" + string(n.files["etc/falco/falco.yaml"].Data))
			n.files["etc/falco/config.d/x.yaml"] = text("file_output:\n  enabled: false\n")
			return n
		}, code: node.CodeConfig, result: report.ResultFailed},
		{name: "a tree", node: func() *fakeNode {
			n := newNode()
			n.host, n.err = node.Host{Tree: true}, node.ErrNotAsked
			return n
		}, args: []string{"--root=/tree"}, code: node.CodePending, result: report.ResultPending},
		{name: "nothing can be seen", node: func() *fakeNode {
			n := newNode()
			n.err = fs.ErrPermission
			return n
		}, code: node.CodePending, result: report.ResultPending},
		{name: "no question is answered", node: func() *fakeNode {
			n := newNode()
			n.err = errors.New("rpm is not there")
			return n
		}, code: node.CodeFailed, result: report.ResultFailed},
		{name: "no node", edit: func(b *bench) {
			b.env.view = func(context.Context, host.Options) (view, error) { return nil, errors.New("no such root") }
		}, code: node.CodeFailed, result: report.ResultFailed},
		{name: "wrong settings", edit: func(b *bench) {
			b.env.readFile = func(string) ([]byte, error) { return []byte("x: y\n"), nil }
		}, code: node.CodeUsage, result: report.ResultFailed},
		{name: "settings that this user may not read", edit: func(b *bench) {
			b.env.readFile = func(name string) ([]byte, error) {
				return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
			}
		}, code: node.CodeFailed, result: report.ResultFailed},
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
			code := b.run(t, append([]string{"--dry-run", "--output=json"}, tt.args...)...)
			var r report.Report
			err := json.Unmarshal(b.stdout.Bytes(), &r)
			if err != nil {
				t.Fatalf("%v in %q, standard error %q", err, b.stdout.String(), b.stderr.String())
			}
			if code != tt.code || r.Result != tt.result || r.Exit.Code != int(tt.code) || r.Mode != report.ModeDryRun {
				t.Errorf("a dry run exits with %d, report %q, %+v, mode %q; want %d, %q:\n%s", code, r.Result, r.Exit, r.Mode, tt.code, tt.result, b.stdout.String())
			}
			b.untouched(t)
		})
	}
}

// untouched fails the test if the node was opened for writing.
func (b *bench) untouched(t *testing.T) {
	t.Helper()
	if b.machines > 0 || len(b.kept) > 0 || len(b.written) > 0 {
		t.Errorf("a dry run asked for the machine %d times, kept %d reports, wrote %d files", b.machines, len(b.kept), len(b.written))
	}
}

// A dry run that panics does not open the node for writing either.
func TestDryRunThatPanics(t *testing.T) {
	for _, question := range []string{"Tree", "Host", "Packages", "Altered", "Units", "Falcos", "Stat", "Proof"} {
		t.Run(question, func(t *testing.T) {
			n := proven(true)()
			n.panics = question
			b := newBench(n)
			if code := b.run(t, "--dry-run", "--output=json"); code != node.CodeFailed {
				t.Errorf("a dry run that panics exits with %d, want %d:\n%s", code, node.CodeFailed, b.stdout.String())
			}
			var r report.Report
			err := json.Unmarshal(b.stdout.Bytes(), &r)
			if err != nil || r.Error == nil || r.Error.Hint == "" {
				t.Errorf("report = %+v, %v; want an error with a hint", r.Error, err)
			}
			b.untouched(t)
		})
	}
}

// proven is a node on which Falco runs. Only the signing key, the repository and
// the files around Falco are left to change.
func proven(seen bool) func() *fakeNode {
	return func() *fakeNode {
		n := withFalco()
		u := n.units["falco-modern-bpf.service"]
		u.ActiveState, u.SubState, u.UnitFileState = "active", "running", "enabled"
		u.InvocationID, u.Started = "1", now.Add(-30*time.Minute)
		n.units[u.Name] = u
		if seen {
			n.proof = node.Proof{Invocation: "1", Detected: true}
		}
		return n
	}
}

// A dry run writes the files that the command line names, and no others.
func TestDryRunWritesWhatItIsToldTo(t *testing.T) {
	b := newBench(newNode())
	if code := b.run(t, "--dry-run", "--metrics=/m.prom", "--report-file=/r.json"); code != node.CodePending {
		t.Fatalf("a dry run exits with %d: %s", code, b.stdout.String())
	}
	if b.machines > 0 || len(b.kept) > 0 || len(b.written) != 2 {
		t.Errorf("wrote %q", b.written)
	}
	if r, err := report.DecodeSummary([]byte(b.written["/r.json"])); err != nil || r.Result != report.ResultPending {
		t.Errorf("report file = %+v, %v", r, err)
	}
}

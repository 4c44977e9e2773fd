// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/files"
	"github.com/falco-bootstrap/falco-bootstrap/internal/host"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/report"
	"github.com/falco-bootstrap/falco-bootstrap/internal/settings"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/systemd"
)

// now is the time of every run in these tests.
var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

const (
	uek7 = "5.15.0-210.163.7.el8uek.x86_64"
	uek6 = "5.4.17-2136.311.6.1.el8uek.x86_64"
)

// A fakeNode is a node made of maps.
type fakeNode struct {
	files    fstest.MapFS
	packages map[string][]node.Package
	units    map[string]systemd.Unit
	host     node.Host
	proof    node.Proof
	// complains is what Falco says against its configuration.
	complains string
	// err is the answer to every question that can fail.
	err error
	// panics names the method that panics.
	panics string
}

// newNode returns a bare Oracle Linux 8.10 with UEK 7.
func newNode() *fakeNode {
	return &fakeNode{
		files:    fstest.MapFS{"etc/oracle-release": text("Oracle Linux Server release 8.10\n")},
		packages: map[string][]node.Package{},
		units:    map[string]systemd.Unit{},
		host:     node.Host{Kernel: uek7, KernelGiven: true, Arch: "x86_64", Systemd: true, Root: true},
	}
}

func text(content string) *fstest.MapFile {
	return &fstest.MapFile{Data: []byte(content), Mode: 0o644, ModTime: now.Add(-time.Hour)}
}

func (n *fakeNode) asked(question string) error {
	if n.panics == question {
		panic("at " + question)
	}
	return n.err
}

func (n *fakeNode) Close() {}

func (n *fakeNode) HasStage() bool { return false }

func (n *fakeNode) Tree() fs.FS {
	_ = n.asked("Tree")
	return n.files
}

func (n *fakeNode) Stat(path string) (node.File, error) {
	if err := n.asked("Stat"); err != nil {
		return node.File{}, err
	}
	info, err := fs.Stat(n.files, strings.TrimPrefix(path, "/"))
	if err != nil {
		return node.File{}, err
	}
	return node.File{Mode: info.Mode(), ModTime: info.ModTime(), Size: info.Size()}, nil
}

func (n *fakeNode) Host() node.Host {
	_ = n.asked("Host")
	return n.host
}

func (n *fakeNode) Packages(context.Context) (node.Packages, error) {
	return node.Packages{Installed: n.packages}, n.asked("Packages")
}

func (n *fakeNode) Requirers(context.Context, string) ([]string, error) {
	return nil, n.asked("Requirers")
}

func (n *fakeNode) Transaction() (node.Transaction, error) {
	return node.Transaction{}, n.asked("Transaction")
}

func (n *fakeNode) Altered(context.Context) ([]node.AlteredFile, error) {
	return nil, n.asked("Altered")
}

func (n *fakeNode) Units(_ context.Context, names ...string) (map[string]systemd.Unit, error) {
	units := map[string]systemd.Unit{}
	for _, name := range names {
		units[name] = systemd.Unit{Name: name, ID: name, LoadState: "not-found", ActiveState: "inactive"}
		if u, ok := n.units[name]; ok {
			units[name] = u
		}
	}
	return units, n.asked("Units")
}

func (n *fakeNode) Falcos(context.Context) ([]node.Process, error) { return nil, n.asked("Falcos") }

func (n *fakeNode) Module(context.Context, string) (node.Module, error) {
	return node.Module{}, n.asked("Module")
}

func (n *fakeNode) Examine(context.Context, node.FalcoCheck, []byte) (reason string, warnings []string, err error) {
	return n.complains, nil, n.asked("Examine")
}

func (n *fakeNode) ConfigSchema(context.Context) ([]byte, error) {
	return nil, n.asked("ConfigSchema")
}

func (n *fakeNode) Fetch(context.Context, string, string, bool) ([]byte, error) {
	return nil, n.asked("Fetch")
}

func (n *fakeNode) Vitals(int, string) (node.Vitals, error) {
	return node.Vitals{State: "S"}, n.asked("Vitals")
}

func (n *fakeNode) Proof() node.Proof {
	_ = n.asked("Proof")
	return n.proof
}

func (n *fakeNode) Now() time.Time { return now }

// withFalco returns the node with Falco installed and stopped.
func withFalco() *fakeNode {
	n := newNode()
	n.packages["falco"] = []node.Package{{Name: "falco", Version: "0.44.1", Release: "1", Arch: "x86_64", Installed: now.Add(-2 * time.Hour)}}
	n.files["etc/falco/falco.yaml"] = text("rules_files: [/etc/falco/falco_rules.yaml]\nfile_output:\n  enabled: true\n  filename: " + settings.DefaultLog + "\n")
	n.files["etc/falco/falco_rules.yaml"] = text("- rule: x\n")
	const name = "falco-modern-bpf.service"
	n.units[name] = systemd.Unit{Name: name, ID: name, LoadState: "loaded", ActiveState: "inactive", SubState: "dead", UnitFileState: "disabled"}
	return n
}

// A bench runs the command on a node and keeps its output.
type bench struct {
	env            env
	stdout, stderr bytes.Buffer
	machines       int // how often the node was opened for writing
	kept           []report.Report
	written        map[string]string
}

// newBench returns a bench on which another run holds the lock.
func newBench(n *fakeNode) *bench {
	b := &bench{written: map[string]string{}}
	b.env = env{
		stdin: strings.NewReader(""), stdout: &b.stdout, stderr: &b.stderr,
		now:      func() time.Time { return now },
		stat:     func(string) (fs.FileInfo, error) { return os.Stat("/") },
		readFile: func(string) ([]byte, error) { return nil, fs.ErrNotExist },
		view:     func(context.Context, host.Options) (view, error) { return n, nil },
		settle:   func(context.Context, host.Options) error { return nil },
		machine: func(context.Context, host.Options) (machine, error) {
			b.machines++
			return nil, &node.Error{Code: node.CodeLocked, Err: errors.New("another run holds the lock")}
		},
		remember: func(_ host.Options, r report.Report) error {
			b.kept = append(b.kept, r)
			return nil
		},
		output: func(name string, content []byte, _ files.OutputMode) error {
			b.written[name] += string(content)
			return nil
		},
	}
	return b
}

func (b *bench) run(t *testing.T, args ...string) node.Code {
	t.Helper()
	return run(t.Context(), args, b.env)
}

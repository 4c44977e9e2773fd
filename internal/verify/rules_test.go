// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/falcoconf"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/systemd"
)

// defaultRules is as much of the default rules as matters.
const defaultRules = `- macro: open_read
  condition: (evt.type in (open,openat,openat2) and evt.is_open_read=true)
- list: shell_binaries
  items: [ash, bash]
- list: unused_binaries
  items: [x]
- macro: user_known_read_sensitive_files_activities
  condition: (never_true)
- rule: Read sensitive file untrusted
  condition: >
    open_read and not proc.name in (shell_binaries)
    and not user_known_read_sensitive_files_activities
  output: x
  priority: WARNING
- rule: Clear Log Activities
  condition: open_read
`

func TestChanges(t *testing.T) {
	const uses = `, which the rule "Read sensitive file untrusted" uses`
	tests := []struct {
		name, site string
		want       []string
	}{
		{name: "nothing"},
		{name: "a macro", site: "# c\n- macro: user_known_read_sensitive_files_activities\n  condition: (proc.name startswith fb)\n", want: []string{"/s.yaml:2 changes the macro user_known_read_sensitive_files_activities" + uses}},
		{name: "a macro that is appended to", site: "- macro: open_read\n  condition: and never_true\n  override: {condition: append}\n", want: []string{"/s.yaml:1 changes the macro open_read" + uses}},
		{name: "a list", site: "- list: shell_binaries\n  items: [fb-probe]\n  append: true\n", want: []string{"/s.yaml:1 changes the list shell_binaries" + uses}},
		{name: "a macro within a macro", site: "- macro: mine\n  condition: always_true\n- macro: open_read\n  condition: mine\n- macro: mine\n  condition: never_true\n", want: []string{"/s.yaml:3 changes the macro open_read" + uses, "/s.yaml:5 changes the macro mine" + uses}},
		{name: "the rule", site: "- rule: Read sensitive file untrusted\n  condition: and proc.name = x\n  override: {condition: append}\n", want: []string{`/s.yaml:1 changes the rule "Read sensitive file untrusted"`}},
		{name: "an exception of the rule", site: "- rule: Read sensitive file untrusted\n  exceptions: [{name: x, values: [[x]]}]\n", want: []string{`/s.yaml:1 changes the rule "Read sensitive file untrusted"`}},
		{name: "what it does not use", site: "- list: unused_binaries\n  items: []\n- rule: Clear Log Activities\n  enabled: false\n- rule: Mine\n  condition: open_read\n"},
		{name: "what is not read", site: "a: [\n"},
		{name: "no list", site: "a: 1\n"},
	}
	for _, tt := range tests {
		tree := fstest.MapFS{
			"f.yaml": {Data: []byte("rules_files: [/r.yaml, /s.yaml]\n")},
			"r.yaml": {Data: []byte(defaultRules)},
			"s.yaml": {Data: []byte(tt.site)},
		}
		config, err := falcoconf.Load(tree, "/f.yaml", falcoconf.Start{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, changes(tree, config)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestBlindSyscalls(t *testing.T) {
	tests := []struct {
		name, yaml          string
		silenced, suspected bool
	}{
		{name: "none", yaml: "base_syscalls: {custom_set: []}\n"},
		{name: "no block", yaml: "a: 1\n"},
		{name: "without the probe's", yaml: "base_syscalls: {custom_set: ['!openat']}\n", silenced: true},
		{name: "without another", yaml: "base_syscalls: {custom_set: ['!write']}\n"},
		{name: "a set", yaml: "base_syscalls: {custom_set: [close]}\n", suspected: true},
		{name: "a set that is repaired", yaml: "base_syscalls: {custom_set: [close], repair: 'yes'}\n"},
		{name: "both", yaml: "base_syscalls: {custom_set: [close, '!openat']}\n", silenced: true, suspected: true},
	}
	for _, tt := range tests {
		config, err := falcoconf.LoadCandidate(fstest.MapFS{}, "/f.yaml", []byte(tt.yaml), falcoconf.Start{})
		if err != nil {
			t.Fatal(err)
		}
		silenced, suspected := blindSyscalls(config)
		if (silenced != "") != tt.silenced || (suspected != "") != tt.suspected {
			t.Errorf("%s: %q and %q, want %t and %t", tt.name, silenced, suspected, tt.silenced, tt.suspected)
		}
	}
}

// An inspectable view is one of a running unit.
type inspectable struct {
	treeView
	unit systemd.Unit
}

func (v inspectable) Units(context.Context, ...string) (map[string]systemd.Unit, error) {
	return map[string]systemd.Unit{unit: v.unit}, nil
}
func (v inspectable) Vitals(int, string) (node.Vitals, error) { return node.Vitals{}, nil }
func (v inspectable) Falcos(context.Context) ([]node.Process, error) {
	return nil, node.ErrNotAsked
}

// What this program cannot read does not keep verify from probing, and is not
// asserted where Falco has no complaint.
func TestInspect(t *testing.T) {
	const log = "/var/log/falco.log"
	declared := []falcoconf.Setting{{Path: "file_output.filename", Value: log}, {Path: "file_output.enabled", Value: true}}
	running := systemd.Unit{Name: unit, LoadState: "loaded", ActiveState: "active", SubState: "running"}
	failed := systemd.Unit{Name: unit, LoadState: "loaded", ActiveState: "failed", SubState: "failed", Result: "exit-code", ExecStatus: 1}
	good := "rules_files: [/r.yaml]\nfile_output: {enabled: y, filename: " + log + "}\n"
	tests := []struct {
		name, yaml string
		unit       systemd.Unit
		files      fstest.MapFS
		complaint  string
		probes     bool
		err, hint  string // parts of the verdict without an alert
	}{
		{name: "well", yaml: good, unit: running, probes: true, err: "is running but wrote no alert to " + log, hint: "systemctl restart"},
		{name: "text that is not read", yaml: good + "load_plugins: [,]\n", unit: running, probes: true, err: "falco.yaml:3: did not find expected node content"},
		{name: "odd text", yaml: "%YAML 1.2\n---\n" + good + "# \xe9\n", unit: running, probes: true, err: "wrote no alert to " + log},
		{name: "a fault to this program", yaml: good + "priority: loud\n", unit: running, probes: true, err: "priority"},
		{name: "a fault, and Falco has no complaint", yaml: good + "priority: loud\n", unit: failed, err: "Falco has no complaint"},
		{name: "a fault, and Falco complains", yaml: good + "priority: loud\n", unit: failed, complaint: "c", err: `falco.yaml:3: priority "loud"`},
		{name: "a macro", yaml: strings.Replace(good, "]", ", /s.yaml]", 1), unit: running, probes: true, err: "/s.yaml:1 changes the macro open_read", hint: "rule matches", files: fstest.MapFS{"s.yaml": {Data: []byte("- macro: open_read\n  condition: never_true\n")}}},
		{name: "system calls", yaml: good + "base_syscalls: {custom_set: ['!openat']}\n", unit: running, probes: true, err: "leaves out the system call openat"},
		{name: "a directory", yaml: good, unit: running, files: fstest.MapFS{log[1:]: {Mode: fs.ModeDir}}, err: log + " is a directory", hint: "move it away"},
		{name: "a pipe", yaml: good, unit: running, files: fstest.MapFS{log[1:]: {Mode: fs.ModeNamedPipe}}, err: log + " is a named pipe", hint: "move it away"},
		{name: "a link to nowhere", yaml: good, unit: running, files: fstest.MapFS{log[1:]: {Mode: fs.ModeSymlink, Data: []byte("../../mnt/gone/x")}}, err: "is a link to", hint: "remove the link"},
		{name: "a link to a log that is not there yet", yaml: good, unit: running, probes: true, files: fstest.MapFS{log[1:]: {Mode: fs.ModeSymlink, Data: []byte("alerts.log")}}, err: "wrote no alert"},
		{name: "no directory", yaml: good, unit: running, files: fstest.MapFS{"var/log/x": nil}, err: "/var/log does not exist", hint: "run falco-bootstrap"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			files := fstest.MapFS{falco.ConfigFile[1:]: {Data: []byte(tt.yaml)}, "r.yaml": {Data: []byte(defaultRules)}, "var/log/x": {}}
			for name, f := range tt.files {
				files[name] = f
				if f == nil {
					delete(files, name)
				}
			}
			i, err := Inspect(t.Context(), inspectable{treeView{files: files}, tt.unit}, node.Subject{Unit: unit, Log: log, Check: node.FalcoCheck{Version: "0.44.1"}}, declared)
			if err != nil {
				t.Fatal(err)
			}
			if i.Probes() != tt.probes {
				t.Errorf("Probes = %t, want %t", i.Probes(), tt.probes)
			}
			_, _, err = i.Verdict(node.Seen{Opens: 1}, tt.complaint)
			if err == nil || !strings.Contains(err.Error(), tt.err) || !strings.Contains(node.HintOf(err), tt.hint) || node.CodeOf(err) != node.CodeNotRunning {
				t.Errorf("Verdict = %v (%q), want %q (%q)", err, node.HintOf(err), tt.err, tt.hint)
			}
			if tt.complaint == "" && errors.Is(err, fs.ErrNotExist) {
				t.Error("the verdict wraps an error of the file system")
			}
		})
	}
}

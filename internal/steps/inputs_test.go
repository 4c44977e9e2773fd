// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package steps

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

func (n *fakeNode) link(path, target string) {
	n.files[inTree(path)] = &fstest.MapFile{Data: []byte(target), Mode: fs.ModeSymlink | 0o777, ModTime: n.clock}
}

// What a link leads to is edited and made; the link stays.
func TestLinks(t *testing.T) {
	const log = "/var/log/falco.log"
	tests := []struct {
		name    string
		arrange func(*fakeNode)
		file    string // that is written
		err     string
	}{
		{name: "falco.yaml", file: "/srv/falco/falco.yaml", arrange: func(n *fakeNode) {
			n.write("/srv/falco/falco.yaml", falcoYAML)
			n.link(falco.ConfigFile, "../../srv/falco/falco.yaml")
		}},
		{name: "falco.yaml, by two relative links and a directory", file: "/srv/real/falco.yaml", arrange: func(n *fakeNode) {
			n.write("/srv/real/falco.yaml", falcoYAML)
			n.link("/srv/falco", "real")
			n.link("/etc/falco/site.yaml", "../../srv/falco/falco.yaml")
			n.link(falco.ConfigFile, "site.yaml")
		}},
		{name: "the log", file: "/srv/alerts.log", arrange: func(n *fakeNode) {
			delete(n.files, inTree(log))
			n.write("/srv/x", "")
			n.link(log, "../../srv/alerts.log")
		}},
		{name: "the log, into a directory that is not there", err: "/var/log/falco.log is a link to /mnt/gone/alerts.log, whose directory does not exist", arrange: func(n *fakeNode) {
			delete(n.files, inTree(log))
			n.link(log, "/mnt/gone/alerts.log")
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n, s := newNode(t, "8.10", uek7)
			converged(t, n, s)
			tt.arrange(n)
			before := n.state()
			plan, links := converge.Plan(t.Context(), n, All(s)), map[string]string{}
			for name, f := range n.files {
				if f.Mode&fs.ModeSymlink != 0 {
					links[name] = string(f.Data)
				}
			}
			run := converge.Converge(t.Context(), n, All(s), quiet)
			if tt.err != "" {
				for what, err := range map[string]error{"Plan": plan.Err, "Converge": run.Err} {
					if err == nil || !strings.Contains(err.Error(), tt.err) {
						t.Errorf("%s = %v, want %q", what, err, tt.err)
					}
				}
				return
			}
			if plan.Err != nil || run.Err != nil {
				t.Fatalf("Plan = %v, Converge = %v", plan.Err, run.Err)
			}
			if after := n.state(); before[inTree(tt.file)] == after[inTree(tt.file)] {
				t.Errorf("%s is as before", tt.file)
			}
			for name, target := range links {
				if f := n.files[name]; f.Mode&fs.ModeSymlink == 0 || string(f.Data) != target {
					t.Errorf("%s is no longer a link to %s", name, target)
				}
			}
			inOrder(t, n, s)
		})
	}
}

// A dry run refuses a log whose name Falco changes, as a run does.
func TestLogNameWithVariables(t *testing.T) {
	for _, name := range []string{"/var/log/falco-${x}.log", "/var/log/$$.log", "/var/log/$${x}.log"} {
		n, s := newNode(t, "8.10", uek7)
		s.Falco.Config = map[string]any{"file_output": map[string]any{"enabled": true, "filename": name}}
		plan, run := converge.Plan(t.Context(), n, All(s)), converge.Converge(t.Context(), n, All(s), quiet)
		if node.CodeOf(plan.Err) != node.CodeConfig || node.CodeOf(run.Err) != node.CodeConfig || len(n.changes) > 0 {
			t.Errorf("%s: Plan = %v, Converge = %v after %q, want both refused", name, plan.Err, run.Err, n.changes)
		}
	}
}

// A process is older than its configuration only if it has not read that again by
// itself.
func TestHotReload(t *testing.T) {
	const fragment = "/etc/falco/config.d/a.yaml"
	tests := []struct {
		name string
		// file changes a minute after Falco was started; created is how long
		// before that it was made.
		file    string
		created time.Duration
		watches []string // what the process watches with inotify
		ago     time.Duration
		refused bool
		stale   bool
	}{
		{name: "falco.yaml, watched", file: falco.ConfigFile, watches: []string{falco.ConfigFile}},
		{name: "falco.yaml, not watched", file: falco.ConfigFile, stale: true},
		{name: "falco.yaml, a moment ago", file: falco.ConfigFile, watches: []string{falco.ConfigFile}, ago: time.Second, stale: true},
		{name: "falco.yaml, refused", file: falco.ConfigFile, watches: []string{falco.ConfigFile}, refused: true},
		{name: "a fragment, new", file: fragment, watches: []string{"/etc/falco/config.d"}},
		{name: "a fragment, written in place", file: fragment, created: time.Hour, watches: []string{"/etc/falco/config.d"}, stale: true},
		{name: "a fragment, not watched", file: fragment, watches: []string{falco.ConfigFile}, stale: true},
		{name: "a rules file, watched", file: "/etc/falco/falco_rules.yaml", created: time.Hour, watches: []string{"/etc/falco/falco_rules.yaml"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n, s := newNode(t, "8.10", uek7)
			converged(t, n, s)
			n.write(falco.ConfigFile, n.read(falco.ConfigFile)+"config_files: [/etc/falco/config.d]\n")
			n.write(fragment, "priority: debug\n")
			u := n.modern()
			u.MainPID, u.Started = 77, n.clock
			n.clock = n.clock.Add(time.Minute)
			n.write(tt.file, n.read(tt.file)+"# x\n")
			n.inodes = map[string]uint64{falco.ConfigFile: 0xa1, fragment: 0xa2, "/etc/falco/config.d": 0xa3, "/etc/falco/falco_rules.yaml": 0xa4}
			n.created = map[string]time.Time{tt.file: n.clock.Add(-tt.created)}
			lines := "pos:\t0\nflags:\t02\n"
			for _, name := range tt.watches {
				lines += "inotify wd:1 ino:a" + string("0123456789"[n.inodes[name]-0xa0]) + " sdev:fd00 mask:388 ignored_mask:0\n"
			}
			n.write("/proc/77/fdinfo/9", lines)
			if tt.ago == 0 {
				tt.ago = time.Minute
			}
			n.clock = n.clock.Add(tt.ago)
			if tt.refused {
				n.complains = "bad"
			}
			r := converge.Plan(t.Context(), n, All(s))
			if refused := node.DriftOf(r.Err) == node.DriftConfigBroken; refused != tt.refused || !tt.refused && r.Err != nil {
				t.Errorf("Plan = %v, want refused %t", r.Err, tt.refused)
			}
			if stale := len(changes(r)) > 0; stale != tt.stale {
				t.Errorf("changes %v, want stale %t", changes(r), tt.stale)
			}
		})
	}
}

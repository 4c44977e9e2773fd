// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package steps

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/settings"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/systemd"
)

const modern = "falco-modern-bpf.service"

// handMade puts a unit of somebody's where the alias belongs; it runs.
func (n *fakeNode) handMade() *systemd.Unit {
	u := &systemd.Unit{
		Name: falco.AliasUnit, ID: falco.AliasUnit, LoadState: "loaded", ActiveState: "active", SubState: "running", UnitFileState: "enabled",
		Started: n.clock.Add(-time.Hour),
	}
	n.units[falco.AliasUnit] = u
	return u
}

// A unit of somebody's own in the alias's place gives way in one run, and not
// before the wanted one runs.
func TestHandMadeUnitGivesWay(t *testing.T) {
	n, s := newNode(t, "8.10", uek7)
	converged(t, n, s)
	n.modern().ActiveState, n.modern().SubState, n.modern().UnitFileState = "inactive", "dead", "disabled"
	u := n.handMade()
	n.changes = nil
	converged(t, n, s)
	start, stop := slices.Index(n.changes, "start "+modern), slices.Index(n.changes, "stop "+falco.AliasUnit)
	if start < 0 || stop < start {
		t.Errorf("the run did %q, want the one unit started before the other is stopped", n.changes)
	}
	if u.Enabled() || u.Running() || !n.modern().Enabled() {
		t.Errorf("falco.service is %+v, the wanted unit %+v", u, n.modern())
	}
	inOrder(t, n, s)
}

// Whatever fails, a node with a Falco that runs is not left without one.
func TestFailureLeavesAFalcoRunning(t *testing.T) {
	for _, change := range []string{
		"mask " + falco.FollowUnit, "start " + modern, "stop " + falco.AliasUnit, "disable " + falco.AliasUnit, "enable " + modern, "prove that " + modern + " detects",
	} {
		t.Run(change, func(t *testing.T) {
			n, s := newNode(t, "8.10", uek7)
			converged(t, n, s)
			n.modern().ActiveState, n.modern().SubState, n.modern().UnitFileState = "inactive", "dead", "disabled"
			n.units[falco.FollowUnit].UnitFileState, n.units[falco.FollowUnit].LoadState = "disabled", "loaded"
			u := n.handMade()
			n.fails = map[string]error{change: &node.Error{Code: node.CodeNotRunning, Err: errors.New("refused")}}
			r := converge.Converge(t.Context(), n, All(s), quiet)
			if node.CodeOf(r.Err) != node.CodeNotRunning {
				t.Errorf("Converge = %v, want exit status 7", r.Err)
			}
			if !n.modern().Running() && (!u.Running() || !u.Enabled()) {
				t.Errorf("no Falco runs after %q", n.changes)
			}
		})
	}
}

// A Falco that is down is started although a plan fails on something that it does
// not need; nothing else is done, and one that runs is left alone.
func TestStoppedFalcoIsStartedDespiteAFailedPlan(t *testing.T) {
	overruled := func(n *fakeNode, _ *settings.Settings) {
		n.write(falco.ConfigFile, n.read(falco.ConfigFile)+"config_files: [/etc/falco/config.d]\n")
		n.write("/etc/falco/config.d/50-site.yaml", "file_output: {enabled: false}\n")
	}
	for _, tt := range []struct {
		name    string
		make    func(*fakeNode, *settings.Settings)
		code    node.Code
		started bool
	}{
		{"the repository's file", func(n *fakeNode, _ *settings.Settings) { n.write(repoFile, "garbage\n") }, node.CodePackages, true},
		{"a group that is not there", func(_ *fakeNode, s *settings.Settings) { s.Log.Group = "nobody-here" }, node.CodeConfig, true},
		{"a key that is overruled", overruled, node.CodeConfig, true},
		{"a configuration that Falco refuses", func(n *fakeNode, s *settings.Settings) {
			overruled(n, s)
			n.complains = "refused"
		}, node.CodeConfig, false},
		{"this host", func(n *fakeNode, _ *settings.Settings) { n.host.Systemd = false }, node.CodePreflight, false},
	} {
		for _, running := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, running %v", tt.name, running), func(t *testing.T) {
				n, s := newNode(t, "8.10", uek7)
				converged(t, n, s)
				n.clock = n.clock.Add(time.Minute)
				if !running {
					n.modern().ActiveState, n.modern().SubState = "inactive", "dead"
				}
				tt.make(n, &s)
				n.changes = nil
				plan := converge.Plan(t.Context(), n, All(s))
				r := converge.Rescue(t.Context(), n, All(s), plan, quiet)
				if node.CodeOf(r.Err) != tt.code {
					t.Errorf("Rescue = %v, want exit status %d", r.Err, tt.code)
				}
				if can := converge.CanRescue(All(s), plan); !can && len(n.changes) > 0 {
					t.Errorf("CanRescue = %v with the changes %q", can, n.changes)
				}
				if got := slices.Contains(n.changes, "start "+modern); got != (tt.started && !running) || running && len(n.changes) > 0 {
					t.Errorf("Falco was started: %v, want %v: %q", got, tt.started && !running, n.changes)
				}
			})
		}
	}
}

// A Falco that is down is started although something that it does not need fails.
func TestStoppedFalcoIsStartedDespiteAFailure(t *testing.T) {
	refused := func(code node.Code) error { return &node.Error{Code: code, Err: errors.New("refused")} }
	stop := func(n *fakeNode) { n.modern().ActiveState, n.modern().SubState = "inactive", "dead" }
	for _, tt := range []struct {
		name    string
		make    func(*fakeNode, *settings.Settings)
		change  string
		code    node.Code
		started bool
	}{
		{"a reinstall", func(n *fakeNode, _ *settings.Settings) {
			stop(n)
			n.altered = []node.AlteredFile{{Path: "/usr/bin/falcoctl", What: "S.5......"}}
		}, "reinstall falco-0.44.1", node.CodePackages, true},
		{"a reinstall, and an upgrade by hand disabled the unit", func(n *fakeNode, _ *settings.Settings) {
			stop(n)
			n.modern().UnitFileState = "disabled"
			n.altered = []node.AlteredFile{{Path: "/usr/bin/falcoctl", What: "S.5......"}}
		}, "reinstall falco-0.44.1", node.CodePackages, true},
		{"a reinstall, and Falco needs its drop-in", func(n *fakeNode, _ *settings.Settings) {
			stop(n)
			delete(n.files, inTree(dropIn))
			n.altered = []node.AlteredFile{{Path: "/usr/bin/falcoctl", What: "S.5......"}}
		}, "reinstall falco-0.44.1", node.CodePackages, true},
		{"another version", func(n *fakeNode, s *settings.Settings) {
			stop(n)
			s.Falco.Version = "0.43.1"
		}, "install falco-0.43.1", node.CodePackages, true},
		{"the repository's file", func(n *fakeNode, _ *settings.Settings) {
			stop(n)
			delete(n.files, inTree(repoFile))
		}, "write " + repoFile, node.CodeFailed, true},
		{"a declared key", func(n *fakeNode, _ *settings.Settings) {
			stop(n)
			n.write(falco.ConfigFile, falcoYAML)
		}, "edit " + falco.ConfigFile, node.CodeConfig, true},
		{"a declared key of a Falco that was never set up", func(n *fakeNode, _ *settings.Settings) {
			stop(n)
			n.modern().UnitFileState = "disabled"
			n.write(falco.ConfigFile, falcoYAML)
		}, "edit " + falco.ConfigFile, node.CodeConfig, false},
		{"trust", func(n *fakeNode, _ *settings.Settings) {
			stop(n)
			n.altered = []node.AlteredFile{{Path: "/usr/bin/falcoctl", What: "S.5......"}}
		}, "reinstall falco-0.44.1", node.CodeTrust, false},
		{"the rotation", func(n *fakeNode, _ *settings.Settings) {
			stop(n)
			delete(n.files, inTree(logrotateFile))
		}, "write " + logrotateFile, node.CodeFailed, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n, s := newNode(t, "8.10", uek7)
			converged(t, n, s)
			n.clock = n.clock.Add(time.Minute)
			tt.make(n, &s)
			n.fails = map[string]error{tt.change: refused(tt.code)}
			r := converge.Converge(t.Context(), n, All(s), quiet)
			if node.CodeOf(r.Err) != tt.code {
				t.Errorf("Converge = %v, want exit status %d", r.Err, tt.code)
			}
			if n.modern().Running() != tt.started {
				t.Errorf("Falco runs: %v, want %v, after %q", n.modern().Running(), tt.started, n.changes)
			}
		})
	}
}

// A Falco that runs is left alone by a run that fails.
func TestRunningFalcoIsLeftAloneAfterAFailure(t *testing.T) {
	n, s := newNode(t, "8.10", uek7)
	converged(t, n, s)
	n.clock = n.clock.Add(time.Minute)
	n.write("/etc/falco/falco_rules.yaml", "- rule: y\n")
	n.altered = []node.AlteredFile{{Path: "/usr/bin/falcoctl", What: "S.5......"}}
	n.fails = map[string]error{"reinstall falco-0.44.1": &node.Error{Code: node.CodePackages, Err: errors.New("refused")}}
	was := n.modern().InvocationID
	r := converge.Converge(t.Context(), n, All(s), quiet)
	if node.CodeOf(r.Err) != node.CodePackages || n.modern().InvocationID != was {
		t.Errorf("Converge = %v after %q, want exit status 5 and no restart", r.Err, n.changes)
	}
	if got := stepOf(t, r, idUnit); got.Status != converge.StatusSkipped {
		t.Errorf("unit is %s, want skipped", got.Status)
	}
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package steps

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/settings"
)

// A running Falco is replaced only if the installed one accepts what is on disk;
// where nothing runs, nothing is asked.
func TestRunningFalcoIsNotReplacedByOneThatRefuses(t *testing.T) {
	stop := func(n *fakeNode) { n.modern().ActiveState, n.modern().SubState = "inactive", "dead" }
	tests := []struct {
		name  string
		drift func(*fakeNode, *settings.Settings)
		// asks says that Falco is asked before the running one is replaced.
		asks  bool
		drops node.Drift
	}{
		{"nothing", func(*fakeNode, *settings.Settings) {}, false, ""},
		{"rules newer", func(n *fakeNode, _ *settings.Settings) { n.write("/etc/falco/falco_rules.yaml", "- rule: y\n") }, true, node.DriftConfigBroken},
		{"falco.yaml edited by hand", func(n *fakeNode, _ *settings.Settings) {
			n.write(falco.ConfigFile, n.read(falco.ConfigFile)+"priority:\n")
		}, true, node.DriftConfigBroken},
		{"a drop-in newer", func(n *fakeNode, _ *settings.Settings) {
			n.write("/etc/systemd/system/falco-modern-bpf.service.d/60-site.conf", "[Service]\n")
			n.modern().DropIns = n.dropIns("falco-modern-bpf.service")
		}, true, node.DriftConfigBroken},
		{"a package newer", func(n *fakeNode, _ *settings.Settings) {
			n.clock = n.clock.Add(time.Minute)
			n.packages[0].Installed = n.clock
		}, true, node.DriftConfigBroken},
		{"a drop-in of ours to be written", func(_ *fakeNode, s *settings.Settings) { s.Log.Mode = "0640" }, true, node.DriftConfigBroken},
		{"a declared key to be set", func(_ *fakeNode, s *settings.Settings) { s.Falco.Config["json_output"] = true }, true, ""},
		{"another Falco runs in its place", func(n *fakeNode, _ *settings.Settings) {
			stop(n)
			n.units["falco-custom.service"].ActiveState, n.units["falco-custom.service"].SubState = "active", "running"
		}, true, node.DriftConfigBroken},
		{"stopped", func(n *fakeNode, _ *settings.Settings) { stop(n) }, false, ""},
		{"failed", func(n *fakeNode, _ *settings.Settings) {
			n.modern().ActiveState, n.modern().SubState = "failed", "failed"
		}, false, ""},
		{"crash-looping", func(n *fakeNode, _ *settings.Settings) {
			n.modern().ActiveState, n.modern().SubState = "activating", "auto-restart"
		}, false, ""},
		{"crash-looping, and up for a moment", func(n *fakeNode, _ *settings.Settings) {
			n.modern().NRestarts, n.modern().Started = 3, n.clock
			n.write("/etc/falco/falco_rules.yaml", "- rule: y\n")
		}, false, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n, s := newNode(t, "9.6", uek7)
			converged(t, n, s)
			n.clock, n.questions, n.complains = n.clock.Add(time.Minute), nil, "bad rule"
			tt.drift(n, &s)
			n.changes = nil
			before := n.state()
			r := converge.Plan(t.Context(), n, All(s))
			if asked := len(n.questions) > 0; asked != tt.asks {
				t.Fatalf("Falco was asked %d times, want it asked: %v", len(n.questions), tt.asks)
			}
			if !tt.asks {
				return
			}
			for _, err := range []error{r.Err, converge.Converge(t.Context(), n, All(s), quiet).Err} {
				if node.CodeOf(err) != node.CodeConfig || !strings.Contains(err.Error(), "bad rule") || node.HintOf(err) == "" || node.DriftOf(err) != tt.drops {
					t.Errorf("error = %v (%v, %q), want %v and %q with Falco's reason and a hint", err, node.CodeOf(err), node.DriftOf(err), node.CodeConfig, tt.drops)
				}
			}
			for _, c := range n.changes {
				if strings.HasPrefix(c, "stop") || strings.HasPrefix(c, "restart") || strings.HasPrefix(c, "start") {
					t.Errorf("the run did %q", c)
				}
			}
			if after := n.state(); after["unit falco-modern-bpf.service"] != before["unit falco-modern-bpf.service"] {
				t.Errorf("the unit was %s and is %s", before["unit falco-modern-bpf.service"], after["unit falco-modern-bpf.service"])
			}
			n.complains = ""
			converged(t, n, s)
			inOrder(t, n, s)
		})
	}
}

// Falco is asked as its unit starts it.
func TestFalcoIsAskedAsItsUnitStartsIt(t *testing.T) {
	n, s := newNode(t, "8.10", uek7)
	converged(t, n, s)
	n.clock, n.questions = n.clock.Add(time.Minute), nil
	n.write("/etc/sysconfig/falco", "PRIORITY=debug\n")
	n.write("/etc/falco/falco_rules.yaml", "- rule: y\n")
	u := n.modern()
	u.ExecStart = []string{"/usr/bin/falco", "-o", "engine.kind=modern_ebpf", "-r", "/etc/rules"}
	u.Environment, u.EnvironmentFiles = []string{"A=b"}, []string{"/etc/sysconfig/falco"}
	if r := converge.Plan(t.Context(), n, All(s)); r.Err != nil || len(n.questions) != 1 {
		t.Fatalf("Plan = %v, with %d questions", r.Err, len(n.questions))
	}
	q := n.questions[0]
	if !slices.Equal(q.Args, u.ExecStart[1:]) || !slices.Equal(q.Env, []string{"A=b", "PRIORITY=debug", "LD_PRELOAD=" + falco.PreloadLibrary}) || q.Version != "0.44.1" {
		t.Errorf("Falco was asked with %+v", q)
	}
	// A library of somebody else's is the unit's too.
	u.Environment = []string{"LD_PRELOAD=/lib64/other.so"}
	n.questions = nil
	converge.Plan(t.Context(), n, All(s))
	if q := n.questions[0]; !slices.Contains(q.Env, "LD_PRELOAD=/lib64/other.so") || len(q.Env) != 2 {
		t.Errorf("Falco was asked with %+v", q)
	}
}

// A dry run asks about the edited falco.yaml, not about the one on disk.
func TestFalcoIsAskedAboutTheEditedFile(t *testing.T) {
	n, s := newNode(t, "9.6", uek7)
	converged(t, n, s)
	n.questions, n.candidates, n.changes = nil, nil, nil
	s.Falco.Config["json_output"] = true
	if r := converge.Plan(t.Context(), n, All(s)); r.Err != nil || len(n.candidates) != 1 || !strings.Contains(n.candidates[0], "json_output: true") {
		t.Errorf("Plan = %v, asked about %q", r.Err, n.candidates)
	}
}

// The files of a package that is about to be replaced are not judged.
func TestFalcoIsNotAskedBeforeItIsReinstalled(t *testing.T) {
	n, s := newNode(t, "9.6", uek7)
	converged(t, n, s)
	n.clock, n.questions, n.complains = n.clock.Add(time.Minute), nil, "no plugin"
	n.altered = []node.AlteredFile{{Path: "/usr/share/falco/plugins/libcontainer.so", Missing: true}}
	n.write("/etc/falco/falco_rules.yaml", "- rule: y\n")
	if r := converge.Plan(t.Context(), n, All(s)); r.Err != nil || !r.Pending() {
		t.Errorf("Plan = %v, pending %v", r.Err, r.Pending())
	}
}

// Who may not ask Falco does not know what it would say, and nothing more.
func TestFalcoIsAskedByRootOnly(t *testing.T) {
	n, s := newNode(t, "9.6", uek7)
	converged(t, n, s)
	n.clock, n.host.Root = n.clock.Add(time.Minute), false
	n.write("/etc/falco/falco_rules.yaml", "- rule: y\n")
	r := converge.Plan(t.Context(), n, All(s))
	if unit := stepOf(t, r, idUnit); r.Err != nil || unit.Status != converge.StatusPending || len(unit.Unknown) != 1 {
		t.Errorf("Plan = %v, unit %+v", r.Err, unit)
	}
}

// What systemd would not start again is left running, and what it does not start is
// named, also where it says nothing itself.
func TestUnitThatSystemdWouldNotStart(t *testing.T) {
	for _, tt := range []struct {
		name, dropIn, says string
		stopped            bool
		code               node.Code
	}{
		{name: "a condition", dropIn: "[Unit]\nConditionPathExists=/etc/ready\n", says: siteDropIn + ":2 has ConditionPathExists=/etc/ready, which is not met; the running Falco is left alone", code: node.CodeConfig},
		{name: "a path", dropIn: "[Service]\nReadWritePaths=/opt/none\n", says: siteDropIn + ":2 has ReadWritePaths=/opt/none, and there is no /opt/none; the running Falco", code: node.CodeConfig},
		{name: "a condition of a unit that is down", dropIn: "[Unit]\nConditionPathExists=/etc/ready\n", says: siteDropIn + ":2 has ConditionPathExists=/etc/ready, which is not met", stopped: true, code: node.CodeNotRunning},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n, s := newNode(t, "9.6", uek7)
			converged(t, n, s)
			n.clock = n.clock.Add(time.Minute)
			n.write(siteDropIn, tt.dropIn)
			n.modern().DropIns = n.dropIns("falco-modern-bpf.service")
			if tt.stopped {
				n.modern().ActiveState, n.modern().SubState = "inactive", "dead"
			}
			n.changes = nil
			for _, err := range []error{converge.Plan(t.Context(), n, All(s)).Err, converge.Converge(t.Context(), n, All(s), quiet).Err} {
				if node.CodeOf(err) != tt.code || !strings.Contains(err.Error(), tt.says) || node.HintOf(err) == "" {
					t.Errorf("error = %v (%v), want %v and %q with a hint", err, node.CodeOf(err), tt.code, tt.says)
				}
			}
			if len(n.changes) > 0 {
				t.Errorf("the run changed %q", n.changes)
			}
		})
	}
}

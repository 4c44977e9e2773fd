// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"strings"
	"testing"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

// pkgRule is the rule of falco-incubating-rules-6.0.1.
var pkgRule = Rule{
	Name: falco.PackageManagementRule, Origin: "/r.yaml:7", Enabled: true, Source: "syscall",
	Condition: "spawned_process and container and user.name != \"_apt\" and package_mgmt_procs",
	Output:    "Package management process launched in container | package_mgmt_tool=%proc.name evt_type=%evt.type user=%user.name\n  parent=%proc.aname[2]",
}

func TestMatch(t *testing.T) {
	tests := []struct {
		name, line string
		rule       Rule
		want       string // "" means no match
	}{
		{"text", "10:00:00.1: Error Package management process launched in container | package_mgmt_tool=dnf evt_type=execve user=root parent=bash container_id=82eb87e4b166 container_name=web k8s_pod_name=web-1 k8s_ns_name=shop", pkgRule, "on node n, in container web, pod shop/web-1"},
		{"text without names", "2026-11-26T10:00:00+0000: Error Package management process launched in container | package_mgmt_tool=dnf evt_type=execve user=root parent=bash container_id=82eb87e4b166 container_name=<NA> k8s_pod_name=<NA>", pkgRule, "on node n, in container 82eb87e4b166"},
		{"another rule in text", "10:00:00.1: Error Package management process launched in contain", pkgRule, ""},
		{"JSON", `{"hostname":"w1","output":"x","rule":"` + pkgRule.Name + `","output_fields":{"container.id":"82eb","container.name":"web","k8s.ns.name":null,"k8s.pod.name":"web-1"}}`, pkgRule, "on node w1, in container web, pod web-1"},
		{"JSON on the host", `{"rule":"` + pkgRule.Name + `","output_fields":{"container.id":"host"}}`, pkgRule, "on node n, on the host itself"},
		{"another rule in JSON", `{"rule":"Other","output":"` + pkgRule.Name + `"}`, pkgRule, ""},
		{"broken JSON", `{"rule":`, pkgRule, ""},
		{"an output without words", "10:00:00.1: Error a b", Rule{Name: "X", Output: "%proc.name %fd.name"}, ""},
		{"a transformer", "10:00:00.1: Notice ran CMD as root", Rule{Name: "X", Output: "ran %toupper(proc.name) as %user.name"}, "on node n, on the host itself"},
	}
	for _, tt := range tests {
		a, ok := tt.rule.Match([]byte(tt.line))
		if a.Node == "" {
			a.Node = "n"
		}
		if ok != (tt.want != "") || ok && a.String() != tt.want {
			t.Errorf("%s: Match = %q, %v; want %q", tt.name, a, ok, tt.want)
		}
	}
}

func TestWhyARuleCannotAlert(t *testing.T) {
	off, quiet, plugin := pkgRule, pkgRule, pkgRule
	off.Enabled, off.By = false, "/etc/falco/falco.yaml:9"
	quiet.Silent = "its priority is too low"
	plugin.Condition, plugin.Output, plugin.Source = "proc.tty != 0", "%x", "k8s_audit"
	for _, tt := range []struct {
		name string
		err  error
		says []string
	}{
		{"not loaded", pkgRule.Unraisable(false), []string{"loads no rule"}},
		{"disabled", off.Unraisable(true), []string{"(/r.yaml:7) is disabled by /etc/falco/falco.yaml:9"}},
		{"silent", quiet.Unraisable(true), []string{"its priority is too low"}},
		{"missed", pkgRule.Missed("/l", time.Minute), []string{"/l within 1m0s", "needs a process in a container"}},
		{"missed for more reasons", plugin.Missed("/l", time.Minute), []string{"terminal", "json_output", "k8s_audit"}},
	} {
		for _, text := range tt.says {
			if node.CodeOf(tt.err) != node.CodeNotRunning || node.HintOf(tt.err) == "" || !strings.Contains(tt.err.Error(), text) {
				t.Errorf("%s: %v (%q), want %q and a hint", tt.name, tt.err, node.HintOf(tt.err), text)
			}
		}
	}
	if err := pkgRule.Unraisable(true); err != nil {
		t.Errorf("Unraisable = %v", err)
	}
	if hint := node.HintOf(pkgRule.Unraisable(false)); !strings.Contains(hint, "incubating") {
		t.Errorf("hint = %q", hint)
	}
}

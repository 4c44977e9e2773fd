// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"slices"
	"strings"
	"testing"
)

// A breakage is something that a running Falco goes on with and that no Falco
// starts with.
type breakage struct {
	name string
	// do breaks a configuration that has been saved.
	do string
	// says stands in the error of a run and of a dry run.
	says string
}

func breakages() []breakage {
	yaml := func(script string) string { return "sed -i -e '" + script + "' " + falcoYAML }
	return []breakage{
		{"a rule with an unknown field", `printf -- '- rule: X\n  desc: x\n  condition: nosuch.field = 1\n  output: x\n  priority: INFO\n' >/etc/falco/rules.d/bad.yaml`, "nosuch.field"},
		{"rules that are not YAML", `echo 'x: [' >>/etc/falco/falco_rules.local.yaml`, "falco_rules.local.yaml"},
		{"a priority without a value", yaml("s/^priority:.*/priority:/"), "priority"},
		{"a log level without a value", yaml("s/^log_level:.*/log_level:/"), "log level"},
		{"an address without a value", yaml("s/^  listen_address:.*/  listen_address:/"), "listen"},
		{"nested rules files", yaml("s|^  - /etc/falco/rules.d|  - [/etc/falco/rules.d]|"), ""},
		{"a plugin without a name", yaml("s/^  - name: container/  - kind: container/"), "plugin"},
		{"a short interval of metrics", yaml("/^metrics:/,/interval/{s/enabled: false/enabled: true/; s/interval: .*/interval: 10ms/}"), "interval"},
		{"an infinite threshold", yaml("s/^  threshold: .*/  threshold: .inf/"), "threshold"},
		{"no fragments", yaml("/^config_files:/,/config.d/d"), "lugin"},
		{"rules that are no selections", yaml("$arules: [foo]"), ""},
		{"only rules files that are missing", yaml("/^rules_files:/,/rules.d/{s|/etc/falco/|/etc/gone/|}"), "rules file"},
		{"no output at all by a fragment", `printf 'file_output: {enabled: true}\n' >/etc/falco/config.d/90-site.yaml`, "filename"},
		{"an option of the unit", `printf '[Service]\nExecStart=\nExecStart=/usr/bin/falco -o engine.kind=modern_ebpf -o priority=loud\n' >/etc/systemd/system/falco-modern-bpf.service.d/90-site.conf; systemctl daemon-reload`, "loud"},
		{"a variable of the unit", `sed -i 's/^priority:.*/priority: ${PRIORITY}/' ` + falcoYAML + `; printf '[Service]\nEnvironment=PRIORITY=loud\n' >/etc/systemd/system/falco-modern-bpf.service.d/90-site.conf; systemctl daemon-reload`, "riority"},
	}
}

// A running Falco is not taken down for one that would not start: both a dry run
// and a run say why, and the node goes on detecting.
func TestBrokenConfigLeavesFalcoRunning(t *testing.T) {
	t.Parallel()
	n := StartConverged(t, OL("9.6"))
	n.Quirk("delay", "0.2")
	n.Must("mkdir -p /etc/systemd/system/falco-modern-bpf.service.d; sed -i 's/^watch_config_files: .*/watch_config_files: false/' " + falcoYAML)
	if r := n.Run("--set", "watch_config_files=false"); r.Exit != 0 {
		t.Fatal(r)
	}
	n.Must("cp -a /etc/falco /srv/falco; sleep 1.1")
	const undo = "cp -a /srv/falco/. /etc/falco/; rm -f /etc/falco/rules.d/bad.yaml /etc/falco/config.d/90-site.yaml " +
		"/etc/systemd/system/falco-modern-bpf.service.d/90-site.conf; systemctl daemon-reload"
	for _, b := range breakages() {
		t.Run(b.name, func(t *testing.T) {
			n.In(t)
			n.Must(b.do)
			defer n.Must(undo)
			before := n.configAndUnit()
			for _, mode := range []string{"--dry-run=true", "--dry-run=false"} {
				all := reportOf(t, n.Run(mode, "--output=json"))
				if all.Exit.Code != 6 || !strings.Contains(failure(all).Message, b.says) || failure(all).Hint == "" {
					t.Errorf("%s: exit %d: %+v, want 6 and %q", mode, all.Exit.Code, failure(all), b.says)
				}
			}
			if after := n.configAndUnit(); after != before {
				t.Errorf("falco.yaml and Falco were\n%s and are\n%s", before, after)
			}
		})
	}
	t.Run("it detects all the while", func(t *testing.T) {
		n.In(t)
		if r := n.Run("verify"); r.Exit != 0 {
			t.Errorf("verify: %v", r)
		}
	})
	t.Run("and is named as a drift", func(t *testing.T) {
		n.In(t)
		n.Must(breakages()[0].do)
		all := reportOf(t, n.Run("--dry-run", "--output=json"))
		if !slices.Contains(all.Drift, "config-broken") {
			t.Errorf("drift = %q", all.Drift)
		}
		n.Must(undo)
	})
}

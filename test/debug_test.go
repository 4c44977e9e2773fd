// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"encoding/json"
	"strings"
	"testing"
)

// debug says of a node in any state what there is, hides secrets, and changes nothing.
func TestDebug(t *testing.T) {
	t.Parallel()
	n := Start(t, OL("9.6"))
	debug := func(t *testing.T, args ...string) string {
		t.Helper()
		before := n.Snapshot()
		r := n.Sh(agent + " debug --kernel-release " + n.Setup.Kernel + " " + strings.Join(args, " "))
		if r.Exit != 0 {
			t.Errorf("debug: %v", r)
		}
		if diff := before.Diff(n.Snapshot(), falcoLog, "/run"); len(diff) > 0 {
			t.Errorf("debug changed the node: %q", diff)
		}
		return r.Stdout
	}
	want := func(t *testing.T, out string, words ...string) {
		t.Helper()
		for _, w := range words {
			if !strings.Contains(out, w) {
				t.Errorf("debug says nothing of %q:\n%s", w, out)
			}
		}
	}
	t.Run("a bare node", func(t *testing.T) {
		n.In(t)
		want(t, debug(t), "package falco is not installed", "/etc/falco-bootstrap.yaml:", "falco  absent", "it answers with its metadata", "does not answer", "packages    pending")
	})
	if r := n.Run(); r.Exit != 0 {
		t.Fatal(r)
	}
	t.Run("a node in order", func(t *testing.T) {
		n.In(t)
		n.Must("mkdir -p /etc/unified-monitoring-agent/conf.d/fluentd_config /var/log/unified-monitoring-agent; echo 'path /var/log/falco.log' >/etc/unified-monitoring-agent/conf.d/fluentd_config/fluentd.conf; echo 'x 404 NotAuthorizedOrNotFound' >/var/log/unified-monitoring-agent/unified-monitoring-agent.log")
		out := debug(t)
		want(t, out, "falco-0.44.1", modernUnit+": enabled, active (running)", "proof       ok", "names /var/log/falco.log 1 times", "404 NotAuthorizedOrNotFound", "\"result\": ", "ExecStart=", "/etc/logrotate.d")
	})
	t.Run("a broken node with secrets", func(t *testing.T) {
		n.In(t)
		n.Must("cp -p /etc/falco-bootstrap.yaml /run/; mkdir -p /etc/systemd/system/" + modernUnit + ".d; printf '[Service]\\nEnvironment=API_TOKEN=hunter2\\n' >/etc/systemd/system/" + modernUnit + ".d/90-site.conf; systemctl daemon-reload; rm -f /var/log/dnf.log")
		n.Must("sed -i '/^falco:/,$!b' /etc/falco-bootstrap.yaml; printf 'falco:\\n  config:\\n    http_output: {enabled: true, url: \"https://u:hunter2@h/hunter2\"}\\n' >>/etc/falco-bootstrap.yaml")
		out := debug(t)
		want(t, out, "[redacted]", "API_TOKEN=[redacted]")
		if strings.Contains(out, "hunter2") {
			t.Errorf("a secret comes out:\n%s", out)
		}
		n.Must("kill -STOP $(pidof dbus-daemon)")
		out = debug(t, "--output json")
		n.Must("kill -CONT $(pidof dbus-daemon); mv /run/falco-bootstrap.yaml /etc/; rm /etc/systemd/system/" + modernUnit + ".d/90-site.conf; systemctl daemon-reload")
		var r struct {
			SchemaVersion int `json:"schema_version"`
			Sections      []struct{ Name, Text, Problem string }
		}
		if err := json.Unmarshal([]byte(out), &r); err != nil || r.SchemaVersion != 1 || strings.Contains(out, "hunter2") {
			t.Fatalf("%v:\n%s", err, out)
		}
		for _, s := range r.Sections {
			if s.Name == "units" && s.Problem == "" {
				t.Errorf("the bus is stopped, and the units are %q", s.Text)
			}
		}
	})
}

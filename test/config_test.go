// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"slices"
	"strings"
	"testing"
)

// configAndUnit describes falco.yaml and the running Falco, which a refusal does not
// change.
func (n *Node) configAndUnit() string {
	n.t.Helper()
	return n.Must("stat -c '%i %Y %Z' /etc/falco/falco.yaml; sha256sum /etc/falco/falco.yaml; systemctl show -p InvocationID -p MainPID -p ActiveState falco-modern-bpf")
}

// A run names what Falco would refuse, or what something else would overrule, and
// changes nothing.
func TestConfigRefused(t *testing.T) {
	t.Parallel()
	n := StartConverged(t, OL("9.6"))
	n.Quirk("delay", "0.2")
	if r := n.Run(); r.Exit != 0 {
		t.Fatal(r)
	}
	for _, tt := range []struct {
		name  string
		files map[string]string // written for the case
		flags []string
		says  []string // in the error's message, in this order
	}{
		{
			name:  "a fragment overrules the log",
			files: map[string]string{"/etc/falco/config.d/60-mine.yaml": "# mine\nfile_output:\n  enabled: true\n  filename: /tmp/elsewhere\n"},
			says:  []string{"file_output.filename is declared /var/log/falco.log", "60-mine.yaml:4", "/tmp/elsewhere"},
		},
		{
			name:  "a fragment drops a declared key by replacing its block",
			files: map[string]string{"/etc/falco/config.d/60-mine.yaml": "webserver:\n  enabled: true\n"}, flags: []string{"--set", "webserver.listen_port=8766"},
			says: []string{"webserver.listen_port", "60-mine.yaml:1", "replaces the block"},
		},
		{
			name:  "a fragment is broken",
			files: map[string]string{"/etc/falco/config.d/60-mine.yaml": "json_output: true\nx: [1,\n"},
			says:  []string{"60-mine.yaml"},
		},
		{
			name:  "an editor's leftover is broken",
			files: map[string]string{"/etc/falco/config.d/.60.yaml.swp": "b0VIM\x00\x01\x02\n"},
			says:  []string{".60.yaml.swp"},
		},
		{name: "an unknown priority", flags: []string{"--set", "priority=loud"}, says: []string{"priority", "loud"}},
		{name: "a key that Falco does not have", flags: []string{"--set", "file_output.enbled=true"}, says: []string{"file_output.enbled is not a key of falco.yaml; did you mean file_output.enabled?"}},
		{name: "a value that is not a boolean", flags: []string{"--set", "file_output.enabled=maybe"}, says: []string{"file_output.enabled is not a boolean: maybe"}},
		{name: "a value that is not a port", flags: []string{"--set", "webserver.listen_port=99999"}, says: []string{"webserver.listen_port is not a whole number from 1 to 65535: 99999"}},
		{name: "a value that is not an interval", flags: []string{"--set", "metrics.interval=often"}, says: []string{"metrics.interval", "often", "no unit of time"}},
		{name: "an output without its URL", flags: []string{"--set", "http_output.enabled=true"}, says: []string{"http_output is enabled without url"}},
		{
			name:  "what only Falco itself can tell",
			files: map[string]string{"/etc/falco/rules.d/bad.yaml": "- rule: X\n  desc: x\n  condition: nosuch.field = 1\n  output: x\n  priority: INFO\n"},
			flags: []string{"--set", "json_output=true"},
			says:  []string{"falco would refuse the new /etc/falco/falco.yaml", "/etc/falco/rules.d/bad.yaml: Invalid", "nonexistent field nosuch.field"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n.In(t)
			for path, content := range tt.files {
				n.WriteFile(path, content)
				defer n.Must("rm " + path)
			}
			before := n.configAndUnit()
			if r := n.Run(append(tt.flags, "--dry-run")...); r.Exit != 6 {
				t.Errorf("a dry run: %v", r)
			}
			all := reportOf(t, n.Run(append(tt.flags, "--output=json")...))
			if all.Exit.Code != 6 {
				t.Errorf("exit %d: %+v, want 6", all.Exit.Code, failure(all))
			}
			Lines(t, failure(all).Message, tt.says...)
			if failure(all).Hint == "" {
				t.Errorf("no hint with %q", failure(all).Message)
			}
			if after := n.configAndUnit(); after != before {
				t.Errorf("falco.yaml and Falco were\n%s and are\n%s", before, after)
			}
		})
	}
	t.Run("the same afterwards", func(t *testing.T) {
		n.In(t)
		if r := n.Run("verify"); r.Exit != 0 {
			t.Errorf("verify: %v", r)
		}
	})
}

// A run reports what Falco accepts with a warning.
func TestConfigTold(t *testing.T) {
	t.Parallel()
	n := StartConverged(t, OL("9.6"))
	n.Quirk("delay", "0.2")
	n.WriteFile("/etc/falco/config.d/70-json.yaml", "json_output: true\n")
	n.WriteFile("/etc/falco/config.d/old.bak", "buffered_outputs: false\n")
	n.Must("echo 'bogus_key: 1' >>" + falcoYAML)
	// Only Falco's own schema has capture.future.
	r := n.Run("--set", "log_level=debug", "--set", "capture.future=1", "--set", "container_engines.cri.enabled=true", "--output=json")
	all := reportOf(t, r)
	if r.Exit != 0 || !slices.Contains(all.Drift, "config-stray") || !strings.Contains(warned(all), "/etc/falco/config.d/old.bak") {
		t.Errorf("drift = %q, warnings = %q: %v", all.Drift, warned(all), r)
	}
	if !strings.Contains(r.Stderr, "schema validation: failed") || !strings.Contains(r.Stderr, "bogus_key") {
		t.Errorf("Falco's schema warning is not reported: %s", r.Stderr)
	}
	if !strings.Contains(warned(all), "container_engines is a key of Falco from 0.39.0 on and before 0.41.0; Falco 0.44.1 ignores it") {
		t.Errorf("warnings = %q", warned(all))
	}
	show := n.Run("--set", "json_output=false", "--set", "priority=debug", "config", "show", "--origin")
	if show.Exit != 0 {
		t.Fatal(show)
	}
	Lines(t, show.Stdout, "# /etc/falco/falco.yaml", "main", "# /etc/falco/config.d/70-json.yaml", "append", "# -o",
		"file_output.filename:", "/var/log/falco.log", "# /etc/falco/falco.yaml:",
		"json_output:", "true", "# /etc/falco/config.d/70-json.yaml:1", "# declared: false")
	if r := n.Run("verify"); r.Exit != 0 {
		t.Errorf("verify: %v", r)
	}
	t.Run("no longer declared", func(t *testing.T) {
		n.In(t)
		for _, mode := range []string{"--dry-run=true", "--dry-run=false"} {
			all := reportOf(t, n.Run(mode, "--output=json"))
			if all.Exit.Code != 0 || !strings.Contains(warned(all), "no longer declared in falco.config, and left as it was set: capture.future (/etc/falco/falco.yaml:") || !strings.Contains(warned(all), "log_level (/etc/falco/falco.yaml:") {
				t.Errorf("%s: exit %d, warnings %q", mode, all.Exit.Code, warned(all))
			}
		}
		n.Must("mv " + falcoYAML + " /root/")
		if r := n.Run(); r.Exit != 0 || strings.Contains(n.ReadFile(falcoYAML), "log_level: debug") || !strings.Contains(n.ReadFile(falcoYAML), "filename: /var/log/falco.log") {
			t.Errorf("what the hint says: %v\n%s", r, n.ReadFile(falcoYAML))
		}
	})
	t.Run("config check", func(t *testing.T) {
		n.In(t)
		n.WriteFile("/tmp/site.yaml", "falco:\n  config:\n    json_output: false\n")
		if r := n.Run("config", "check", "/tmp/site.yaml"); r.Exit != 6 || !strings.Contains(r.Stdout, "json_output is declared false, but /etc/falco/config.d/70-json.yaml:1 says true") {
			t.Error(r)
		}
		n.WriteFile("/tmp/site.yaml", "falco:\n  config:\n    json_output: true\n")
		if r := n.Sh("runuser -u nobody -- " + agent + " config check --kernel-release=" + n.Setup.Kernel + " /tmp/site.yaml"); r.Exit != 0 || !strings.Contains(r.Stdout, "/tmp/site.yaml: ok") {
			t.Errorf("without root: %v", r)
		}
		// Both files of docs/settings.md, one of them with a misspelt key.
		n.WriteFile("/tmp/other.yaml", "falco:\n  config:\n    json_outptu: true\n")
		if r := n.Run("config", "check", "/tmp/site.yaml", "/tmp/other.yaml"); r.Exit != 6 || !strings.Contains(r.Stdout, "/tmp/site.yaml: ok") || !strings.Contains(r.Stdout+r.Stderr, "json_output") {
			t.Errorf("two files: %v", r)
		}
	})
}

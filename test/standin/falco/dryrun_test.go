// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A setup is a directory with a configuration that a case changes before it runs.
type setup struct {
	t   *testing.T
	dir string
	app app
}

// good is the configuration every case starts from; DIR is its directory.
const good = `config_files:
  - DIR/config.d
watch_config_files: true
rules_files:
  - DIR/rules.yaml
engine:
  kind: modern_ebpf
plugins:
  - name: container
    library_path: libcontainer.so
load_plugins: []
priority: debug
json_output: false
stdout_output:
  enabled: true
file_output:
  enabled: false
  keep_alive: false
  filename: ./events.txt
http_output:
  enabled: false
  url: ""
webserver:
  enabled: true
  listen_port: 8765
log_stderr: true
log_syslog: false
log_level: info
`

const goodRules = "- rule: Read sensitive file untrusted\n  desc: d\n  condition: fd.name = /etc/shadow\n  output: x\n  priority: WARNING\n"

func newSetup(t *testing.T, version string) *setup {
	t.Helper()
	s := &setup{t: t, dir: t.TempDir()}
	s.app = app{version: version, minor: minorOf(version), pluginDir: s.dir, quirks: quirks(s.dir)}
	s.write("falco.yaml", good)
	s.write("rules.yaml", goodRules)
	s.write("libcontainer.so", "")
	if err := os.Mkdir(filepath.Join(s.dir, "config.d"), 0o755); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *setup) write(name, text string) {
	s.t.Helper()
	text = strings.ReplaceAll(text, "DIR", s.dir)
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// edit replaces text of the main file.
func (s *setup) edit(old, now string) {
	s.t.Helper()
	if !strings.Contains(good, old) {
		s.t.Fatalf("the good configuration has no %q", old)
	}
	s.write("falco.yaml", strings.Replace(good, old, now, 1))
}

// run runs falco -c DIR/falco.yaml with more arguments.
func (s *setup) run(args ...string) (status int, stdout, stderr string) {
	var out, errs bytes.Buffer
	a := s.app
	a.stdout, a.stderr = &out, &errs
	status = a.run(append([]string{"-c", filepath.Join(s.dir, "falco.yaml")}, args...))
	return status, out.String(), strings.ReplaceAll(errs.String(), s.dir, "DIR")
}

// The rows show what Falco 0.44.1 was observed to do.
func TestDryRun(t *testing.T) {
	const reading = "Error: Error reading config file (DIR/falco.yaml): "
	for _, tt := range []struct {
		name     string
		old, now string            // an edit of the main file
		files    map[string]string // more files
		missing  string            // a file that is removed
		args     []string
		status   int
		want     string // in standard error
	}{
		{name: "good", want: "The chosen syscall buffer dimension is: 8388608 bytes (8 MBs)"},
		{name: "unknown key", old: "priority:", now: "bogus_key: 1\npriority:", want: "schema validation: failed for <root>: Object contains a property that could not be validated using 'properties' or 'additionalProperties' constraints: 'bogus_key'."},
		{name: "unknown nested key", old: "  keep_alive: false\n", now: "  bogus: 1\n", want: "failed for <root>[file_output]: Object contains"},
		{name: "grpc is gone", old: "priority:", now: "grpc: {enabled: false}\npriority:", want: "'grpc'."},
		{name: "unknown priority", old: "priority: debug", now: "priority: loud", status: 1, want: `Error: Unknown priority "loud"--must be one of`},
		{name: "file output without a name", old: "enabled: false\n  keep_alive: false\n  filename: ./events.txt", now: "enabled: true", status: 1, want: reading + "file output enabled but no filename in configuration block"},
		{name: "name that is a list", old: "enabled: false\n  keep_alive: false\n  filename: ./events.txt", now: "enabled: true\n  filename: [a]", status: 1, want: "no filename in configuration block"},
		{name: "http output without an address", old: "http_output:\n  enabled: false", now: "http_output:\n  enabled: true", status: 1, want: reading + "http output enabled but no url in configuration block"},
		{name: "no rules key", old: "rules_files:\n  - DIR/rules.yaml\n", now: "", status: 1, want: "Error: You must specify at least one rules file/directory via -r or a rules_file entry in falco.yaml"},
		{name: "one rules file that is missing", old: "- DIR/rules.yaml", now: "- DIR/none.yaml\n  - DIR/rules.yaml"},
		{name: "only rules files that are missing", old: "DIR/rules.yaml", now: "DIR/none.yaml", status: 1, want: "Error: You must specify at least one rules file/directory"},
		{name: "no rules but a directory for them", old: "- DIR/rules.yaml", now: "- DIR/none.yaml\n  - DIR/config.d"},
		{name: "nested rules files", old: "- DIR/rules.yaml", now: "- [DIR/rules.yaml]", status: 1, want: "Error: yaml-cpp: error"},
		{name: "a priority without a value", old: "priority: debug", now: "priority:", status: 1, want: `Unknown priority "null"--must be one of`},
		{name: "a log level without a value", old: "log_level: info", now: "log_level:", status: 1, want: "Unknown log level null"},
		{name: "an address without a value", old: "  listen_port", now: "  listen_address:\n  listen_port", status: 1, want: `"null" is not a valid IP address`},
		{name: "a plugin without a name", old: "- name: container\n    library_path", now: "- library_path", status: 1, want: reading + "could not load plugins config"},
		{name: "rules that are no selections", old: "priority:", now: "rules: [foo]\npriority:", status: 1, want: "Error: yaml-cpp: error"},
		{name: "metrics at a short interval", old: "priority:", now: "metrics: {enabled: true, interval: 10ms, output_rule: true}\npriority:", status: 1, want: "Error: Metrics interval must have"},
		{name: "metrics", old: "priority:", now: "metrics: {enabled: true, interval: 1h, output_rule: true}\npriority:"},
		{name: "an infinite threshold", old: "priority:", now: "syscall_event_drops: {threshold: .inf}\npriority:", status: 1, want: reading + "syscall event drops threshold"},
		{name: "syntax error", old: "priority: debug", now: "priority: [", status: 1, want: "Cannot read config file (DIR/falco.yaml): yaml-cpp: error at line"},
		{name: "syntax error, last line", old: "priority: debug", now: "priority: [", status: 1, want: "\nError: std::exception\n"},
		{name: "bad rule", files: map[string]string{"rules.yaml": "- rule: x\n  condition: bogus.field = 1\n  priority: INFO\n"}, status: 1, want: "Error: DIR/rules.yaml: Invalid\n1 Errors:"},
		{name: "a macro that is not defined", files: map[string]string{"rules.yaml": "- macro: is\n  condition: evt.type in (open, close)\n- rule: x\n  condition: is and not (isnt or fd.name = a)\n"}, status: 1, want: "Undefined macro 'isnt' used in filter."},
		{name: "macros and lists", files: map[string]string{"rules.yaml": "- list: l\n  items: [a]\n- macro: is\n  condition: evt.type in (l) and fd.name startswith \"x and y\"\n- rule: x\n  condition: is and (proc.name exists or not is)\n- macro: is\n  condition: or is\n  append: true\n- rule: x\n  condition: and is\n  override: {condition: append}\n"}},
		{name: "an addition to nothing", files: map[string]string{"rules.yaml": "- list: l\n  items: [a]\n  override: {items: append}\n"}, status: 1, want: "List uses 'append'"},
		{name: "a rule's unknown priority", files: map[string]string{"rules.yaml": "- rule: x\n  priority: LOUD\n"}, status: 1, want: "LOAD_ERR_YAML_VALIDATE (Error validating internal structure of YAML file): Invalid priority"},
		{name: "rules that need a plugin", files: map[string]string{"rules.yaml": "- required_plugin_versions:\n  - name: container\n    version: 0.4.0\n"}, status: 1, want: "Error: Plugin requirement not satisfied, must load one of: container (>= 0.4.0)"},
		{name: "plugin that is missing", old: "load_plugins: []", now: "load_plugins: [container]", missing: "libcontainer.so", status: 1, want: "Runtime error: cannot load plugin DIR/libcontainer.so: "},
		{name: "fragment with half a block", files: map[string]string{"config.d/a.yaml": "file_output: {enabled: true}\n"}, status: 1, want: "no filename in configuration block"},
		{name: "broken fragment is not named", files: map[string]string{"config.d/a.yaml.bak": "a: [\n"}, status: 1, want: "Error: yaml-cpp: error at line"},
		{name: "fragment that is prose", files: map[string]string{"config.d/README": "just words\n"}, want: "DIR/config.d/README | schema validation: failed for <root>"},
		{name: "empty fragment", files: map[string]string{"config.d/a": ""}},
		{name: "nested config_files", files: map[string]string{"config.d/a": "config_files: [b]\n"}, status: 1, want: "can't be placed in included config files"},
		{name: "unknown option key", args: []string{"-o", "bogus.key=1"}},
		{name: "unknown flag", args: []string{"--nope"}, status: 1, want: "Error: Option 'nope' does not exist"},
		{name: "quiet about warnings", old: "log_stderr: true", now: "bogus: 1\nlog_stderr: false"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSetup(t, "0.44.1")
			if tt.old != "" {
				s.edit(tt.old, tt.now)
			}
			for name, text := range tt.files {
				s.write(name, text)
			}
			if tt.missing != "" {
				if err := os.Remove(filepath.Join(s.dir, tt.missing)); err != nil {
					t.Fatal(err)
				}
			}
			status, stdout, stderr := s.run(append(tt.args, "--dry-run")...)
			if status != tt.status || !strings.Contains(stderr, tt.want) || stdout != "" {
				t.Errorf("falco --dry-run = %d, want %d with %q\nstdout: %s\nstderr: %s", status, tt.status, tt.want, stdout, stderr)
			}
			if tt.status == 1 != strings.Contains(stderr, "rror: ") {
				t.Errorf("status %d, stderr: %s", status, stderr)
			}
		})
	}
}

// The release decides which options and keys exist and what the plugin needs.
func TestReleases(t *testing.T) {
	container := "load_plugins: [container]\n"
	for _, tt := range []struct {
		name, version, want string
		flag, fragment      string
		oldLibc             bool
		status              int
	}{
		{name: "no dry run yet", version: "0.32.2", flag: "--dry-run", status: 1, want: "Option 'dry-run' does not exist"},
		{name: "a list of rules instead", version: "0.32.2", flag: "-L"},
		{name: "a key that is gone", version: "0.44.1", flag: "--dry-run", fragment: "grpc: {enabled: false}\n", want: "'grpc'."},
		{name: "a key that is still known", version: "0.43.1", flag: "--dry-run", fragment: "grpc: {enabled: false}\n", want: "DIR/config.d/a | schema validation: ok"},
		{name: "old library", version: "0.44.1", flag: "--dry-run", fragment: container, oldLibc: true, status: 1, want: "undefined symbol: __res_search. Exiting."},
		{name: "old library, repaired", version: "0.45.0", flag: "--dry-run", fragment: container, oldLibc: true},
		{name: "old library, before the trouble", version: "0.41.3", flag: "--dry-run", fragment: container, oldLibc: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSetup(t, tt.version)
			s.app.oldLibc = tt.oldLibc
			s.write("config.d/a", tt.fragment)
			status, _, stderr := s.run(tt.flag)
			if status != tt.status || !strings.Contains(stderr, tt.want) {
				t.Errorf("falco %s %s = %d, want %d with %q\n%s", tt.version, tt.flag, status, tt.status, tt.want, stderr)
			}
		})
	}
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falcoconf

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

const mainFile = "/etc/falco/falco.yaml"

// base is a configuration without problems.
const base = `config_files:
  - /etc/falco/config.d
rules_files:
  - /etc/falco/falco_rules.yaml
engine:
  kind: modern_ebpf
  modern_ebpf:
    buf_size_preset: 4
file_output:
  enabled: true
  filename: /var/log/falco.log
`

// tree returns a node's files: the main file, a rules file, and the given files
// as path, content, path, content, ...
func tree(main string, files ...string) fstest.MapFS {
	fsys := fstest.MapFS{
		"etc/falco/falco.yaml":       {Data: []byte(main)},
		"etc/falco/falco_rules.yaml": {Data: []byte("- rule: x\n")},
	}
	for i := 0; i < len(files); i += 2 {
		fsys[strings.TrimPrefix(files[i], "/")] = &fstest.MapFile{Data: []byte(files[i+1])}
	}
	return fsys
}

// variables are those that the tests' Falco is known to have.
var variables = Variables([]string{"P=warning", "LEVEL=loud", "ON=yes", "EMPTY=", "DIR=/etc/falco", "TWICE=${P}", "P=debug", "SELF=${SELF}"})

func load(t *testing.T, fsys fs.FS, version string, overrides ...string) *Config {
	t.Helper()
	c, err := Load(fsys, mainFile, Start{Version: version, Overrides: overrides, Environment: variables})
	if err != nil {
		t.Fatalf("Load(%s): %v", version, err)
	}
	return c
}

func TestLoadGet(t *testing.T) {
	const d = "/etc/falco/config.d/"
	tests := []struct {
		name      string
		main      string // base if empty
		files     []string
		version   string
		overrides []string
		path      string
		want      any
		origin    string
		missing   bool
	}{
		{name: "main file", path: "file_output.filename", want: "/var/log/falco.log", origin: mainFile + ":11"},
		{name: "a map replaces the whole map", files: []string{d + "e.yaml", "engine: {kind: kmod}\n"}, path: "engine.modern_ebpf.buf_size_preset", missing: true},
		{name: "the last file in byte order wins", files: []string{d + "a.yaml", "priority: a\n", d + "B.yaml", "priority: b\n", d + ".c", "priority: c\n"}, path: "priority", want: "a", origin: d + "a.yaml:1"},
		{name: "every regular file is loaded", files: []string{d + "z.yaml.bak", "# x\npriority: z\n"}, path: "priority", want: "z", origin: d + "z.yaml.bak:2"},
		{name: "a subdirectory is not loaded", files: []string{d + "sub/z.yaml", "priority: z\n"}, path: "priority", missing: true},
		{name: "lists append since 0.41", files: []string{d + "r.yaml", "rules_files: [/b.yaml]\n"}, version: "0.41.0", path: "rules_files", want: []any{"/etc/falco/falco_rules.yaml", "/b.yaml"}, origin: d + "r.yaml:1"},
		{name: "lists replace before 0.41", files: []string{d + "r.yaml", "rules_files: [/b.yaml]\n"}, version: "0.40.0", path: "rules_files", want: []any{"/b.yaml"}, origin: d + "r.yaml:1"},
		{name: "no fragments before 0.38", files: []string{d + "r.yaml", "priority: z\n"}, version: "0.37.1", path: "priority", missing: true},
		{name: "strategy override", main: "config_files:\n- path: /f.yaml\n  strategy: override\nl: [a]\n", files: []string{"/f.yaml", "l: [b]\n"}, path: "l", want: []any{"b"}, origin: "/f.yaml:1"},
		{name: "strategy add-only", main: "config_files:\n- path: /f.yaml\n  strategy: add-only\nl: [a]\n", files: []string{"/f.yaml", "l: [b]\n"}, path: "l", want: []any{"a"}, origin: mainFile + ":4"},
		{name: "strategy add-only adds", main: "config_files:\n- path: /f.yaml\n  strategy: add-only\n", files: []string{"/f.yaml", "l: [b]\n"}, path: "l", want: []any{"b"}, origin: "/f.yaml:1"},
		{name: "unknown strategy appends", main: "config_files:\n- path: /f.yaml\n  strategy: merge\nl: [a]\n", files: []string{"/f.yaml", "l: [b]\n"}, path: "l[1]", want: "b", origin: "/f.yaml:1"},
		{name: "relative path", main: "config_files: f.yaml\n", files: []string{"/f.yaml", "l: b\n"}, path: "l", want: "b", origin: "f.yaml:1"},
		{name: "first document only", main: "a: 1\n---\na: 2\n", path: "a", want: int64(1), origin: mainFile + ":1"},
		{name: "first of two equal keys", main: "a: 1\na: 2\n", path: "a", want: int64(1), origin: mainFile + ":1"},
		{name: "last of two equal keys of a fragment", main: "config_files: f.yaml\n", files: []string{"/f.yaml", "a: 1\na: 2\n"}, path: "a", want: int64(2), origin: "f.yaml:2"},
		{name: "null wipes a map", files: []string{d + "f.yaml", "engine:\n"}, path: "engine", want: nil, origin: d + "f.yaml:1"},
		{name: "alias", main: "a: &x {k: 1}\nb: *x\n", path: "b.k", want: int64(1), origin: mainFile + ":1"},
		{name: "unit wins since 0.41", files: []string{d + "e.yaml", "engine: {kind: kmod}\n"}, overrides: []string{"engine.kind=modern_ebpf"}, path: "engine.kind", want: "modern_ebpf", origin: "the unit's command line"},
		{name: "unit loses to a fragment before 0.41", files: []string{d + "e.yaml", "engine: {kind: kmod}\n"}, version: "0.40.0", overrides: []string{"engine.kind=modern_ebpf"}, path: "engine.kind", want: "kmod", origin: d + "e.yaml:1"},
		{name: "unit makes a block", main: "a: 1\n", overrides: []string{"b.c[]=x", "b.c[]=true"}, path: "b.c", want: []any{"x", true}, origin: "the unit's command line"},
		{name: "unit sets an object", main: "a: 1\n", overrides: []string{"b={c: 1}"}, path: "b.c", want: int64(1), origin: "the unit's command line"},
		{name: "unit replaces config_files", files: []string{d + "e.yaml", "priority: z\n", "/f.yaml", "a: 1\n"}, overrides: []string{"config_files=/f.yaml"}, path: "priority", missing: true},
		{name: "unit appends to config_files", files: []string{d + "e.yaml", "priority: z\n", "/f.yaml", "priority: f\n"}, overrides: []string{"config_files[]=/f.yaml"}, path: "priority", want: "f", origin: "/f.yaml:1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			main := tt.main
			if main == "" {
				main = base
			}
			c := load(t, tree(main, tt.files...), tt.version, tt.overrides...)
			got, ok := c.Get(tt.path)
			if ok == tt.missing {
				t.Fatalf("Get(%s) = %v, %t, want %t", tt.path, got, ok, !tt.missing)
			}
			if diff := cmp.Diff(tt.want, got.Value); diff != "" {
				t.Errorf("Get(%s), -want +got:\n%s", tt.path, diff)
			}
			if ok && got.Origin.String() != tt.origin {
				t.Errorf("Get(%s).Origin = %s, want %s", tt.path, got.Origin, tt.origin)
			}
		})
	}
}

func TestDanglingLinkIsSkipped(t *testing.T) {
	fsys := tree(base)
	fsys["etc/falco/config.d/a.yaml"] = &fstest.MapFile{Data: []byte("nowhere"), Mode: fs.ModeSymlink | 0o777}
	c := load(t, fsys, "")
	if got := c.Inputs(); len(got) != 2 || len(c.Problems()) != 0 {
		t.Errorf("Inputs() = %v, Problems() = %v, want main and rules file, no problem", got, c.Problems())
	}
}

func TestProblems(t *testing.T) {
	const d = "/etc/falco/config.d/"
	with := func(lines string) string { return base + lines }
	without := func(line string) string { return strings.Replace(base, line, "", 1) }
	tests := []struct {
		name      string
		main      string // base if empty
		files     []string
		version   string
		overrides []string
		want      string // "fatal: " or "warning: ", then the problem; "" for none
	}{
		{name: "nothing"},
		{name: "broken fragment", files: []string{d + "a.yaml", "a: 1\nb: [1\n"}, want: "fatal: " + d + "a.yaml:2: fragment is broken"},
		{name: "binary fragment", files: []string{d + ".a.swp", "b0VIM\x00\x01"}, want: "fatal: " + d + ".a.swp: fragment is broken"},
		{name: "list as a fragment", files: []string{d + "a.yaml", "# x\n- a\n"}, want: "fatal: " + d + "a.yaml:2: fragment is a list"},
		{name: "prose as a fragment", files: []string{d + "a.yaml", "just words\n"}, want: "warning: " + d + "a.yaml:1: fragment is plain text"},
		{name: "comments as a fragment", files: []string{d + "a.yaml", "# words\n"}},
		{name: "nested config_files", files: []string{d + "a.yaml", "a: 1\nconfig_files: []\n"}, want: "fatal: " + d + "a.yaml:2: config_files is set in a fragment"},
		{name: "config_files names the main file", main: strings.Replace(base, "config.d", "falco.yaml", 1), want: "fatal: " + mainFile + ":2: config_files names the main file"},
		{name: "list appended to a scalar", files: []string{d + "a.yaml", "priority: [a]\n"}, main: with("priority: debug\n"), want: "fatal: " + d + "a.yaml:1: list priority is appended"},
		{name: "backup file", files: []string{d + "a.yaml.rpmsave", "a: 1\n"}, want: "warning: " + d + "a.yaml.rpmsave: file is loaded"},
		{name: "editor file", files: []string{d + "a.yaml~", "a: 1\n"}, want: "warning: " + d + "a.yaml~: file is loaded"},
		{name: "hidden file", files: []string{d + ".a.yaml", "a: 1\n"}, want: "warning: " + d + ".a.yaml: file is loaded"},
		{name: "duplicate keys", main: with("json_output: true\njson_output: false\n"), want: "warning: " + mainFile + ":13: duplicate key json_output"},
		{name: "fragment drops the filename", files: []string{d + "a.yaml", "file_output: {enabled: true}\n"}, want: "fatal: " + d + "a.yaml:1: file_output is enabled without filename"},
		{name: "http without url", main: with("http_output: {enabled: \"yes\", url: ''}\n"), want: "fatal: " + mainFile + ":12: http_output is enabled without url"},
		{name: "program without program", main: with("program_output:\n  enabled: on\n"), want: "fatal: " + mainFile + ":12: program_output is enabled without program"},
		{name: "no output", main: strings.Replace(base, "enabled: true", "enabled: maybe", 1), want: "fatal: " + mainFile + ": no output is enabled"},
		{name: "engine that was removed", main: strings.Replace(base, "kind: modern_ebpf", "kind: ebpf", 1), version: "0.44.1", want: "fatal: " + mainFile + `:6: engine.kind "ebpf"`},
		{name: "engine before its removal", main: strings.Replace(base, "kind: modern_ebpf", "kind: ebpf", 1), version: "0.43.1"},
		{name: "bad engine, overridden by the unit", main: strings.Replace(base, "kind: modern_ebpf", "kind: auto", 1), overrides: []string{"engine.kind=kmod"}},
		{name: "bad engine in the unit", overrides: []string{"engine.kind=auto"}, want: `fatal: the unit's command line: engine.kind "auto"`},
		{name: "option without value", overrides: []string{"engine.kind"}, want: "fatal: the unit's command line: option"},
		{name: "both rules keys", main: with("rules_file: [/etc/falco/falco_rules.yaml]\n"), want: "fatal: " + mainFile + ":12: both rules_files"},
		{name: "old rules key", main: strings.Replace(base, "rules_files", "rules_file", 1), want: "warning: " + mainFile + ":3: rules_file is deprecated"},
		{name: "old rules key before 0.38", main: strings.Replace(base, "rules_files", "rules_file", 1), version: "0.37.1"},
		{name: "new rules key before 0.38", version: "0.37.1", want: "fatal: " + mainFile + ": no rules files are listed"},
		{name: "rules file is missing", main: strings.Replace(base, "  - /etc/falco/falco_rules.yaml\n", "  - /etc/falco/falco_rules.yaml\n  - /gone.yaml\n", 1), want: "warning: " + mainFile + `:5: rules file "/gone.yaml" is missing`},
		{name: "all rules files are missing", main: strings.Replace(base, "/falco_rules", "/gone", 1), want: "warning: " + mainFile + ":4: every rules file is missing"},
		{name: "no rules key", main: without("rules_files:\n  - /etc/falco/falco_rules.yaml\n"), want: "fatal: " + mainFile + ": no rules files are listed"},
		{name: "priority from the environment", main: with("priority: ${P}\n")},
		{name: "priority from an unknown environment", main: with("priority: ${OTHER}\nlog_level: ${OTHER}\nrule_matching: ${OTHER}\n")},
		{name: "bad level from the environment", main: with("log_level: ${LEVEL}\n"), want: "fatal: " + mainFile + `:12: log_level "loud"`},
		{name: "metrics and address from an unknown environment", main: with("metrics: {enabled: true, interval: '${OTHER}', output_rule: true}\nwebserver: {enabled: true, listen_address: '${OTHER}'}\n")},
		{name: "rules file from the environment", main: strings.Replace(base, "  - /etc/falco/falco_rules.yaml", "  - ${DIR}/falco_rules.yaml", 1)},
		{name: "rules file from an unknown environment", main: strings.Replace(base, "  - /etc/falco/falco_rules.yaml", "  - ${OTHER}/falco_rules.yaml", 1)},
		{name: "fragment from an unknown environment", main: strings.Replace(base, "/etc/falco/config.d", "${OTHER}/x", 1), want: "warning: " + mainFile + `:2: config_files names "${OTHER}/x"`},
		{name: "empty entry of config_files", main: strings.Replace(base, "/etc/falco/config.d", "''", 1), want: "warning: " + mainFile + ":2: entry of config_files is empty"},
		{name: "null entry of config_files", main: strings.Replace(base, "/etc/falco/config.d", "", 1)},
		{name: "config_files without a value", main: strings.Replace(base, "  - /etc/falco/config.d\n", "", 1)},
		{name: "unknown strategy", main: strings.Replace(base, "/etc/falco/config.d", "{path: /f.yaml, strategy: merge}", 1), files: []string{"/f.yaml", "l: [b]\n"}, want: "warning: " + mainFile + ":2: strategy \"merge\" is unknown; Falco appends"},
		{name: "timeouts without an end", main: with("syscall_event_timeouts:\n  max_consecutives: 0\n"), want: "fatal: " + mainFile + ":13: syscall_event_timeouts.max_consecutives is 0"},
		{name: "entry of config_files without a path", main: strings.Replace(base, "/etc/falco/config.d", "{strategy: append}", 1), want: "fatal: " + mainFile + ":2: entry of config_files has no path"},
		{name: "filename without a value", main: strings.Replace(base, " /var/log/falco.log", "", 1), want: "warning: " + mainFile + ":11: file_output.filename has no value, which"},
		{name: "priority without a value", main: with("priority:\n"), want: "fatal: " + mainFile + `:12: priority "null"`},
		{name: "priority without a value, an old one", main: strings.Replace(base, "rules_files", "rules_file", 1) + "priority:\n", version: "0.36.2"},
		{name: "threshold .inf", main: with("syscall_event_drops: {threshold: .inf}\n"), want: "fatal: " + mainFile + ":12: syscall_event_drops.threshold"},
		{name: "odd text in comments", main: "%YAML 1.2\n---\n" + with("# caf\xe9 \x1b \u0085 \u2028\n\t\nwebserver: {ssl_certificate: \"\\/x\"}\n")},
		{name: "odd text in a value", main: with("priority: caf\xe9\n")},
		{name: "odd text in a fragment", files: []string{d + "a.yaml", "# \xe9\npriority: debug\n\t\n"}},
		{name: "octal of YAML 1.2", main: with("output_timeout: 0o17\n"), want: "warning: " + mainFile + ":12: output_timeout is not a whole number"},
		{name: "rules file of another name", files: []string{"/r.txt", ""}, main: strings.Replace(base, "  - /etc/falco/falco_rules.yaml\n", "  - /etc/falco/falco_rules.yaml\n  - /r.txt\n", 1), want: "warning: " + mainFile + `:5: rules file "/r.txt" is skipped`},
		{name: "bad priority", main: with("priority: loud\n"), want: "fatal: " + mainFile + `:12: priority "loud"`},
		{name: "priority in capitals", main: with("priority: Info\n")},
		{name: "priority that silences", main: with("priority: error\n"), want: "warning: " + mainFile + ":12: priority error drops"},
		{name: "log level in capitals", main: with("log_level: Info\n"), want: "fatal: " + mainFile + `:12: log_level "Info"`},
		{name: "port out of range", main: with("webserver: {enabled: true, listen_port: 99999}\n"), want: "warning: " + mainFile + ":12: webserver.listen_port is out of range"},
		{name: "address is a name", main: with("webserver: {enabled: true, listen_address: localhost}\n"), want: "fatal: " + mainFile + `:12: webserver.listen_address "localhost"`},
		{name: "address is a name, ignored before 0.37", main: with("webserver: {enabled: true, listen_address: localhost}\n"), version: "0.36.2", want: "fatal: " + mainFile + ": no rules files"},
		{name: "not a boolean", main: with("json_output: maybe\n"), want: "warning: " + mainFile + `:12: json_output is not a boolean: "maybe"`},
		{name: "not a boolean, fatal before 0.37", main: with("json_output: maybe\n"), version: "0.36.2", want: "fatal: " + mainFile + `:12: json_output is not a boolean: "maybe"`},
		{name: "boolean from the environment", main: with("json_output: ${JSON}\n")},
		{name: "boolean in quotes", main: with("json_output: \"true\"\n")},
		{name: "not a number", main: with("output_timeout: [1]\n"), want: "warning: " + mainFile + ":12: output_timeout is not a whole number from 0 to 4294967295: a list"},
		{name: "number out of range", main: strings.Replace(base, "buf_size_preset: 4", "cpus_for_each_buffer: 4294967296", 1), want: "warning: " + mainFile + ":8: engine.modern_ebpf.cpus_for_each_buffer is not"},
		{name: "buffer preset", main: strings.Replace(base, "buf_size_preset: 4", "buf_size_preset: 99", 1), want: "fatal: " + mainFile + ":8: engine.modern_ebpf.buf_size_preset is out of range"},
		{name: "threshold", main: with("syscall_event_drops: {threshold: 5}\n"), want: "fatal: " + mainFile + ":12: syscall_event_drops.threshold"},
		{name: "drop action", main: with("syscall_event_drops:\n  actions: [log, shout]\n"), want: "fatal: " + mainFile + `:13: syscall_event_drops.actions holds "shout"`},
		{name: "block without a value", main: with("webserver:\n"), want: "warning: " + mainFile + ":12: webserver has no value"},
		{name: "fragment wipes a block", files: []string{d + "a.yaml", "engine:\n"}, want: "warning: " + d + "a.yaml:1: key engine has no value and wipes"},
		{name: "block is a scalar", main: with("webserver: on\n"), want: "fatal: " + mainFile + `:12: webserver is "on", not a block`},
		{name: "plugin twice", main: with("load_plugins: [c]\nplugins: [{name: c}]\n"), files: []string{d + "a.yaml", "load_plugins: [c]\n"}, want: "fatal: " + d + `a.yaml:1: load_plugins names "c" twice`},
		{name: "plugin unknown", main: with("load_plugins: [c]\n"), want: "fatal: " + mainFile + `:12: load_plugins names "c", which`},
		{name: "metrics without a unit", main: with("metrics: {enabled: true, interval: 5000, output_rule: true}\n"), want: "fatal: " + mainFile + `:12: metrics.interval "5000"`},
		{name: "metrics without an output", main: with("metrics: {enabled: true, interval: 1h}\n"), want: "fatal: " + mainFile + ":12: metrics are enabled"},
		{name: "several documents", main: with("---\na: 1\n"), want: "warning: " + mainFile + ": file holds several"},
		{name: "fragment listed and missing", main: strings.Replace(base, "config.d", "mine.yaml", 1), want: "warning: " + mainFile + ":2: config_files names /etc/falco/mine.yaml"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			main := tt.main
			if main == "" {
				main = base
			}
			c := load(t, tree(main, tt.files...), tt.version, tt.overrides...)
			var got []string
			for _, p := range c.Problems() {
				grade := "warning: "
				if p.Fatal {
					grade = "fatal: "
				}
				if p.Hint == "" {
					t.Errorf("problem %v has no hint", p)
				}
				got = append(got, grade+p.String())
			}
			if tt.want == "" {
				if len(got) != 0 {
					t.Errorf("Problems() = %q, want none", got)
				}
				return
			}
			if !slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, tt.want) }) {
				t.Errorf("Problems() = %q, want one %q", got, tt.want)
			}
		})
	}
}

func TestShippedFilesHaveNoProblem(t *testing.T) {
	for name, src := range corpus(t) {
		version := strings.TrimSuffix(name, ".yaml")
		fsys := tree(string(src), "/etc/falco/falco_rules.local.yaml", "", "/etc/falco/k8s_audit_rules.yaml", "", "/etc/falco/rules.d/a.yaml", "")
		c := load(t, fsys, version)
		for _, p := range c.Problems() {
			t.Errorf("Load(%s): %v", name, p)
		}
	}
}

func TestOverruled(t *testing.T) {
	const d = "/etc/falco/config.d/"
	tests := []struct {
		name      string
		files     []string
		overrides []string
		declared  Setting
		want      string // origin: value; "" for none
	}{
		{name: "main file differs", declared: Setting{Path: "file_output.filename", Value: "/x"}},
		{name: "fragment agrees", files: []string{d + "a.yaml", "file_output: {enabled: 'yes', filename: /x}\n"}, declared: Setting{Path: "file_output.enabled", Value: true}},
		{name: "fragment differs", files: []string{d + "a.yaml", "\nfile_output:\n  enabled: true\n  filename: /y\n"}, declared: Setting{Path: "file_output.filename", Value: "/x"}, want: d + "a.yaml:4: /y"},
		{name: "fragment drops the key", files: []string{d + "a.yaml", "engine: {kind: kmod}\n"}, declared: Setting{Path: "engine.modern_ebpf.buf_size_preset", Value: 4}, want: d + "a.yaml:1: missing"},
		{name: "fragment appends", files: []string{d + "a.yaml", "rules_files: [/y]\n"}, declared: Setting{Path: "rules_files", Value: []any{"/etc/falco/falco_rules.yaml"}}, want: d + "a.yaml:1: [/etc/falco/falco_rules.yaml /y]"},
		{name: "unit differs", overrides: []string{"engine.kind=kmod"}, declared: Setting{Path: "engine.kind", Value: "modern_ebpf"}, want: "the unit's command line: kmod"},
		{name: "unit differs within a declared block", overrides: []string{"engine.kind=kmod"}, declared: Setting{Path: "engine", Value: map[string]any{"kind": "modern_ebpf"}}, want: "the unit's command line: map[kind:kmod modern_ebpf:map[buf_size_preset:4]]"},
		{name: "y in a fragment", files: []string{d + "a.yaml", "file_output: {enabled: Y, filename: /x}\n"}, declared: Setting{Path: "file_output.enabled", Value: true}},
		{name: "number in quotes in a fragment", files: []string{d + "a.yaml", "webserver: {listen_port: \"0x223D\"}\n"}, declared: Setting{Path: "webserver.listen_port", Value: 8765}},
		{name: "variable in a fragment", files: []string{d + "a.yaml", "priority: ${P}\n"}, declared: Setting{Path: "priority", Value: "debug"}},
		{name: "variable of another value", files: []string{d + "a.yaml", "priority: ${ON}\n"}, declared: Setting{Path: "priority", Value: "debug"}, want: d + "a.yaml:1: true"},
		{name: "unknown variable", files: []string{d + "a.yaml", "priority: ${OTHER}\n"}, declared: Setting{Path: "priority", Value: "debug"}},
		{name: "unknown variable in a block", files: []string{d + "a.yaml", "file_output: {enabled: true, filename: '${OTHER}'}\n"}, declared: Setting{Path: "file_output", Value: map[string]any{"enabled": true, "filename": "/x"}}},
		{name: "keep_alive is on only as true", files: []string{d + "a.yaml", "file_output: {enabled: true, filename: /x, keep_alive: yes}\n"}, declared: Setting{Path: "file_output.keep_alive", Value: true}, want: d + "a.yaml:1: true"},
		{name: "keep_alive is off as anything else", files: []string{d + "a.yaml", "file_output: {enabled: true, filename: /x, keep_alive: yes}\n"}, declared: Setting{Path: "file_output.keep_alive", Value: false}},
		{name: "unit agrees", overrides: []string{"output_timeout=3000"}, declared: Setting{Path: "output_timeout", Value: 3000}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := load(t, tree(base, tt.files...), "", tt.overrides...)
			got := ""
			for _, o := range c.Overruled([]Setting{tt.declared}) {
				got = o.Origin.String() + ": missing"
				if !o.Missing {
					got = o.Origin.String() + ": " + fmt.Sprint(o.Value)
				}
			}
			if got != tt.want {
				t.Errorf("Overruled(%v) = %q, want %q", tt.declared, got, tt.want)
			}
		})
	}
}

func TestLayersAndInputs(t *testing.T) {
	fsys := tree(strings.Replace(base, "rules_files:\n", "rules_files:\n  - /etc/falco/rules.d\n", 1),
		"/etc/falco/config.d/b.yaml", "engine: {kind: kmod}\n",
		"/etc/falco/config.d/a.yaml", "x: [\n",
		"/etc/falco/rules.d/1.yaml", "", "/etc/falco/rules.d/2.bak", "", "/etc/falco/rules.d/0.yml", "")
	c := load(t, fsys, "0.44.1", "engine.kind=kmod")
	want := []Layer{
		{File: mainFile, Strategy: "main"},
		{File: "/etc/falco/config.d/a.yaml", Strategy: "append"},
		{File: "/etc/falco/config.d/b.yaml", Strategy: "append"},
		{File: CommandLine, Strategy: "command line"},
	}
	if diff := cmp.Diff(want, c.Layers()); diff != "" {
		t.Errorf("Layers(), -want +got:\n%s", diff)
	}
	inputs := []string{
		mainFile, "/etc/falco/config.d/a.yaml", "/etc/falco/config.d/b.yaml",
		"/etc/falco/rules.d/0.yml", "/etc/falco/rules.d/1.yaml", "/etc/falco/falco_rules.yaml",
	}
	if diff := cmp.Diff(inputs, c.Inputs()); diff != "" {
		t.Errorf("Inputs(), -want +got:\n%s", diff)
	}
}

func TestLoadRefuses(t *testing.T) {
	for name, main := range map[string]string{"not YAML": "a: [", "list": "- a\n", "scalar": "a\n"} {
		_, err := Load(tree(main), mainFile, Start{})
		if err == nil {
			t.Errorf("Load(%s) succeeds, want an error", name)
			continue
		}
		wantHint(t, err)
		if !strings.HasPrefix(err.Error(), mainFile) {
			t.Errorf("Load(%s): %v, want the file named", name, err)
		}
	}
	deep := "a: " + strings.Repeat("[", 2000) + strings.Repeat("]", 2000) + "\n"
	if _, err := Load(tree(deep), mainFile, Start{}); err == nil || !strings.Contains(err.Error(), "nested too deeply") {
		t.Errorf("Load of a deep file: %v, want that it is nested too deeply", err)
	}
	if _, err := Load(fstest.MapFS{}, mainFile, Start{}); err == nil {
		t.Error("Load of nothing succeeds, want an error")
	}
}

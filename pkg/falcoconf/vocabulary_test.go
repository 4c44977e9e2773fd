// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falcoconf

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/falco-bootstrap/falco-bootstrap/pkg/yamledit"
)

func TestCheckDeclared(t *testing.T) {
	for _, tt := range []struct{ version, declared, want string }{
		{"0.44.1", "file_output.enabled=true", ""},
		{"0.44.1", "file_output.enbled=true", "unknown file_output.enbled is not a key of falco.yaml"},
		{"0.44.1", "file_outputs={enabled: true}", "unknown file_outputs is not a key of falco.yaml"},
		{"0.44.1", "file_output.enabled.now=true", "unknown file_output.enabled.now is not a key of falco.yaml"},
		{"0.36.2", "file_output.enbled=true", "unknown file_output.enbled is not a key of falco.yaml"},
		{"", "file_output.enbled=true", "unknown file_output.enbled is not a key of falco.yaml"},
		{"0.45.0", "new_key=true", "unknown new_key is not a key of falco.yaml"},
		{"0.44.1", "rule_files=[a]", "unknown rule_files is not a key of falco.yaml"},
		// Values of every kind.
		{"0.44.1", "file_output.enabled=maybe", "file_output.enabled is not a boolean"},
		{"0.44.1", "file_output.enabled='yes'", ""},
		{"0.44.1", "file_output.enabled=1", "file_output.enabled is not a boolean"},
		{"0.44.1", "file_output.keep_alive='yes'", "file_output.keep_alive is not true or false"},
		{"0.44.1", "json_output=[true]", "json_output is not a boolean but a list"},
		{"0.44.1", "json_output={a: 1}", "unknown json_output.a is not a key of falco.yaml"},
		{"0.44.1", "webserver.listen_port=abc", "webserver.listen_port is not a whole number from 1 to 65535"},
		{"0.44.1", "webserver.listen_port=99999", "webserver.listen_port is not a whole number from 1 to 65535"},
		{"0.44.1", "webserver.listen_port='8765'", ""},
		{"0.44.1", "output_timeout=2s", "output_timeout is not a whole number from 0 to 4294967295"},
		{"0.44.1", "engine.modern_ebpf.cpus_for_each_buffer=65536", "engine.modern_ebpf.cpus_for_each_buffer is not a whole number from 0 to 65535"},
		{"0.44.1", "syscall_event_drops.rate=fast", "syscall_event_drops.rate is not a number"},
		{"0.44.1", "webserver=5", "webserver is not a block of keys"},
		{"0.44.1", "webserver={enabled: true, port: 1}", "unknown webserver.port is not a key of falco.yaml"},
		{"0.44.1", "rules_files=/etc/falco/a.yaml", ""},
		{"0.44.1", "rules_files={a: 1}", "unknown rules_files.a is not a key of falco.yaml"},
		{"0.44.1", "plugins=5", "plugins is not a list"},
		{"0.44.1", "json_output=null", ""},
		{"0.44.1", "json_output=${JSON}", ""},
		// What may hold anything, and lists of maps.
		{"0.44.1", "plugins[0].init_config.engines.docker.enabled=true", ""},
		{"0.44.1", "plugins=[{name: a, library_path: b, init_config: {x: [1]}, open_params: ''}]", ""},
		{"0.44.1", "plugins=[{name: a, libary_path: b}]", "unknown plugins[0].libary_path is not a key of falco.yaml"},
		{"0.44.1", "static_fields={team: a}", ""},
		{"0.44.1", "append_output=[{match: {source: syscall}, extra_fields: [a, {b: c}]}]", ""},
		{"0.44.1", "append_output=[{match: {sorce: syscall}}]", "unknown append_output[0].match.sorce is not a key of falco.yaml"},
		{"0.44.1", "config_files=[a, {path: b, strategy: add-only}]", ""},
		{"0.44.1", "load_plugins[0]=container", ""},
		{"0.44.1", "rules=[{disable: {rule: '*'}}, {enable: {tag: a}}]", ""},
		// Keys of other releases.
		{"0.44.1", "grpc.enabled=true", "ignored grpc is a key of Falco before 0.44.0; Falco 0.44.1 ignores it"},
		{"0.36.2", "engine.kind=kmod", "ignored engine is a key of Falco from 0.37.0 on; Falco 0.36.2 ignores it"},
		{"0.42.0", "container_engines.docker.enabled=true", "ignored container_engines is a key of Falco from 0.39.0 on and before 0.41.0; Falco 0.42.0 ignores it"},
		{"0.44.0", "engine.modern_ebpf.disable_iterators=true", "ignored engine.modern_ebpf.disable_iterators is a key of Falco from 0.44.1 on; Falco 0.44.0 ignores it"},
		{"0.45.0", "grpc.enabled=true", ""},
		{"", "grpc.enabled=true", ""},
	} {
		s, err := ParseSetting(tt.declared)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range CheckDeclared(tt.version, Flatten(map[string]any{s.Path: s.Value})) {
			word := map[bool]string{true: "unknown "}[f.Unknown] + map[bool]string{true: "ignored "}[f.Ignored]
			got = append(got, word+f.Path+" "+f.Reason)
		}
		if diff := cmp.Diff(tt.want, strings.Join(got, "\n")); diff != "" {
			t.Errorf("CheckDeclared(%s, %s) (-want +got):\n%s", tt.version, tt.declared, diff)
		}
	}
}

// Every path is below one of its table, and every kind has a name.
func TestKeysTable(t *testing.T) {
	all := keys()
	for path, k := range all {
		above := path[:max(strings.LastIndexAny(path, ".["), 0)]
		if above != "" && all[above].path == "" {
			t.Errorf("%s: %s is not in the table", path, above)
		}
		if k.kind != "any" && kinds(k.kind) == "" {
			t.Errorf("%s: %q is not a kind", path, k.kind)
		}
	}
	if n := len(Keys("")); n != len(all) || len(Keys("0.44.1")) >= n {
		t.Errorf("%d keys of every release, %d of 0.44.1, %d in the table", n, len(Keys("0.44.1")), len(all))
	}
}

var commented = regexp.MustCompile(`^# ([a-z_0-9]+):(?: |$)`)

// No key of a file that was shipped, and none that is commented out at its top level,
// is unknown to its release.
func TestKeysOfShippedFiles(t *testing.T) {
	for file, src := range corpus(t) {
		version := strings.TrimSuffix(file, ".yaml")
		if !atLeast(version, "0.32.0") {
			continue
		}
		tree, err := yamledit.Decode(src)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range CheckDeclared(version, Flatten(tree)) {
			t.Errorf("%s: %s %s", file, f.Path, f.Reason)
		}
		for line := range strings.Lines(string(src)) {
			m := commented.FindStringSubmatch(strings.TrimSpace(line))
			if m == nil || strings.Contains("exposed levels todo options eg output_file max_file_size_mb init_config", m[1]) {
				continue // words of sentences
			}
			if flaws := CheckDeclared(version, []Setting{{Path: m[1]}}); len(flaws) > 0 {
				t.Errorf("%s: commented out: %v", file, flaws)
			}
		}
	}
}

func TestSchema(t *testing.T) {
	s, err := ParseSchema([]byte(`{"$ref": "#/definitions/C", "definitions": {
		"C": {"type": "object", "additionalProperties": false, "properties": {
			"file_output": {"$ref": "#/definitions/F"}, "static_fields": {"type": "object"}, "json_output": {"type": "boolean"},
			"plugins": {"type": "array", "items": {"type": "object", "additionalProperties": false, "properties": {
				"init_config": {"anyOf": [{"type": "object"}, {"type": "string"}, {"type": "null"}]}}}},
			"config_files": {"type": "array", "items": {"oneOf": [{"type": "string"}, {"type": "object", "properties": {"path": {"type": "string"}}}]}}}},
		"F": {"type": "object", "additionalProperties": false, "properties": {"enabled": {"type": "boolean"}}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{
		"file_output": true, "file_output.enabled": true, "file_output.enbled": false, "file_output.enabled.x": false, "nothing": false,
		"static_fields.team": true, "json_output": true, "json_output.x": false, "plugins": true, "plugins[0].init_config.a.b": true,
		"plugins[0].name": false, "config_files[0].path": true, "config_files[0]": true,
	} {
		if got := s.Has(path); got != want {
			t.Errorf("Has(%s) = %v, want %v", path, got, want)
		}
	}
	if _, err := ParseSchema([]byte("falco: no such option")); err == nil {
		t.Error("ParseSchema accepts what is not JSON")
	}
}

func ExampleCheckDeclared() {
	for _, f := range CheckDeclared("0.44.1", []Setting{{Path: "file_output.enbled", Value: true}}) {
		fmt.Println(f.Path, f.Reason)
	}
	// Output: file_output.enbled is not a key of falco.yaml
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package vocabulary_test

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/vocabulary"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/falcoconf"
)

const schema = `{"type": "object", "additionalProperties": false, "properties": {"brand_new": {"type": "boolean"}, "file_output": {"type": "object", "additionalProperties": false}}}`

func TestCheck(t *testing.T) {
	for _, tt := range []struct {
		name, version, schema, declared, want string
	}{
		{"a typo", "0.44.1", "", "file_output.enbled=true", "refused: file_output.enbled is not a key of falco.yaml; did you mean file_output.enabled?"},
		{"a typo before Falco is there", "", "", "file_output.enbled=true", "refused: file_output.enbled is not a key of falco.yaml; did you mean file_output.enabled?"},
		{"a typo in a list", "0.44.1", "", "plugins[1].libary_path=/x", "refused: plugins[1].libary_path is not a key of falco.yaml; did you mean plugins[1].library_path?"},
		{"nothing like it", "0.44.1", "", "brand_new=true", "refused: brand_new is not a key of falco.yaml"},
		{"nothing like it, and Falco knows it", "0.44.1", schema, "brand_new=true", ""},
		{"a newer Falco that knows it", "0.45.0", schema, "brand_new=true", ""},
		{"a newer Falco that does not", "0.45.0", schema, "other_new=true", "refused: other_new is not a key of falco.yaml"},
		{"a newer Falco that cannot be asked yet", "0.45.0", "", "brand_new=true", "warning: brand_new is not a key of falco.yaml, as far as falco-bootstrap knows"},
		{"a schema that cannot be read", "0.45.0", "no", "brand_new=true", "warning: brand_new is not a key of falco.yaml, as far as falco-bootstrap knows"},
		{"a key of another release", "0.44.1", "", "grpc.enabled=true", "warning: grpc is a key of Falco before 0.44.0; Falco 0.44.1 ignores it"},
		{"not a boolean", "0.44.1", "", "file_output.enabled=maybe", "refused: file_output.enabled is not a boolean: maybe"},
		{"not a number", "", "", "webserver.listen_port=abc", "refused: webserver.listen_port is not a whole number from 1 to 65535: abc"},
		{"not an address", "0.44.1", "", "webserver.listen_address=localhost", `refused: webserver.listen_address "localhost" is not an IP address`},
		{"not a priority", "0.44.1", "", "priority=loud", `refused: priority "loud" is not known to Falco`},
		{"not an engine", "0.44.1", "", "engine.kind=ebpf", `refused: engine.kind "ebpf" is not known to Falco 0.44.1`},
		{"an engine of an older Falco", "0.43.1", "", "engine.kind=ebpf", ""},
		{"not an interval", "0.44.1", "", "metrics.interval=5", `refused: metrics.interval "5" has no unit of time`},
		{"an interval", "0.44.1", "", "metrics.interval=5m", ""},
		{"out of range", "0.44.1", "", "syscall_event_drops.threshold=2", "refused: syscall_event_drops.threshold is out of range"},
		{"what needs another key", "0.44.1", "", "http_output.enabled=true", ""},
		{"a plugin that the file defines", "0.44.1", "", "load_plugins=[container]", ""},
		{"a variable", "0.44.1", "", "priority=${P}", ""},
		{"a secret", "0.44.1", "", "http_output.insecure=hunter2", "refused: http_output.insecure is not a boolean: hunter2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := falcoconf.ParseSetting(tt.declared)
			if err != nil {
				t.Fatal(err)
			}
			asked := 0
			ask := func() ([]byte, error) { asked++; return []byte(tt.schema), nil }
			if tt.schema == "" {
				ask = nil
			}
			found := vocabulary.Check(tt.version, falcoconf.Flatten(map[string]any{s.Path: s.Value}), ask)
			var got []string
			if err := found.Err(); err != nil {
				got = append(got, "refused: "+strings.TrimPrefix(err.Error(), "falco.config: "))
				if node.CodeOf(err) != node.CodeConfig || node.HintOf(err) == "" {
					t.Errorf("%v has the code %v and the hint %q", err, node.CodeOf(err), node.HintOf(err))
				}
			}
			for _, w := range found.Warnings() {
				got = append(got, "warning: "+strings.TrimPrefix(w.Message, "falco.config: "))
			}
			if diff := cmp.Diff(tt.want, strings.Join(got, "\n")); diff != "" || asked > 1 {
				t.Errorf("Check, asked %d times (-want +got):\n%s", asked, diff)
			}
		})
	}
	vocabulary.Check("0.44.1", []falcoconf.Setting{{Path: "json_output", Value: true}}, func() ([]byte, error) {
		t.Error("Falco is asked about a key that is known")
		return nil, fs.ErrPermission
	})
	if err := vocabulary.Check("0.45.0", []falcoconf.Setting{{Path: "brand_new"}}, func() ([]byte, error) { return nil, errors.New("no") }).Err(); err != nil {
		t.Errorf("a Falco that cannot be asked: %v", err)
	}
}

func TestUndeclared(t *testing.T) {
	const main = "/etc/falco/falco.yaml"
	config, err := falcoconf.LoadCandidate(fstest.MapFS{}, main, []byte("json_output: true\npriority: debug\nhttp_output:\n  url: https://u:secret@x/\n"), falcoconf.Start{})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, lastRun, declared, want string }{
		{"nothing before", "", "priority", ""},
		{"the same", `{"declared": ["priority"]}`, "priority", ""},
		{"no longer", `{"declared": ["json_output", "priority"]}`, "priority", "json_output (/etc/falco/falco.yaml:1: true)"},
		{"gone from the file", `{"declared": ["log_level"]}`, "priority", ""},
		{"as a block", `{"declared": ["http_output"]}`, "http_output.url", ""},
		{"a secret", `{"declared": ["http_output.url"]}`, "priority", "http_output.url (/etc/falco/falco.yaml:4: https://[redacted]@x/)"},
	} {
		got := ""
		for _, w := range vocabulary.Undeclared([]byte(tt.lastRun), []falcoconf.Setting{{Path: tt.declared}}, main, config) {
			got += strings.TrimPrefix(w.Message, "no longer declared in falco.config, and left as it was set: ")
			if w.Hint == "" || w.Drift != "" {
				t.Errorf("%s: %+v", tt.name, w)
			}
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
)

const templates = "../../packages"

// rendered returns the folder that render wrote.
func rendered(t *testing.T) string {
	t.Helper()
	out := t.TempDir()
	if err := render(templates, out); err != nil {
		t.Fatal(err)
	}
	return out
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func keys(t *testing.T, path string) map[string]any {
	t.Helper()
	var m map[string]any
	if err := yaml.Unmarshal([]byte(read(t, path)), &m); err != nil {
		t.Fatalf("parsing %s: %v", path, err)
	}
	return m
}

// What every falco.yaml since 0.8 has in common.
func TestFalcoYAMLIsOfItsEra(t *testing.T) {
	out := rendered(t)
	for _, version := range versions() {
		e := newEra(version)
		path := filepath.Join(out, "falco", version, "root/etc/falco/falco.yaml")
		got := keys(t, path)
		want := map[string]any{"enabled": false, "keep_alive": false, "filename": "./events.txt"}
		if diff := cmp.Diff(want, got["file_output"]); diff != "" {
			t.Errorf("%s: file_output (-want +got):\n%s", version, diff)
		}
		for key, since := range map[string]int{"engine": 37, "rules_files": 38, "config_files": 38, "append_output": 41, "capture": 42} {
			if _, ok := got[key]; ok != (e.Minor >= since) {
				t.Errorf("%s: key %s there: %v", version, key, ok)
			}
		}
		for key, until := range map[string]int{"outputs": 36, "rules_file": 37, "grpc": 43} {
			if _, ok := got[key]; ok != (e.Minor <= until) {
				t.Errorf("%s: key %s there: %v", version, key, ok)
			}
		}
		text := read(t, path)
		if lines := strings.Count(text, "\n"); lines < 150 || strings.Contains(text, "\t") || strings.Count(text, "#   file_output:") != 1 {
			t.Errorf("%s: %d lines, or a tab, or no look-alike of file_output", version, lines)
		}
	}
}

// Where the files of the releases themselves are at hand, ours have their keys.
func TestFalcoYAMLHasTheKeysOfTheRelease(t *testing.T) {
	corpus := os.Getenv("FALCO_YAML_CORPUS")
	if corpus == "" {
		t.Skip("FALCO_YAML_CORPUS is not set")
	}
	out := rendered(t)
	compared := 0
	for _, version := range versions() {
		path := filepath.Join(corpus, version+".yaml")
		if _, err := os.Stat(path); err != nil {
			continue
		}
		compared++
		want := slices.Sorted(maps.Keys(keys(t, path)))
		got := slices.Sorted(maps.Keys(keys(t, filepath.Join(out, "falco", version, "root/etc/falco/falco.yaml"))))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: keys (-release +ours):\n%s", version, diff)
		}
	}
	if compared == 0 {
		t.Errorf("%s has none of %v", corpus, versions())
	}
}

func TestUnitsOfAnEra(t *testing.T) {
	for _, tt := range []struct {
		version, unit, exec string
		alias               bool
	}{
		{"0.32.2", "falco", "/usr/bin/falco --pidfile=/var/run/falco.pid", false},
		{"0.36.2", "falco-modern-bpf", "/usr/bin/falco --modern-bpf", false},
		{"0.36.2", "falco-kmod", "/usr/bin/falco", true},
		{"0.38.2", "falco-modern-bpf", "/usr/bin/falco -o engine.kind=modern_ebpf", false},
		{"0.39.2", "falco-modern-bpf", "/usr/bin/falco -o engine.kind=modern_ebpf", true},
		{"0.44.1", "falco-custom", "/usr/bin/falco", true},
	} {
		u := unit{Falco: newEra(tt.version), Name: tt.unit}
		if u.ExecStart() != tt.exec || u.Alias() != tt.alias {
			t.Errorf("%s of %s = %q, alias %v, want %q, %v", tt.unit, tt.version, u.ExecStart(), u.Alias(), tt.exec, tt.alias)
		}
	}
}

func TestRepositoryFilesKeepOraclesShape(t *testing.T) {
	out := rendered(t)
	for file, ids := range map[string][]string{
		"ol8/oracle-epel-ol8.repo":   {"ol8_developer_EPEL", "ol8_developer_EPEL_modular"},
		"ol9/oracle-epel-ol9.repo":   {"ol9_developer_EPEL"},
		"ol10/oracle-epel-ol10.repo": {"ol10_u1_developer_EPEL"},
	} {
		text := read(t, filepath.Join(out, "repos", file))
		for _, id := range ids {
			if !strings.Contains(text, "["+id+"]\nname=Oracle Linux $releasever ") {
				t.Errorf("%s has no section %s:\n%s", file, id, text)
			}
		}
		if strings.Count(text, "\nenabled=1\n") != len(ids) || strings.Count(text, "$ociregion.$ocidomain/") != len(ids) {
			t.Errorf("%s:\n%s", file, text)
		}
	}
}

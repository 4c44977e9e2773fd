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

	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
)

const templates = "../../packages"

// rendered returns the directory with the output of render.
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

// Every falco.yaml since 0.8 has this in common.
func TestFalcoYAMLIsOfItsEra(t *testing.T) {
	out := rendered(t)
	for _, version := range versions(nil) {
		e := newEra(version)
		path := filepath.Join(out, "falco", version, "root/etc/falco/falco.yaml")
		got := keys(t, path)
		want := map[string]any{"enabled": false, "keep_alive": false, "filename": "./events.txt"}
		if diff := cmp.Diff(want, got["file_output"]); diff != "" {
			t.Errorf("%s: file_output (-want +got):\n%s", version, diff)
		}
		for key, since := range map[string]int{"engine": 37, "rules_files": 38, "config_files": 38, "append_output": 40, "capture": 42} {
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

// Our files have the same keys as those of the releases, if these are available.
func TestFalcoYAMLHasTheKeysOfTheRelease(t *testing.T) {
	corpus := os.Getenv("FALCO_YAML_CORPUS")
	if corpus == "" {
		t.Skip("FALCO_YAML_CORPUS names no directory with the falco.yaml of releases: nothing to compare ours with")
	}
	out := rendered(t)
	compared := 0
	for _, version := range versions(nil) {
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
		t.Errorf("%s has none of %v", corpus, versions(nil))
	}
}

func TestUnitsOfAnEra(t *testing.T) {
	for _, tt := range []struct{ version, unit, exec, inject, alias string }{
		{version: "0.32.2", unit: "falco", exec: "/usr/bin/falco --pidfile=/var/run/falco.pid"},
		{version: "0.33.1", unit: "falco", exec: "/usr/bin/falco --pidfile=/var/run/falco.pid", inject: "falco_inject_kmod.service"},
		{version: "0.36.2", unit: "falco-modern-bpf", exec: "/usr/bin/falco --modern-bpf"},
		{version: "0.36.2", unit: "falco-kmod", exec: "/usr/bin/falco", inject: "falco-kmod-inject.service", alias: "falco.service"},
		{version: "0.38.2", unit: "falco-modern-bpf", exec: "/usr/bin/falco -o engine.kind=modern_ebpf"},
		{version: "0.39.2", unit: "falco-modern-bpf", exec: "/usr/bin/falco -o engine.kind=modern_ebpf", alias: "falco.service"},
		{version: "0.44.1", unit: "falco-custom", exec: "/usr/bin/falco", alias: "falco.service"},
	} {
		u := unit{Falco: newEra(tt.version), Name: tt.unit}
		if u.ExecStart() != tt.exec || u.InjectUnit() != tt.inject || u.Alias() != tt.alias {
			t.Errorf("%s of %s = %q, %q, %q, want %q, %q, %q", tt.unit, tt.version, u.ExecStart(), u.InjectUnit(), u.Alias(), tt.exec, tt.inject, tt.alias)
		}
	}
}

// The cases name releases of the table, or some that are older than it.
func TestCasesNameReleases(t *testing.T) {
	named, err := namedVersions(filepath.Dir(templates))
	if err != nil {
		t.Fatal(err)
	}
	packaged := versions(named)
	for version := range named {
		if newEra(version).Minor >= newEra(packaged[0]).Minor && !slices.Contains(packaged, version) {
			t.Errorf("the node cases name %s, which is not in falco.Releases", version)
		}
	}
	if len(named) < 5 {
		t.Errorf("the node cases name only %v", named)
	}
}

func TestVersionsAreTheNewestOfEachMinor(t *testing.T) {
	got := versions(map[string]bool{"0.41.0": true})
	want := []string{"0.32.2", "0.33.1", "0.34.1", "0.35.1", "0.36.2", "0.37.1", "0.38.2", "0.39.2", "0.40.0", "0.41.0", "0.41.3", "0.42.1", "0.43.1"}
	if diff := cmp.Diff(want, got[:len(want)]); diff != "" {
		t.Errorf("versions (-want +got):\n%s", diff)
	}
	if last := got[len(got)-1]; last != falco.Newest() {
		t.Errorf("the last is %s, want %s", last, falco.Newest())
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

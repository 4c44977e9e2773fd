// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falcoconf

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"text/template"

	"github.com/google/go-cmp/cmp"
)

func TestFlatten(t *testing.T) {
	got := Flatten(map[string]any{
		"file_output":     map[string]any{"enabled": true, "x": map[string]any{}},
		"engine.kind":     "kmod",
		"rules_files":     []any{map[string]any{"a": 1}},
		"a.b":             map[string]any{"c.d": nil},
		"load_plugins[0]": "json",
	})
	want := []Setting{
		{Path: "a.b.c.d", Value: nil},
		{Path: "engine.kind", Value: "kmod"},
		{Path: "file_output.enabled", Value: true},
		{Path: "file_output.x", Value: map[string]any{}},
		{Path: "load_plugins[0]", Value: "json"},
		{Path: "rules_files", Value: []any{map[string]any{"a": 1}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Flatten(), -want +got:\n%s", diff)
	}
}

func TestLostEdits(t *testing.T) {
	const live = "a: 1\nb: {c: x, d: [1, 2]}\ne: true\n"
	const saved = "# mine\na: 1.0\nb: {c: z, d: [1], f: new}\ne: yes\ng.h: {}\n"
	got, err := LostEdits([]byte(live), []byte(saved), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []Setting{{Path: "a", Value: 1.0}, {Path: "b.c", Value: "z"}, {Path: "b.d", Value: []any{int64(1)}}, {Path: "b.f", Value: "new"}, {Path: `g\.h`, Value: map[string]any{}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("LostEdits(), -want +got:\n%s", diff)
	}
	const shipped = "a: 1.0\nb: {c: y, d: [1], f: old}\n"
	got, err = LostEdits([]byte(live), []byte(saved), []byte(shipped))
	if err != nil {
		t.Fatal(err)
	}
	want = []Setting{{Path: "b.c", Value: "z"}, {Path: "b.f", Value: "new"}, {Path: `g\.h`, Value: map[string]any{}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("LostEdits() with the shipped file, -want +got:\n%s", diff)
	}
}

func TestAtLeast(t *testing.T) {
	tests := []struct {
		version, since string
		want           bool
	}{
		{"", "0.44.0", true},
		{"0.44.1", "0.44.0", true},
		{"0.44.0", "0.44.0", true},
		{"0.43.1", "0.44.0", false},
		{"0.9.0", "0.38.0", false},
		{"1.0", "0.38.0", true},
		{"0.41.0-rc1", "0.41.0", true},
		{"x", "0.1.0", false},
	}
	for _, tt := range tests {
		if got := atLeast(tt.version, tt.since); got != tt.want {
			t.Errorf("atLeast(%q, %q) = %t, want %t", tt.version, tt.since, got, tt.want)
		}
	}
}

// corpus returns falco.yaml as releases shipped it, by file name: the files of the
// directory $FALCO_YAML_CORPUS or, without that, those that the test nodes get.
func corpus(tb testing.TB) map[string][]byte {
	tb.Helper()
	dir := os.Getenv("FALCO_YAML_CORPUS")
	if dir == "" {
		return written(tb)
	}
	paths, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil || len(paths) == 0 {
		tb.Fatalf("FALCO_YAML_CORPUS=%s holds no *.yaml (%v)", dir, err)
	}
	files := map[string][]byte{}
	for _, path := range paths {
		src, err := os.ReadFile(path)
		if err != nil {
			tb.Fatal(err)
		}
		files[filepath.Base(path)] = src
	}
	return files
}

// written returns files that were written here with the keys of the releases, one for
// each minor version.
func written(tb testing.TB) map[string][]byte {
	tb.Helper()
	shape, err := template.ParseFiles("../../test/packages/falco/falco.yaml.tmpl")
	if err != nil {
		tb.Fatal(err)
	}
	files := map[string][]byte{}
	for version := range strings.FieldsSeq("0.32.2 0.33.1 0.34.1 0.35.1 0.36.2 0.37.1 0.38.2 0.39.2 0.40.0 0.41.3 0.42.1 0.43.1 0.44.0 0.45.0") {
		var minor int
		if _, err := fmt.Sscanf(version, "0.%d.", &minor); err != nil {
			tb.Fatal(err)
		}
		var b bytes.Buffer
		if err := shape.Execute(&b, map[string]any{"Version": version, "Minor": minor}); err != nil {
			tb.Fatal(err)
		}
		files[version+".yaml"] = b.Bytes()
	}
	return files
}

func TestCorpusIsWhatReleasesShipped(t *testing.T) {
	if os.Getenv("FALCO_YAML_CORPUS") == "" {
		t.Skipf("FALCO_YAML_CORPUS names no directory with the falco.yaml of releases: the tests ran on %d files that were written here", len(written(t)))
	}
}

// wantHint checks that a refusal says what to do.
func wantHint(t *testing.T, err error) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Hint == "" || e.Reason == "" {
		t.Errorf("refusal %#v, want an *Error with a reason and a hint", err)
	}
}

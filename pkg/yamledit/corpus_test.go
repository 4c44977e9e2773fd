// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package yamledit

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/template"

	"gopkg.in/yaml.v3"
)

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

// manyKeys are keys of every kind. Some are in every falco.yaml, some in none.
func manyKeys() []Setting {
	return []Setting{
		{"json_output", true},
		{"priority", "warning"},
		{"log_level", "debug"},
		{"output_timeout", 3000},
		{"syscall_event_drops.rate", .5},
		{"syscall_event_drops.actions", []any{"log", "exit"}},
		{"syscall_event_drops.threshold", .25},
		{"program_output.program", `logger -t "falco" 'x: y' # z`},
		{"http_output.url", "https://collector.example.com/alerts?a=b#c"},
		{"http_output.ca_cert", "/etc/pki/ca.pem"},
		{"webserver.listen_port", 9000},
		{"webserver.k8s_healthz_endpoint", "/ready"},
		{"webserver.listen_address", "127.0.0.1"},
		{"rules_files", []any{"/etc/falco/falco_rules.yaml", "/etc/falco/mine.yaml"}},
		{"plugins", []any{map[string]any{"name": "json", "library_path": "libjson.so", "init_config": map[string]any{"deep": []any{1, 2}}}}},
		{"load_plugins", []any{"json"}},
		{"static_fields", map[string]any{"node": "no", "größe": "1e3"}},
		{"engine.modern_ebpf.cpus_for_each_buffer", 4},
		{"base_syscalls.custom_set", []any{"open", "!close"}},
		{"metrics.output_file", "/tmp/metrics"},
		{"stdout_output", map[string]any{"enabled": false}},
		{"append_output", []any{}},
		{"libs_logger", nil},
	}
}

func TestCorpusFileOutputIsTwoLines(t *testing.T) {
	for name, src := range corpus(t) {
		out, err := Set(src, fileOutput("/var/log/falco.log")...)
		if err != nil {
			t.Errorf("Set(%s, file_output): %v", name, err)
			continue
		}
		want := []string{
			"  enabled: false", "  enabled: true",
			"  filename: ./events.txt", "  filename: /var/log/falco.log",
		}
		if got := changedLines(t, src, out); !slices.Equal(got, want) {
			t.Errorf("Set(%s, file_output) changed %q, want %q", name, got, want)
		}
		wantSameSlice(t, out, fileOutput("/var/log/falco.log"))
	}
}

func TestCorpusManyKeys(t *testing.T) {
	for name, src := range corpus(t) {
		all := checkEdit(t, name, src, manyKeys()...)
		if all == nil {
			continue
		}
		for _, s := range manyKeys() {
			checkEdit(t, name, src, s)
			back, err := Remove(all, s.Path)
			if err != nil {
				t.Errorf("Remove(%s, %s): %v", name, s.Path, err)
				continue
			}
			if _, _, ok, err := Get(back, s.Path); ok || err != nil {
				t.Errorf("Get(%s, %s) after Remove = %t, %v", name, s.Path, ok, err)
			}
			wantCommentsKept(t, name, all, back, s)
		}
	}
}

// checkEdit sets the settings and checks the result without this package's own
// parser: yaml.v3's decoder for the tree, a line diff for the bytes.
func checkEdit(t *testing.T, name string, src []byte, settings ...Setting) []byte {
	t.Helper()
	out, err := Set(src, settings...)
	if err != nil {
		t.Errorf("Set(%s, %v): %v", name, settings, err)
		return nil
	}
	wantSameSlice(t, out, settings)
	var before, after map[string]any
	if err := yaml.Unmarshal(src, &before); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(out, &after); err != nil {
		t.Fatalf("Set(%s, %v) is not YAML: %v", name, settings, err)
	}
	tops := map[string]bool{}
	for _, s := range settings {
		got, _, ok, err := Get(out, s.Path)
		want, _ := canonical("", s.Value)
		if err != nil || !ok || !equal(got, want) {
			t.Errorf("Get(%s, %s) = %v, %t, %v, want %v", name, s.Path, got, ok, err, s.Value)
		}
		top, _, _ := strings.Cut(s.Path, ".")
		tops[top] = true
	}
	for key := range before {
		if !tops[key] && !equal(plain(before[key]), plain(after[key])) {
			t.Errorf("Set(%s, %v) changed %s", name, settings, key)
		}
	}
	for key := range after {
		if _, ok := before[key]; !ok && !tops[key] {
			t.Errorf("Set(%s, %v) made %s", name, settings, key)
		}
	}
	wantCommentsKept(t, name, src, out, settings...)
	wantLinesOwned(t, name, src, out, tops)
	return out
}

func plain(v any) any {
	v, _ = canonical("", v)
	return v
}

// wantCommentsKept checks that lines that hold only a comment are still there,
// unless they were in a block that was replaced as a whole.
func wantCommentsKept(t *testing.T, name string, before, after []byte, settings ...Setting) {
	t.Helper()
	whole := slices.ContainsFunc(settings, func(s Setting) bool { return !strings.Contains(s.Path, ".") })
	for _, line := range lostLines(before, after) {
		text := strings.TrimSpace(line)
		if strings.HasPrefix(text, "#") && (line[0] == '#' || !whole) {
			t.Errorf("%s: edit of %v loses the comment %q", name, settings, line)
		}
	}
}

// wantLinesOwned checks that every line that an edit removed belonged to a block
// that was named.
func wantLinesOwned(t *testing.T, name string, before, after []byte, tops map[string]bool) {
	t.Helper()
	owned := map[string]int{}
	top := ""
	for line := range strings.Lines(string(before)) {
		line = strings.TrimRight(line, "\r\n")
		if key, _, ok := strings.Cut(line, ":"); ok && line[0] != ' ' && line[0] != '#' && line[0] != '-' {
			top = strings.Trim(key, `'" `)
		}
		if tops[top] {
			owned[line]++
		}
	}
	for _, line := range lostLines(before, after) {
		if owned[line]--; owned[line] < 0 {
			t.Errorf("%s: edit of %v removes %q", name, tops, line)
		}
	}
}

// lostLines returns the lines of before that after lacks.
func lostLines(before, after []byte) []string {
	have := map[string]int{}
	for line := range strings.Lines(string(after)) {
		have[strings.TrimRight(line, "\r\n")]++
	}
	var lost []string
	for line := range strings.Lines(string(before)) {
		line = strings.TrimRight(line, "\r\n")
		if have[line]--; have[line] < 0 {
			lost = append(lost, line)
		}
	}
	return lost
}

// changedLines returns the lines in which two texts of equally many lines
// differ: before, after, before, after, ...
func changedLines(t *testing.T, before, after []byte) []string {
	t.Helper()
	old, now := strings.Split(string(before), "\n"), strings.Split(string(after), "\n")
	if len(old) != len(now) {
		t.Fatalf("edit turns %d lines into %d, want as many", len(old), len(now))
	}
	var changed []string
	for i := range old {
		if old[i] != now[i] {
			changed = append(changed, old[i], now[i])
		}
	}
	return changed
}

// TestEditedCorpus sets file_output in files that were changed since they were
// shipped, in the ways that people and tools change them.
func TestEditedCorpus(t *testing.T) {
	edits := map[string]func([]byte) []byte{
		"CRLF":             func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n")) },
		"no final newline": func(b []byte) []byte { return bytes.TrimRight(b, "\n") },
		"enabled is no":    replacer("  enabled: false", "  enabled: no"),
		"two spaces":       replacer("  enabled: ", "  enabled:  "),
		"byte order mark":  func(b []byte) []byte { return append([]byte(utf8BOM), b...) },
		"quoted":           replacer("filename: ./events.txt", `filename: "./events.txt"`),
		"commented key":    replacer("\nfile_output:\n", "\n# file_output: writes to a file\nfile_output: # here\n"),
	}
	for name, src := range corpus(t) {
		for edit, change := range edits {
			edited := change(src)
			checkEdit(t, name+" "+edit, bytes.ReplaceAll(edited, []byte("\r\n"), []byte("\n")), fileOutput("/x")...)
			out, err := Set(edited, fileOutput("/x")...)
			if err != nil {
				t.Errorf("Set(%s %s): %v", name, edit, err)
				continue
			}
			if got := len(changedLines(t, edited, out)); got != 4 {
				t.Errorf("Set(%s %s) has %d changed lines in its diff, want 4", name, edit, got)
			}
		}
	}
}

func replacer(from, to string) func([]byte) []byte {
	return func(b []byte) []byte { return bytes.ReplaceAll(b, []byte(from), []byte(to)) }
}

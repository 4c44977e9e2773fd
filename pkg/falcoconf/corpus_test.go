// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falcoconf

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// mutations are what falco 0.44.1 accepts in a file as it was shipped. Each is a
// text and where it goes: before or after line n of the file, or at its start or
// end.
func mutations(src []byte) map[string][]byte {
	lines := bytes.SplitAfter(src, []byte("\n"))
	at := func(n int, text string) []byte {
		n = min(n, len(lines))
		return bytes.Join([][]byte{bytes.Join(lines[:n], nil), []byte(text), bytes.Join(lines[n:], nil)}, nil)
	}
	out := map[string][]byte{
		"YAML 1.2":                   append([]byte("%YAML 1.2\n---\n"), src...),
		"an unknown directive":       append([]byte("%X y\n---\n"), src...),
		"a byte order mark":          append([]byte("\ufeff"), src...),
		"a second document":          append(bytes.Clone(src), "\n---\nfile_output: {enabled: false}\n"...),
		"a broken second document":   append(bytes.Clone(src), "\n---\n\xff: [\n"...),
		"an end and garbage":         append(bytes.Clone(src), "\n...\n"...),
		"CRLF":                       bytes.ReplaceAll(src, []byte("\n"), []byte("\r\n")),
		"CRLF and Latin-1":           bytes.ReplaceAll(src, []byte("\n#"), []byte("\r\n#\xe9")),
		"Latin-1 in every comment":   bytes.ReplaceAll(src, []byte("\n#"), []byte("\n#\xe9 ")),
		"a tab in every empty line":  bytes.ReplaceAll(src, []byte("\n\n"), []byte("\n\t\n")),
		"a tab before every comment": bytes.ReplaceAll(src, []byte("\n#"), []byte("\n\t#")),
		"escaped slashes":            bytes.ReplaceAll(append(bytes.Clone(src), "\nfree: \"\\/a\\/b\"\n"...), []byte("\n\n"), []byte("\n")),
	}
	for name, text := range map[string]string{
		"Latin-1": "\xe9", "an escape": "\x1b[0m", "a bell": "\a", "a delete": "\x7f", "a C1 control": "\u0090",
		"a next line": "\u0085x: [", "a line separator": "\u2028x: [", "a paragraph separator": "\u2029x: [", "a byte order mark": "\ufeff", "a non-character": "\uffff",
	} {
		for _, n := range []int{0, 10, len(lines) / 3, len(lines)} {
			out[fmt.Sprintf("%s in a comment at line %d", name, n)] = at(n, "# "+text+"\n")
		}
		for i, line := range lines {
			if bytes.HasPrefix(line, []byte("  enabled: ")) && !bytes.Contains(line, []byte("#")) {
				out[name+" in a comment behind a value"] = bytes.Join([][]byte{bytes.Join(lines[:i], nil), []byte(strings.TrimSuffix(string(line), "\n") + " # " + text + "\n"), bytes.Join(lines[i+1:], nil)}, nil)
				break
			}
		}
	}
	return out
}

// Every file as it was shipped, mutated in a way that Falco accepts, is read, and
// the log is set in it or the edit is refused. Nothing is wrong with it, and
// nothing else changes.
func TestMutatedFiles(t *testing.T) {
	declared := []Setting{{Path: "file_output.enabled", Value: true}, {Path: "file_output.filename", Value: "/var/log/falco.log"}}
	tried, refused := 0, map[string]int{}
	files := corpus(t)
	for _, file := range []string{"0.36.2.yaml", "0.44.0.yaml"} { // the others are alike
		src, version := files[file], strings.TrimSuffix(file, ".yaml")
		rules := []string{"/etc/falco/falco_rules.local.yaml", "", "/etc/falco/k8s_audit_rules.yaml", "", "/etc/falco/rules.d/a.yaml", ""}
		for name, mutated := range mutations(src) {
			tried++
			c, err := LoadCandidate(tree("", rules...), mainFile, mutated, Start{Version: version})
			if err != nil {
				t.Errorf("%s with %s: %v", file, name, err)
				continue
			}
			for _, p := range c.Problems() {
				if p.Fatal {
					t.Errorf("%s with %s: %v", file, name, p)
				}
			}
			plain, _ := LoadCandidate(tree("", rules...), mainFile, src, Start{Version: version})
			for _, key := range []string{"priority", "webserver.listen_port", "json_output", "file_output.filename"} {
				got, known := c.Text(key, "")
				want, _ := plain.Text(key, "")
				if got != want || !known {
					t.Errorf("%s with %s: %s is %q, %t, want %q", file, name, key, got, known, want)
				}
			}
			edited, err := Set(mutated, declared...)
			if err != nil {
				refused[name]++
				continue
			}
			if left, err := Unset(mainFile, edited, Start{Version: version}, declared); err != nil || len(left) > 0 {
				t.Errorf("%s with %s, edited: %v is not set (%v)", file, name, left, err)
			}
			if !sameBut(mutated, edited) {
				t.Errorf("%s with %s, edited: more than the log has changed", file, name)
			}
		}
	}
	for name := range refused {
		if !strings.Contains(name, "second document") {
			t.Errorf("an edit is refused in %d files with %s", refused[name], name)
		}
	}
	t.Logf("%d files, edits refused: %v", tried, refused)
}

// sameBut reports whether the lines of two texts are the same but for those of
// file_output.
func sameBut(a, b []byte) bool {
	strip := func(text []byte) string {
		var kept []string
		for line := range strings.Lines(string(text)) {
			if s := strings.TrimSpace(line); !strings.HasPrefix(s, "enabled:") && !strings.HasPrefix(s, "filename:") {
				kept = append(kept, line)
			}
		}
		return strings.Join(kept, "")
	}
	return strip(a) == strip(b)
}

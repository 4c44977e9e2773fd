// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestExamine(t *testing.T) {
	const src = `falco:
  verison: 0.44.1
  driver: ebpf
  config:
    "9x": 1
    file_output:
      filename: falco.log
  rules:
    - {name: A, content: x}
    - {name: b, content: x}
    - {name: c, url: "https://x/c.yaml"}
repository:
  warn_days: many
  id: "a b"
  fingerprints: [ab, cd]
log: {mode: "0666"}
proof:
  max_age: 0s
`
	s, found := Examine([]byte(src))
	var got []string
	for _, p := range found {
		message, _, _ := strings.Cut(p.Message, ";")
		got = append(got, fmt.Sprintf("%d %s", p.Line, message))
	}
	want := []string{
		`2 unknown key "verison"`,
		`3 falco.driver: Falco has removed the legacy eBPF probe`,
		`4 falco.config: "9x" is not a key of falco.yaml`,
		`7 falco.config: file_output.filename: "falco.log" is not an absolute path`,
		`9 falco.rules[0].name: "A" is not a name`,
		`11 falco.rules[2].sha256: is missing`,
		"13 the value `many` is not a int",
		`14 repository.id: "a b" is not a repository id`,
		`15 repository.fingerprints[0]: `,
		`15 repository.fingerprints[1]: `,
		`16 log.mode: "0666" makes the log writable by others, or executable`,
		`18 proof.max_age: 0s is not above zero`,
	}
	for i := range min(len(got), len(want)) {
		if strings.HasSuffix(want[i], ": ") && strings.HasPrefix(got[i], want[i]) {
			got[i] = want[i]
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Examine (-want +got):\n%s", diff)
	}
	if err := s.Check(); err != nil {
		t.Errorf("the settings that it returns: %v", err)
	}
	for src, want := range map[string]string{"a: [": "did not find", "": "", "falco: {}\n---\nfalco: {}\n": "more than one", "- a\n": "is not a"} {
		_, found := Examine([]byte(src))
		if (len(found) > 0) != (want != "") || len(found) > 0 && !strings.Contains(found[0].Message, want) {
			t.Errorf("Examine(%q) = %v, want %q", src, found, want)
		}
	}
}

func TestLine(t *testing.T) {
	const src = "falco:\n  config:\n    file_output.enabled: true\n    webserver:\n      enabled: true\n  rules:\n    - name: a\n    - name: b\n      content: x\n"
	for key, want := range map[string]int{
		"falco.config.file_output.enabled": 3, "falco.config.webserver.enabled": 5, "falco.config.webserver.nothing": 4, "falco.rules[1].content": 9,
		"falco.rules[7]": 6, "log.mode": 0, "falco.config.other": 2, "": 0,
	} {
		if got := Line([]byte(src), key); got != want {
			t.Errorf("Line(%s) = %d, want %d", key, got, want)
		}
	}
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

func TestHelpListsEveryExitStatus(t *testing.T) {
	b := newBench(newNode())
	if code := b.run(t, "--help"); code != node.CodeOK {
		t.Fatalf("--help exits with %d", code)
	}
	for _, row := range node.Codes() {
		if line := fmt.Sprintf("\n  %-3d %s\n", row.Code, row.Meaning); !strings.Contains(b.stdout.String(), line) {
			t.Errorf("--help lacks %q", line)
		}
	}
}

// Each command of the README's list has a help of its own, and the flags that it shows.
func TestReadmeListsTheCommands(t *testing.T) {
	page, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(page), "```\nfalco-bootstrap [flags]")
	list, _, _ = strings.Cut("falco-bootstrap [flags]"+list, "```")
	flag := regexp.MustCompile(`--[a-z-]+`)
	found := map[string]bool{}
	for _, line := range strings.Split(strings.TrimSpace(list), "\n") {
		words := regexp.MustCompile(`^falco-bootstrap((?: [a-z]+)*)`).FindStringSubmatch(line)
		args := strings.Fields(words[1])
		b := newBench(newNode())
		if code := b.run(t, append(args, "--help")...); code != node.CodeOK || !strings.Contains(b.stdout.String(), "falco-bootstrap"+words[1]) {
			t.Errorf("%q: --help exits with %d\n%s", line, code, b.stdout.String())
		}
		for _, name := range flag.FindAllString(line, -1) {
			if !strings.Contains(b.stdout.String(), name) {
				t.Errorf("%q: the help has no %s", line, name)
			}
		}
		found[strings.Join(args, " ")] = true
	}
	for _, name := range []string{"", "verify", "explain", "config check", "config show", "report", "bundle", "remove", "debug"} {
		if !found[name] {
			t.Errorf("the README does not list %q", name)
		}
	}
}

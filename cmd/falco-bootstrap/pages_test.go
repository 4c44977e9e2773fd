// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"flag"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// packaging/release.sh passes the directory: the agent itself has no need of what
// makes a manual page.
var pages = flag.String("pages", "", "write the manual pages and completions to this directory")

// lists are indented lines, which Markdown would join, with the line before them.
var lists = regexp.MustCompile(`(?m)^(\S.*)\n((?:  .*\n?)+)`)

// writePages writes a manual page for each command, and the completions, from the
// same texts as the help.
func writePages(t *testing.T, dir string) {
	t.Helper()
	root := (&app{}).command()
	preformat(root)
	err := doc.GenManTree(root, &doc.GenManHeader{Section: "1", Source: "falco-bootstrap " + version, Manual: "falco-bootstrap"}, dir)
	if err != nil {
		t.Fatal(err)
	}
	for name, write := range map[string]func(io.Writer) error{
		"falco-bootstrap.bash": func(w io.Writer) error { return root.GenBashCompletionV2(w, true) },
		"_falco-bootstrap":     root.GenZshCompletion,
		"falco-bootstrap.fish": func(w io.Writer) error { return root.GenFishCompletion(w, true) },
	} {
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := write(f); err != nil {
			t.Error(err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
}

// preformat makes Markdown of the texts of a command and those below it.
func preformat(c *cobra.Command) {
	c.DisableAutoGenTag = true
	c.Long = lists.ReplaceAllStringFunc(c.Long+"\n", func(list string) string {
		return strings.ReplaceAll(strings.TrimSuffix(list, "\n"), "\n  ", "\n      ") + "\n"
	})
	c.Long = regexp.MustCompile(`(?m)^(\S.*)\n {6}`).ReplaceAllString(c.Long, "$1\n\n      ")
	for _, below := range c.Commands() {
		preformat(below)
	}
}

func TestPages(t *testing.T) {
	dir := *pages
	if dir == "" {
		dir = t.TempDir()
	}
	writePages(t, dir)
	for name, want := range map[string]string{
		"falco-bootstrap.1":        "falco-bootstrap-verify(1)",
		"falco-bootstrap-verify.1": "/etc/shadow",
	} {
		page, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || !strings.Contains(strings.ReplaceAll(string(page), `\-`, "-"), want) {
			t.Errorf("%s: %v, or it lacks %q", name, err, want)
		}
	}
	t.Run("render", func(t *testing.T) { rendered(t, filepath.Join(dir, "falco-bootstrap.1")) })
	for shell, arguments := range map[string][]string{
		"bash": {"-c", `source "$0" && complete -p falco-bootstrap`, filepath.Join(dir, "falco-bootstrap.bash")},
		"zsh":  {"-f", "-c", `fpath=(${0:h} $fpath) && autoload -Uz compinit && compinit -u -d "$0.dump" && [[ -n $_comps[falco-bootstrap] ]]`, filepath.Join(dir, "_falco-bootstrap")},
		"fish": {"--no-config", "-c", "source " + filepath.Join(dir, "falco-bootstrap.fish") + "; and complete -c falco-bootstrap | string match -q '*falco-bootstrap*'"},
	} {
		t.Run(shell, func(t *testing.T) {
			if _, err := exec.LookPath(shell); err != nil {
				t.Skip(err)
			}
			if out, err := exec.Command(shell, arguments...).CombinedOutput(); err != nil {
				t.Errorf("%s does not load the completions: %v\n%s", shell, err, out)
			}
		})
	}
}

// rendered requires that groff has nothing to complain of, and that each exit status
// is a line of its own.
func rendered(t *testing.T, page string) {
	t.Helper()
	groff, err := exec.LookPath("groff")
	if err != nil {
		t.Skip(err)
	}
	out, err := exec.Command(groff, "-man", "-W", "break", "-Tascii", "-P-c", page).CombinedOutput()
	if err != nil || strings.Contains(string(out), "warning") {
		t.Errorf("groff %s: %v\n%s", page, err, out)
	}
	if !regexp.MustCompile(`(?m)^ +64 +the command line`).Match(out) {
		t.Errorf("the page has no line for exit status 64:\n%s", out)
	}
}

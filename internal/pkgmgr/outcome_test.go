// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package pkgmgr

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/program"
)

// A capture is what dnf or yum printed, and what it means.
type capture struct{ row, from, what, hint, output string }

func captures(t *testing.T) []capture {
	t.Helper()
	text, err := os.ReadFile("testdata/outcomes.txt")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "\n=== ")
	form := regexp.MustCompile(`(?s)^(\S*) *\nfrom: (.+?)\nwhat: (.+?)\nhint: (.*?)\n\n(.+)$`)
	var all []capture
	for part := range strings.SplitSeq(rest, "\n=== ") {
		m := form.FindStringSubmatch(part)
		if m == nil {
			t.Fatalf("a part without its four lines:\n%s", part)
		}
		all = append(all, capture{m[1], m[2], m[3], m[4], m[5]})
	}
	return all
}

// Every capture hits its own row, so that no general row hides a special one,
// and every row has a capture.
func TestOutcomes(t *testing.T) {
	install := order("kernel-uek-devel", "(kernel-devel-uname-r = 1 or kernel-uek-devel-uname-r = 1)")
	seen := map[string]bool{"": true}
	for _, c := range captures(t) {
		t.Run(c.row, func(t *testing.T) {
			seen[c.row] = true
			got := diagnose("/usr/bin/dnf", install, program.Result{Stdout: []byte(c.output), Status: 1})
			if got.row != c.row || !strings.HasPrefix(got.what, c.what) || !strings.Contains(got.hint, c.hint) {
				t.Errorf("%s\n%s\nis row %q: %s\nhint: %s\nwant row %q: %s\nhint: %s", c.from, c.output, got.row, got.what, got.hint, c.row, c.what, c.hint)
			}
			if strings.Contains(got.hint, "[redacted]") {
				t.Errorf("%q: a word of the hint looks like a secret", got.hint)
			}
			if strings.ContainsAny(got.what+got.hint, "$") && !strings.Contains(got.what, "$oci") {
				t.Errorf("%q, %q: a part was not filled in", got.what, got.hint)
			}
		})
	}
	for _, o := range outcomes() {
		if !seen[o.name] {
			t.Errorf("row %s has no capture", o.name)
		}
	}
}

// A package that is asked for by what it provides is named as people know it.
func TestOutcomeNamesPackage(t *testing.T) {
	c := node.Install{Action: "install", Targets: []node.Target{{Name: "kernel-uek-devel", Spec: "kernel-uek-devel-5-1.x86_64", Provides: []string{"a = 1", "b = 2"}}}}
	got := diagnose("/usr/bin/dnf", c, program.Result{Stdout: []byte("No match for argument: (a = 1 or b = 2)\nError: Unable to find a match: (a = 1 or b = 2)\n"), Status: 1})
	if got.what != "the repository has no kernel-uek-devel-5-1.x86_64" || !strings.Contains(got.hint, "list kernel-uek-devel, or reboot") {
		t.Errorf("diagnose = %+v", got)
	}
}

// Whatever dnf prints, there is a cause, and its own words do not become a part of
// a template.
func FuzzDiagnose(f *testing.F) {
	text, err := os.ReadFile("testdata/outcomes.txt")
	if err != nil {
		f.Fatal(err)
	}
	for part := range strings.SplitSeq(string(text), "\n=== ") {
		_, output, _ := strings.Cut(part, "\n\n")
		f.Add(output)
	}
	install := order("dkms", "dkms")
	f.Fuzz(func(t *testing.T, output string) {
		got := diagnose("/usr/bin/yum", install, program.Result{Stdout: []byte(output), Status: 1})
		if got.what == "" || got.tries < 1 || got.code != node.CodeTrust && got.code != node.CodePackages {
			t.Errorf("diagnose(%q) = %+v", output, got)
		}
	})
}

// order returns a transaction of Falco and one package more.
func order(name, spec string) node.Install {
	return node.Install{
		Action: "install", Repositories: []string{"fx", "ol8_baseos_latest"}, Declared: "fx",
		Targets: []node.Target{{Name: "falco", Spec: "falco"}, {Name: name, Spec: spec}},
	}
}

// A failure of trust is never tried again, and exits as one.
func TestOutcomeKinds(t *testing.T) {
	names := map[string]bool{}
	for _, o := range outcomes() {
		if names[o.name] {
			t.Errorf("two rows are called %s", o.name)
		}
		names[o.name] = true
		if o.code == node.CodeTrust && o.tries != permanent {
			t.Errorf("%s: %d tries of a failure of trust", o.name, o.tries)
		}
	}
	for name, tries := range map[string]int{
		"metadata-unsigned": permanent, "not-found": maybe, "server-silent": transient, "server-name": unnamed, "lock": locked, "no-match": permanent, "disk-full": permanent,
	} {
		for _, o := range outcomes() {
			if o.name == name && o.tries != tries {
				t.Errorf("%s: %d tries, want %d", name, o.tries, tries)
			}
		}
	}
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falco

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/falco-bootstrap/falco-bootstrap/pkg/osrelease"
)

var update = flag.Bool("update", false, "rewrite docs/compatibility.md")

func TestMarkdown(t *testing.T) {
	const file = "../../docs/compatibility.md"
	if *update {
		if err := os.WriteFile(file, []byte(markdown()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(markdown(), string(b)); diff != "" {
		t.Errorf("docs/compatibility.md is not current; run go generate ./internal/falco (-want +got):\n%s", diff)
	}
}

// markdown returns docs/compatibility.md.
func markdown() string {
	var b strings.Builder
	b.WriteString(`# Which Falco runs on which Oracle Linux

<!-- Generated from internal/falco/table.go. Change that, then run: go generate ./internal/falco -->

` + "`falco-bootstrap explain`" + ` applies this table to the node it runs on, or to the host that its flags describe, and every
run that converges a node applies it before it changes anything. What no row mentions works, or is not known to fail.

## Decisions

With no version pinned and the driver left to ` + "`auto`" + `, for x86_64:

| host | driver | versions | unit | drop-in |
|---|---|---|---|---|
`)
	for _, h := range examples() {
		e := Explain(h, Request{})
		if !e.Allowed {
			fmt.Fprintf(&b, "| %s | none | none | | |\n", h)
			continue
		}
		dropIn := ""
		if e.DropIn {
			dropIn = "libresolv for " + e.preload
		}
		fmt.Fprintf(&b, "| %s | `%s` | %s | `%s` | %s |\n", h, e.Driver, strings.TrimPrefix(e.Falco, "Falco "), e.Unit, dropIn)
	}
	b.WriteString("\n## The table\n\nThe first row that forbids a version gives the reason.\n\n")
	b.WriteString("| row | applies to | asks for | reason | what to do | source |\n|---|---|---|---|---|---|\n")
	for _, r := range table() {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s. | %s. | %s |\n", r.ID, r.When, r.Kind, cell(r.Reason), cell(r.Remedy), source(r.Source))
	}
	b.WriteString("\n## Releases\n\nThe table covers these releases. A newer one is used unless a row forbids it.\n\n| Falco | date |\n|---|---|\n")
	for _, r := range Releases() {
		fmt.Fprintf(&b, "| %s | %s |\n", r.Version, r.Date)
	}
	return b.String()
}

// examples returns hosts from Oracle's kernel matrix.
func examples() []Host {
	var all []Host
	for _, e := range []struct {
		major, minor int
		kernel       string
	}{
		{7, 9, "3.10.0-1160.el7.x86_64"},
		{7, 9, "5.4.17-2136.320.7.el7uek.x86_64"},
		{8, 10, "4.18.0-553.16.1.el8_10.x86_64"},
		{8, 6, "5.4.17-2136.311.6.1.el8uek.x86_64"},
		{8, 10, "5.15.0-210.163.7.el8uek.x86_64"},
		{9, 6, "5.14.0-570.12.1.el9_6.x86_64"},
		{9, 5, "5.15.0-210.163.7.el9uek.x86_64"},
		{9, 6, "6.12.0-202.76.4.1.el9uek.x86_64"},
		{10, 1, "6.12.0-55.9.1.el10_0.x86_64"},
		{10, 1, "6.12.0-202.76.4.1.el10uek.x86_64"},
	} {
		all = append(all, hostOf(e.major, e.minor, e.kernel))
	}
	return all
}

// hostOf returns a host with the given release and kernel. A kernel that cannot be
// parsed stays unknown.
func hostOf(major, minor int, kernel string) Host {
	os := osrelease.Release{ID: "ol", Major: major, Minor: minor}
	os.Pretty = fmt.Sprintf("Oracle Linux Server %d.%d", major, minor)
	k, _ := osrelease.ParseKernel(kernel)
	return Host{OS: os, Kernel: k, Arch: k.Arch}
}

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

// source turns addresses into links.
func source(s string) string {
	parts := strings.Split(s, ", ")
	for i, p := range parts {
		if rest, ok := strings.CutPrefix(p, "https://github.com/"); ok {
			rest = strings.NewReplacer("/issues/", "#", "/pull/", "#").Replace(rest)
			parts[i] = fmt.Sprintf("[%s](%s)", rest, p)
		} else if rest, ok := strings.CutPrefix(p, "https://"); ok {
			parts[i] = fmt.Sprintf("[%s](%s)", strings.TrimSuffix(rest, "/"), p)
		}
	}
	return strings.Join(parts, ", ")
}

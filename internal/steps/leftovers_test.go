// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package steps

import (
	"slices"
	"strings"
	"testing"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

// What rpm wrote before it was cut off is removed first, beside Falco's files only,
// and not while a transaction runs.
func TestLeftovers(t *testing.T) {
	n, s := newNode(t, "8.10", uek7)
	left := []string{
		"/etc/falco/config.d/falco.container_plugin.yaml;6b077a3a", "/etc/falco/falco.yaml;6b077a3a",
		"/usr/share/falco/plugins/libcontainer.so;0b077a3a", "/usr/src/falco-9.1.0+driver/Makefile;6b077a3a",
		"/usr/bin/falco;6b077a3a", "/usr/lib/systemd/system/falco-modern-bpf.service;6b077a3a",
	}
	others := []string{
		"/usr/bin/dnf-3;6b077a3a", "/usr/lib/systemd/system/sub/falco.service;6b077a3a", "/etc/falco/rules.d/site;2024.yaml",
		"/etc/falco/rules.d/site.yaml;6B077A3A", "/etc/other/x;6b077a3a",
	}
	for _, name := range slices.Concat(left, others) {
		n.write(name, "x: 1\n")
	}
	out, err := planOf(t, n, s, idPackages)
	if err != nil {
		t.Fatal(err)
	}
	var removed []string
	for _, c := range out.Changes {
		if c, ok := c.(node.RemoveFile); ok {
			removed = append(removed, c.Path)
		}
	}
	if want := slices.Clone(left); !slices.Equal(slices.Sorted(slices.Values(removed)), slices.Sorted(slices.Values(want))) {
		t.Errorf("removed %q, want %q", removed, want)
	}
	if _, ok := out.Changes[len(out.Changes)-1].(node.Install); !ok {
		t.Errorf("the changes are %v, want the installation last", out.Changes)
	}
	n.transaction = node.Transaction{By: "dnf", PID: 7}
	out, err = planOf(t, n, s, idPackages)
	if err != nil || len(out.Changes) != 1 || len(out.Warnings) != 1 || !strings.Contains(out.Warnings[0].Message, "dnf (PID 7)") || !strings.Contains(out.Warnings[0].Hint, "ps -fp 7") {
		t.Errorf("while dnf works: %v, %+v, %v", out.Changes, out.Warnings, err)
	}
	n.transaction = node.Transaction{}
	converged(t, n, s)
	inOrder(t, n, s)
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"strings"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

// changes writes what a step changes: a diff for a file, one line for a
// package or a unit.
func (p *printer) changes(s Step) {
	done := map[string]bool{}
	for i, c := range s.Changes {
		if c.Kind == KindUnit && c.Action != string(node.ReloadManager) {
			if !done[c.Unit] {
				p.line(indent, visible(unitLine(c.Unit, s.Changes[i:])))
			}
			done[c.Unit] = true
		} else {
			p.change(c)
		}
		if p.verbose && c.Why != "" {
			p.line(indent, indent, visible(c.Why))
		}
	}
}

func (p *printer) change(c Change) {
	switch c.Kind {
	case KindWrite, KindRemove:
		p.file(c)
	case KindChmod:
		p.line(indent, visible(c.Path), "  mode ", c.From, " → ", c.To)
	case KindChgrp:
		p.line(indent, visible(c.Path), "  group ", visible(c.From), " → ", visible(c.To))
	case KindInstall:
		p.packages(c)
	case KindImportKey:
		for _, f := range c.Fingerprints {
			p.line(indent, "key ", short(visible(f)), "  absent → imported, from ", visible(c.URL))
		}
	case KindRemoveKey:
		for _, pkg := range c.Packages {
			p.line(indent, "key ", visible(pkg.Name), "  present → removed")
		}
	case KindBuildModule:
		p.line(indent, "kernel module  absent → built for ", visible(c.Kernel))
	case KindUnit:
		p.line(indent, "systemd: stale → unit files read again")
	case KindProbe:
		if p.verbose {
			p.line(indent, "prove that ", visible(c.Unit), " detects")
		}
	default:
		p.line(indent, visible(c.Kind), " ", visible(join(" ", c.Path, c.Unit)))
	}
}

// file writes a file's diff. One whose bytes are not known has a line.
func (p *printer) file(c Change) {
	if c.Diff == "" {
		verb := "write "
		if c.Kind == KindRemove {
			verb = "remove "
		}
		p.line(indent, verb, visible(c.Path))
		return
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(c.Diff, "\n"), "\n") {
		p.line(indent, p.paint(diffColor(line), visible(line)))
	}
	if c.DiffOmitted > 0 {
		p.line(indent, fmt.Sprintf("… %d more lines", c.DiffOmitted))
	}
}

// packages writes one line a target, names and versions aligned.
func (p *printer) packages(c Change) {
	names, from := 0, 0
	for _, t := range c.Packages {
		names, from = max(names, len(t.Name)), max(from, len(before(t)))
	}
	for _, t := range c.Packages {
		p.line(indent, visible(fmt.Sprintf("%-*s  %-*s → %s", names, t.Name, from, before(t), after(c.Action, t))))
	}
}

func before(t Package) string {
	if t.From == "" {
		return "absent"
	}
	return t.From
}

func after(action string, t Package) string {
	switch {
	case action == "remove":
		return "removed"
	case t.To == "":
		return "newest"
	case action == "reinstall":
		return t.To + ", reinstalled"
	default:
		return t.To
	}
}

// unitLine joins all changes of one unit, such as
// "falco-modern-bpf.service: disabled → enabled, running".
func unitLine(unit string, changes []Change) string {
	from := ""
	var to []string
	for _, c := range changes {
		if c.Kind != KindUnit || c.Unit != unit || c.Action == string(node.ReloadManager) {
			continue
		}
		if from == "" {
			from = c.From
		}
		next := c.To
		if next == "" {
			next = c.Action
		}
		if len(to) == 0 || to[len(to)-1] != next {
			to = append(to, next)
		}
	}
	arrow := " → "
	if from == "" {
		arrow = ""
	}
	return unit + ": " + from + arrow + strings.Join(to, ", ")
}

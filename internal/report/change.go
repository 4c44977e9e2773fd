// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"cmp"
	"fmt"
	"io/fs"
	"strings"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/redact"
)

// A Change is one change as reports show it. Which fields are set depends on
// Kind.
type Change struct {
	Kind string `json:"kind"`
	// Path is the file of write, remove, remove-dir, chmod, chgrp and import-key, or the
	// alert log of probe.
	Path string `json:"path,omitempty"`
	// Unit is the systemd unit of unit and probe.
	Unit string `json:"unit,omitempty"`
	// Action is what is done to a unit, or dnf's verb.
	Action string `json:"action,omitempty"`
	// Packages are the targets of an install, one transaction; or the key of
	// remove-key.
	Packages []Package `json:"packages,omitempty"`
	// URL is where a signing key comes from.
	URL string `json:"url,omitempty"`
	// Fingerprints are the fingerprints that a signing key may have.
	Fingerprints []string `json:"fingerprints,omitempty"`
	// Kernel is the kernel that a module is built for.
	Kernel string `json:"kernel,omitempty"`
	// From and To are states in words: of a unit, a file mode or a group.
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
	// Mode is the file mode that a new file gets, in octal.
	Mode string `json:"mode,omitempty"`
	// Diff is a unified diff, or one sentence if none can be shown.
	Diff string `json:"diff,omitempty"`
	// DiffOmitted is how many lines are left out at the end of the diff.
	DiffOmitted int    `json:"diff_omitted,omitempty"`
	Drift       string `json:"drift,omitempty"`
	Why         string `json:"why,omitempty"`
}

// A Package is one target of a transaction. From is empty if the package is not
// installed. To is empty for the newest version that fits, or if the action is
// remove.
type Package struct {
	Name string `json:"name"`
	Spec string `json:"spec,omitempty"`
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
}

// A kind is everything that the report knows about one kind of change.
type kind struct {
	name string
	// record returns the fields of a change except Kind and Drift, or false if
	// the change is of another kind.
	record func(node.Change) (Change, bool)
	// lines returns the text of a change without a diff; following are the
	// changes after it in its step. If lines is nil, the text is name and path.
	lines func(c Change, following []Change) []string
}

// The kinds that need care elsewhere: changes of a unit share a line of text,
// and a probe changes nothing.
const (
	kindUnit  = "unit"
	kindProbe = "probe"
)

// kinds lists every kind of change. A new kind needs an entry here, and nothing
// else in this package.
func kinds() []kind {
	return []kind{
		kindOf("write", newWrite, nil),
		kindOf("remove", newRemove, nil),
		kindOf("remove-dir", func(c node.RemoveDir) Change { return Change{Path: c.Path, Why: c.Why} }, func(c Change, _ []Change) []string {
			return []string{"remove " + c.Path}
		}),
		kindOf("chmod", func(c node.Chmod) Change {
			return Change{Path: c.Path, From: octal(c.Old), To: octal(c.New), Why: c.Why}
		}, func(c Change, _ []Change) []string {
			return []string{c.Path + "  mode " + c.From + " → " + c.To}
		}),
		kindOf("chgrp", func(c node.Chgrp) Change {
			return Change{Path: c.Path, From: c.Old, To: c.New, Why: c.Why}
		}, func(c Change, _ []Change) []string {
			return []string{c.Path + "  group " + c.From + " → " + c.To}
		}),
		kindOf("install", newInstall, installLines),
		kindOf("import-key", func(c node.ImportKey) Change {
			return Change{Path: c.Path, URL: c.URL, Fingerprints: c.Fingerprints, Why: c.Why}
		}, func(c Change, _ []Change) []string {
			return each(c.Fingerprints, func(f string) string { return "key " + strings.ToUpper(f) + "  absent → imported, from " + c.URL })
		}),
		kindOf("remove-key", newRemoveKey, func(c Change, _ []Change) []string {
			return each(c.Packages, func(p Package) string { return "key " + p.Name + "  present → removed" })
		}),
		kindOf("build-module", func(c node.BuildModule) Change {
			return Change{Kernel: c.Kernel, Why: c.Why}
		}, func(c Change, _ []Change) []string {
			return []string{"kernel module  absent → built for " + c.Kernel}
		}),
		kindOf(kindUnit, func(c node.ChangeUnit) Change {
			return Change{Unit: c.Unit, Action: string(c.Action), From: c.From, To: c.To, Why: c.Why}
		}, unitLines),
		kindOf(kindProbe, func(c node.Prove) Change {
			return Change{Unit: c.Unit, Path: c.Log}
		}, func(c Change, _ []Change) []string { return []string{"prove that " + c.Unit + " detects"} }),
	}
}

func kindOf[C node.Change](name string, record func(C) Change, lines func(Change, []Change) []string) kind {
	return kind{name, func(c node.Change) (Change, bool) {
		if mine, ok := c.(C); ok {
			return record(mine), true
		}
		return Change{}, false
	}, lines}
}

func newChange(c node.Change) Change {
	var out Change
	for _, k := range kinds() {
		if record, ok := k.record(c); ok {
			out, out.Kind = record, k.name
		}
	}
	out.Drift = string(c.Class())
	// The diff was redacted when it was made, from the whole file.
	text := []*string{&out.Path, &out.Unit, &out.URL, &out.Kernel, &out.From, &out.To, &out.Why}
	for i := range out.Packages {
		p := &out.Packages[i]
		text = append(text, &p.Name, &p.Spec, &p.From, &p.To)
	}
	for _, s := range text {
		*s = redact.Text(*s)
	}
	out.Fingerprints = each(out.Fingerprints, redact.Text)
	return out
}

// lines returns the text of a change without a diff.
func (c Change) lines(following []Change) []string {
	for _, k := range kinds() {
		if k.name == c.Kind && k.lines != nil {
			return k.lines(c, following)
		}
	}
	return []string{c.Kind + " " + join(" ", c.Path, c.Unit)}
}

func newWrite(c node.WriteFile) Change {
	out := Change{Path: c.Path, Why: c.Why}
	if c.Old == nil {
		out.Mode = octal(c.Mode)
	}
	// A nil New is an empty file, but to a diff it is no file.
	out.Diff, out.DiffOmitted = fileDiff(c.Path, c.Old, append([]byte{}, c.New...))
	return out
}

func newRemove(c node.RemoveFile) Change {
	out := Change{Path: c.Path, Why: c.Why}
	if c.Old != nil {
		out.Diff, out.DiffOmitted = fileDiff(c.Path, c.Old, nil)
	}
	return out
}

func newInstall(c node.Install) Change {
	out := Change{Action: c.Action, Why: c.Why}
	for _, t := range c.Targets {
		out.Packages = append(out.Packages, Package{Name: t.Name, Spec: t.Spec, From: t.Old, To: t.New})
	}
	return out
}

// installLines returns a line for each package, names and versions aligned.
func installLines(c Change, _ []Change) []string {
	names, from := 0, 0
	for _, p := range c.Packages {
		names, from = max(names, len(p.Name)), max(from, len(cmp.Or(p.From, "absent")))
	}
	return each(c.Packages, func(p Package) string {
		to := cmp.Or(p.To, "newest")
		switch {
		case c.Action == "remove":
			to = "removed"
		case c.Action == "reinstall" && p.To != "":
			to += ", reinstalled"
		}
		return fmt.Sprintf("%-*s  %-*s → %s", names, p.Name, from, cmp.Or(p.From, "absent"), to)
	})
}

func newRemoveKey(c node.RemoveKey) Change {
	out := Change{Packages: []Package{{Name: c.Package}}, Why: c.Why}
	if c.Fingerprint != "" {
		out.Fingerprints = []string{c.Fingerprint}
	}
	return out
}

// whole reports whether the diff is that of a file which is new, or which goes.
func (c Change) whole() bool {
	from, rest, _ := strings.Cut(c.Diff, "\n")
	to, _, _ := strings.Cut(rest, "\n")
	return from == "--- /dev/null" || to == "+++ /dev/null"
}

// reloads reports whether the change makes systemd read its unit files again.
func (c Change) reloads() bool { return c.Kind == kindUnit && c.Action == string(node.ReloadManager) }

// unitLines joins a change of a unit with the following ones, as in
// "falco-modern-bpf.service: disabled → enabled, running".
func unitLines(c Change, following []Change) []string {
	if c.reloads() {
		return []string{"systemd: stale → unit files read again"}
	}
	from := ""
	var to []string
	for _, next := range append([]Change{c}, following...) {
		if next.Kind != kindUnit || next.Unit != c.Unit || next.reloads() {
			continue
		}
		from = cmp.Or(from, next.From)
		state := cmp.Or(next.To, next.Action)
		if next.Action == string(node.Restart) {
			state = "restarted"
		}
		if len(to) == 0 || to[len(to)-1] != state {
			to = append(to, state)
		}
	}
	if from != "" {
		from += " → "
	}
	return []string{c.Unit + ": " + from + strings.Join(to, ", ")}
}

// octal returns a file mode as chmod takes it.
func octal(m fs.FileMode) string {
	bits := uint32(m.Perm())
	for mode, bit := range map[fs.FileMode]uint32{fs.ModeSetuid: 0o4000, fs.ModeSetgid: 0o2000, fs.ModeSticky: 0o1000} {
		if m&mode != 0 {
			bits |= bit
		}
	}
	return fmt.Sprintf("%04o", bits)
}

func each[T any](things []T, text func(T) string) []string {
	var all []string
	for _, t := range things {
		all = append(all, text(t))
	}
	return all
}

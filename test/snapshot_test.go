// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A Snapshot is a node at one moment: every file by path, as a line of JSON, and
// the state of every unit. rpm's database is among the files.
type Snapshot struct {
	Files map[string]string
	Units map[string]string
}

// ours lists what a snapshot leaves out: the kernel's own file systems, the state of
// systemd and the journal, and the harness's files.
func ours() []string {
	return []string{
		"/proc", "/sys", "/dev", "/srv", "/usr/share/node", "/run/systemd", "/run/log", "/run/dbus", "/run/node-server.log",
		"/var/lib/systemd", "/etc/hosts", "/etc/resolv.conf", "/.dockerenv", "/etc/.updated", "/var/.updated",
	}
}

// Snapshot takes a snapshot. The content of files that are older than the image is not
// hashed: their change time shows as much, and reading them takes a second.
func (n *Node) Snapshot() Snapshot {
	n.t.Helper()
	return n.snapshot("")
}

// FullSnapshot takes a snapshot that hashes every file.
func (n *Node) FullSnapshot() Snapshot {
	n.t.Helper()
	return n.snapshot("-full ")
}

func (n *Node) snapshot(flags string) Snapshot {
	n.t.Helper()
	r := n.Sh("/usr/share/node/await-cleanup.sh && /usr/share/node/snapshot " + flags + "/ " + strings.Join(ours(), " ") +
		" && echo && systemctl list-unit-files --no-legend --no-pager" +
		" && echo && systemctl show --no-pager --property Id,ActiveState,SubState,InvocationID,NRestarts 'falco*'")
	if r.Exit != 0 {
		n.t.Fatalf("taking a snapshot: %v", r)
	}
	files, units, _ := strings.Cut(r.Stdout, "\n\n")
	unitFiles, loaded, _ := strings.Cut(units, "\n\n")
	s := Snapshot{Files: map[string]string{}, Units: unitStates(loaded)}
	for line := range strings.Lines(files) {
		var e struct{ Path string }
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			n.t.Fatalf("reading a snapshot: %v in %q", err, line)
		}
		s.Files[e.Path] = strings.TrimSpace(line)
	}
	for line := range strings.Lines(unitFiles) {
		if f := strings.Fields(line); len(f) >= 2 {
			s.Units[f[0]+" file"] = f[1]
		}
	}
	return s
}

// unitStates reads what systemctl show prints about units, a paragraph for each: the
// properties by unit and name.
func unitStates(text string) map[string]string {
	states := map[string]string{}
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		of := properties(paragraph)
		for name, value := range of {
			if name != "Id" {
				states[of["Id"]+" "+name] = value
			}
		}
	}
	return states
}

// Diff lists what differs in other, one line for each difference. It skips paths at or
// below one of ignore.
func (s Snapshot) Diff(other Snapshot, ignore ...string) []string {
	skip := func(path string) bool {
		return slices.ContainsFunc(ignore, func(i string) bool { return path == i || strings.HasPrefix(path, i+"/") })
	}
	return append(differences(s.Files, other.Files, skip), differences(s.Units, other.Units, skip)...)
}

func differences(was, is map[string]string, skip func(string) bool) []string {
	var lines []string
	names := maps.Clone(was)
	maps.Copy(names, is)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		old, before := was[name]
		now, after := is[name]
		switch {
		case skip(name) || before && after && old == now:
		case !before:
			lines = append(lines, fmt.Sprintf("+ %s: %s", name, now))
		case !after:
			lines = append(lines, "- "+name)
		default:
			lines = append(lines, fmt.Sprintf("~ %s: %s", name, changes(old, now)))
		}
	}
	return lines
}

// changes names the fields in which two lines of JSON differ.
func changes(old, now string) string {
	var a, b map[string]any
	if json.Unmarshal([]byte(old), &a) != nil || json.Unmarshal([]byte(now), &b) != nil {
		return old + " -> " + now
	}
	var out bytes.Buffer
	for _, k := range slices.Sorted(maps.Keys(b)) {
		if x, y := fmt.Sprint(a[k]), fmt.Sprint(b[k]); x != y {
			fmt.Fprintf(&out, "%s %s -> %s; ", k, x, y)
		}
	}
	return strings.TrimSuffix(out.String(), "; ")
}

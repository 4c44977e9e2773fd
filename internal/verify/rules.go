// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"fmt"
	"io/fs"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/falcoconf"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/yamledit"
)

// A definition is an entry of a rules file: a rule, macro or list, or a change to
// one that an earlier entry defines.
type definition struct {
	kind, name string
	origin     falcoconf.Origin
	words      []string // of its condition or items
}

// definitions returns the entries of the rules files, in the order in which
// Falco reads them. A file that is not read here has none.
func definitions(tree fs.FS, files []string) []definition {
	var all []definition
	for _, file := range files {
		text, err := fs.ReadFile(tree, inTree(file))
		if err != nil {
			continue
		}
		root, _, err := yamledit.ParseFirst(text)
		if err != nil || root == nil || root.Kind != yaml.SequenceNode {
			continue
		}
		for _, n := range root.Content {
			if d := define(n, file); d.name != "" {
				all = append(all, d)
			}
		}
	}
	return all
}

// define reads an entry. Its name is "" if it is none of the three.
func define(n *yaml.Node, file string) definition {
	d := definition{origin: falcoconf.Origin{File: file, Line: n.Line}}
	for i := 0; n.Kind == yaml.MappingNode && i < len(n.Content); i += 2 {
		switch key, val := n.Content[i].Value, n.Content[i+1]; key {
		case "rule", "macro", "list":
			d.kind, d.name = key, val.Value
		case "condition", "items", "exceptions":
			d.words = append(d.words, words(val)...)
		}
	}
	return d
}

// words returns the words of all scalars below n.
func words(n *yaml.Node) []string {
	found := strings.FieldsFunc(n.Value, func(r rune) bool { return strings.ContainsRune(" \t\r\n()!=<>,\"'", r) })
	for _, child := range n.Content {
		found = append(found, words(child)...)
	}
	return found
}

// changes names the entries of rules files that change the rule about the
// sensitive file, or a macro or list that it uses, after the first entry of that
// name. Any of them may keep it from matching.
func changes(tree fs.FS, config *falcoconf.Config) []string {
	all := definitions(tree, config.Inputs())
	used := map[string]bool{falco.SensitiveFileRule: true}
	for more := true; more; {
		more = false
		for _, d := range all {
			for _, word := range d.words {
				if used[d.name] && !used[word] {
					used[word], more = true, true
				}
			}
		}
	}
	var out []string
	known := map[string]bool{}
	for _, d := range all {
		switch id := d.kind + " " + d.name; {
		case !used[d.name] || d.kind == "rule" && d.name != falco.SensitiveFileRule:
		case !known[id]:
			known[id] = true
		case d.kind == "rule":
			out = append(out, fmt.Sprintf("%s changes the rule %q", d.origin, d.name))
		default:
			out = append(out, fmt.Sprintf("%s changes the %s %s, which the rule %q uses", d.origin, d.kind, d.name, falco.SensitiveFileRule))
		}
	}
	return out
}

// blindSyscalls says that base_syscalls.custom_set keeps Falco from the system
// call by which the probe opens its file, or returns "". A name with "!" is left
// out even if a rule needs it; other names take the place of those by which Falco
// follows processes, unless repair adds them (falco 0.44.1
// userspace/falco/app/actions/configure_interesting_sets.cpp).
func blindSyscalls(config *falcoconf.Config) (silenced, suspected string) {
	v, ok := config.Get("base_syscalls.custom_set")
	set, isList := v.Value.([]any)
	if !ok || !isList {
		return "", ""
	}
	replaced := false
	for _, item := range set {
		name, _ := item.(string)
		if name == "!openat" {
			silenced = v.Origin.String() + ": base_syscalls.custom_set leaves out the system call openat"
		}
		replaced = replaced || name != "" && !strings.HasPrefix(name, "!")
	}
	if repair, _ := config.Bool("base_syscalls.repair", false); replaced && !repair {
		suspected = v.Origin.String() + ": base_syscalls.custom_set replaces the system calls by which Falco follows processes"
	}
	return silenced, suspected
}

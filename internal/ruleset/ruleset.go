// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Package ruleset is about the rules files that are declared: what each should
// hold, where it is on the node, whether Falco loads it, and which Falco it needs.
// The step rules plans by it, and config show and verify look at rules by it.
//
// The package changes nothing. What it fetches, it fetches through a View.
package ruleset

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/settings"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/falcoconf"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/falcorules"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/yamledit"
)

// Header is the first line of every file that only the agent writes.
const Header = "Managed by falco-bootstrap: a change here is undone by its next run."

// Declared is what is declared, and the node that it is declared for.
type Declared struct {
	View     node.View
	Settings settings.Settings
	// Version is that of the Falco that is to load the rules; "" if it is not known.
	Version string
}

// Names lists the declared names for people.
func (d Declared) Names() string {
	var names []string
	for _, f := range d.Settings.Falco.Rules {
		names = append(names, f.Name)
	}
	if names == nil {
		return "none"
	}
	return strings.Join(names, ", ")
}

// ourName matches the names of the agent's files in [falco.RulesDir]. The number
// keeps them in the declared order: Falco loads a directory in byte order.
var ourName = regexp.MustCompile(`^[5-9][0-9]-falco-bootstrap-[a-z0-9-]+\.yaml$`)

// Path returns the file of the declared rules with an index and a name.
func Path(i int, name string) string {
	return fmt.Sprintf("%s/%d-falco-bootstrap-%s.yaml", falco.RulesDir, 50+i, name)
}

// Ours returns the agent's own rules files by path: those with a name and a first
// line of its making.
func (d Declared) Ours() (map[string][]byte, error) {
	entries, err := fs.ReadDir(d.View.Tree(), inTree(falco.RulesDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading the node: %w", err)
	}
	ours := map[string][]byte{}
	for _, e := range entries {
		name := falco.RulesDir + "/" + e.Name()
		if !ourName.MatchString(e.Name()) || !e.Type().IsRegular() {
			continue
		}
		content, err := d.read(name)
		if err != nil {
			return nil, err
		}
		if bytes.HasPrefix(content, []byte("# "+Header+"\n")) {
			ours[name] = content
		}
	}
	return ours, nil
}

// read returns a file of the node; nil if there is none.
func (d Declared) read(name string) ([]byte, error) {
	content, err := fs.ReadFile(d.View.Tree(), inTree(name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading the node: %w", err)
	}
	return content, nil
}

func inTree(name string) string { return strings.TrimPrefix(name, "/") }

// Changes plans the wanted files, then the removal of the agent's others.
func (d Declared) Changes(ours map[string][]byte, wanted []node.RulesFile) ([]node.Change, error) {
	var out []node.Change
	declared := map[string]bool{}
	for _, f := range wanted {
		declared[f.Path] = true
		old, err := d.read(f.Path)
		if err != nil {
			return nil, err
		}
		if bytes.Equal(old, f.Content) {
			continue
		}
		why := "declared, and missing"
		if old != nil {
			why = "not as declared"
		}
		out = append(out, node.WriteFile{Path: f.Path, Old: old, New: f.Content, Mode: 0o644, Cause: node.Because(node.DriftRules, why)})
	}
	for _, name := range slices.Sorted(maps.Keys(ours)) {
		if !declared[name] {
			out = append(out, node.RemoveFile{Path: name, Old: ours[name], Cause: node.Because(node.DriftRules, "no longer declared")})
		}
	}
	return out, nil
}

// Keys returns the declared keys of falco.yaml, whose content is given. If rules are
// declared and its rules_files does not lead to them, [falco.RulesDir] is added to it.
func (d Declared) Keys(config *falcoconf.Config, content []byte) []falcoconf.Setting {
	declared := d.Settings.Declared()
	if len(d.Settings.Falco.Rules) == 0 {
		return declared
	}
	key := falco.RulesFilesKey(d.Version)
	if _, plural := config.Get(key); !plural {
		if _, singular := config.Get("rules_file"); singular { // deprecated, and both are fatal
			key = "rules_file"
		}
	}
	if i := slices.IndexFunc(declared, func(s falcoconf.Setting) bool { return s.Path == key }); i >= 0 {
		if list, ok := declared[i].Value.([]any); ok && !slices.Contains(list, any(falco.RulesDir)) {
			declared[i].Value = append(slices.Clone(list), falco.RulesDir)
		}
		return declared
	}
	at, ok := config.Get(key)
	if slices.ContainsFunc(config.RulesEntries(), isRulesDir) || ok && at.Origin.File != falco.ConfigFile {
		return declared // if they are not reached then, Unreached names who decides
	}
	doc, err := yamledit.Decode(content)
	if err != nil {
		return declared
	}
	list := []any{} // as it is written, with variables
	switch old := doc[key].(type) {
	case []any:
		list = slices.Clone(old)
	case string:
		list = append(list, old)
	}
	return append(declared, falcoconf.Setting{Path: key, Value: append(list, falco.RulesDir)})
}

func isRulesDir(e falcoconf.RulesEntry) bool { return path.Clean(e.Path) == falco.RulesDir }

// Unreached is the error of wanted files that none of Falco's entries leads to.
func Unreached(entries []falcoconf.RulesEntry, wanted []node.RulesFile) error {
	if slices.ContainsFunc(entries, isRulesDir) {
		return nil
	}
	for _, f := range wanted {
		if slices.ContainsFunc(entries, func(e falcoconf.RulesEntry) bool { return path.Clean(e.Path) == f.Path }) {
			continue
		}
		by := "nothing"
		if len(entries) > 0 {
			by = entries[len(entries)-1].Origin.String()
		}
		return &node.Error{
			Code: node.CodeConfig, Drift: node.DriftRulesUnloaded,
			Err:  fmt.Errorf("falco would not load %s: rules_files is decided by %s, which does not list %s", f.Path, by, falco.RulesDir),
			Hint: "add " + falco.RulesDir + " there, or remove the list from it",
		}
	}
	return nil
}

// Entries returns what Falco loads rules from: the options -r of its unit, or
// rules_files.
func (d Declared) Entries(line falco.CommandLine, config *falcoconf.Config) []falcoconf.RulesEntry {
	if len(line.Rules) > 0 {
		return config.RulesOptions(line.Rules)
	}
	return config.RulesEntries()
}

// Candidate lists every rules file that Falco will load, in order. Those that
// are wanted have a content.
func Candidate(entries []falcoconf.RulesEntry, ours map[string][]byte, wanted []node.RulesFile) []node.RulesFile {
	contents := map[string][]byte{}
	for _, f := range wanted {
		contents[f.Path] = f.Content
	}
	var all []node.RulesFile
	for _, e := range entries {
		files := e.Files
		if isRulesDir(e) {
			files = slices.DeleteFunc(slices.Clone(files), func(f string) bool { return ours[f] != nil })
			files = append(files, slices.Collect(maps.Keys(contents))...)
			slices.Sort(files)
			files = slices.Compact(files)
		}
		for _, f := range files {
			all = append(all, node.RulesFile{Path: f, Content: contents[f]})
		}
	}
	return all
}

// Load reads rules files in order.
func (d Declared) Load(files []node.RulesFile, opts falcorules.Options) (falcorules.Set, error) {
	var all []falcorules.File
	for _, f := range files {
		content := f.Content
		if content == nil {
			var err error
			if content, err = d.read(f.Path); err != nil {
				return falcorules.Set{}, err
			}
		}
		all = append(all, falcorules.File{Path: f.Path, Content: content})
	}
	opts.Version = d.Version
	return falcorules.Load(all, opts), nil
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// A RulesFile is a rules file that Falco is to load. It has a URL with a SHA256, a
// Path or a Content.
type RulesFile struct {
	Name string `yaml:"name"`
	// URL is where it is fetched from: https://, file:// or a path. The download
	// is a *.yaml, or a .tar.gz with one *.yaml in it.
	URL string `yaml:"url"`
	// SHA256 is that of the download, in hexadecimal.
	SHA256 string `yaml:"sha256"`
	// Path is a file of the node, of which a copy is kept.
	Path    string `yaml:"path"`
	Content string `yaml:"content"`
	// At is its place in the settings file, or "".
	At string `yaml:"-"`
}

// maxRules is how many rules files there can be: their order is in two digits of
// their names.
const maxRules = 50

var (
	rulesName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)
	sha256Hex = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// DeclareRules adds a rules file at the end, or in the place of the one of its name.
func (s *Settings) DeclareRules(f RulesFile) {
	all := slices.Clone(s.Falco.Rules)
	if i := slices.IndexFunc(all, func(old RulesFile) bool { return old.Name == f.Name }); i >= 0 {
		all[i] = f
	} else {
		all = append(all, f)
	}
	s.Falco.Rules = all
}

// parseRulesFile reads NAME=VALUE. VALUE is in YAML: a map with the keys of a rules
// file, or the path of one.
func parseRulesFile(text string) (RulesFile, error) {
	name, value, ok := strings.Cut(text, "=")
	if !ok {
		return RulesFile{}, fmt.Errorf("%q has no =", text)
	}
	f := RulesFile{}
	var path string
	if yaml.Unmarshal([]byte(value), &path) == nil {
		f.Path = path
	} else {
		dec := yaml.NewDecoder(strings.NewReader(value))
		dec.KnownFields(true)
		if err := dec.Decode(&f); err != nil {
			return RulesFile{}, explain(name, err)
		}
	}
	f.Name = name
	return f, nil
}

// locateRules notes where in the settings file each rules file is.
func locateRules(file string, src []byte, all []RulesFile) {
	var doc struct {
		Falco struct {
			Rules []yaml.Node `yaml:"rules"`
		} `yaml:"falco"`
	}
	if yaml.Unmarshal(src, &doc) != nil || len(doc.Falco.Rules) != len(all) {
		return
	}
	for i, n := range doc.Falco.Rules {
		all[i].At = fmt.Sprintf("%s:%d", file, n.Line)
	}
}

func (s *Settings) checkRules() error {
	if len(s.Falco.Rules) > maxRules {
		return &KeyError{"falco.rules", fmt.Sprintf("has %d entries", len(s.Falco.Rules)), fmt.Sprintf("use at most %d; one file can hold many rules", maxRules)}
	}
	seen := map[string]bool{}
	for i := range s.Falco.Rules {
		f := &s.Falco.Rules[i]
		f.SHA256 = strings.ToLower(f.SHA256)
		key, reason, hint := s.checkRulesFile(*f)
		if reason == "" && seen[f.Name] {
			key, reason, hint = "name", fmt.Sprintf("%q is there twice", f.Name), "give each rules file a name of its own"
		}
		seen[f.Name] = true
		if reason == "" {
			continue
		}
		at := fmt.Sprintf("falco.rules[%d]", i)
		if f.At != "" {
			at = f.At + ": " + at
		}
		if key != "" {
			at += "." + key
		}
		return &KeyError{at, reason, hint}
	}
	return nil
}

// checkRulesFile returns what is wrong with an entry, and with which of its keys.
func (s *Settings) checkRulesFile(f RulesFile) (key, reason, hint string) {
	sources := 0
	for _, source := range []string{f.URL, f.Path, f.Content} {
		if source != "" {
			sources++
		}
	}
	switch {
	case !rulesName.MatchString(f.Name):
		return "name", fmt.Sprintf("%q is not a name", f.Name), "use up to 40 lower-case letters, digits and dashes; it becomes part of a file name"
	case sources != 1:
		return "", fmt.Sprintf("%q needs exactly one of url, path and content", f.Name), ""
	case f.URL == "" && f.SHA256 != "":
		return "sha256", "is only for a url", "remove it"
	case f.URL == "" && f.Path == "":
		return "", "", ""
	case f.Path != "" && !strings.HasPrefix(f.Path, "/"):
		return "path", fmt.Sprintf("%q is not an absolute path", f.Path), ""
	case f.Path != "":
		return "", "", ""
	case f.SHA256 == "":
		return "sha256", "is missing", "`curl -sL URL | sha256sum` prints it; what is fetched must match it"
	case !sha256Hex.MatchString(f.SHA256):
		return "sha256", fmt.Sprintf("%q is not a SHA-256", f.SHA256), "use 64 hexadecimal digits"
	}
	if err, ok := errors.AsType[*KeyError](s.checkURL("url", f.URL)); ok {
		return "url", err.Reason, err.Hint
	}
	return "", "", ""
}

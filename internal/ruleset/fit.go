// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package ruleset

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/falcorules"
)

// Outdated warns of published rules that a newer release would fit better.
func (d Declared) Outdated() []node.Warning {
	var found []node.Warning
	for _, f := range d.Settings.Falco.Rules {
		if why, tooNew := falco.RulesMisfit(f.URL, d.Version); why != "" && !tooNew {
			found = append(found, node.Warning{Message: "falco.rules " + f.Name + ": " + why, Hint: "declare its url and sha256"})
		}
	}
	return found
}

// Fit refuses rules that need a newer engine than that of the Falco, and names the
// release of the rules that fits.
func (d Declared) Fit(files []node.RulesFile) error {
	engine := falco.Engine(d.Version)
	if engine == "" {
		return nil
	}
	set, err := d.Load(files, falcorules.Options{})
	if err != nil {
		return err
	}
	for _, r := range set.Requirements {
		if r.Engine == "" || !falcorules.Less(engine, r.Engine) {
			continue
		}
		return node.Errorf(node.CodeConfig, d.misfitHint(), "%s: the rules need engine %s, and Falco %s has %s", r.Origin, r.Engine, d.Version, engine)
	}
	return nil
}

func (d Declared) misfitHint() string {
	for _, f := range d.Settings.Falco.Rules {
		if why, tooNew := falco.RulesMisfit(f.URL, d.Version); tooNew {
			return why
		}
	}
	hint := "use rules that were made for Falco " + d.Version + ", or a newer Falco"
	if fits := falco.RulesFor("falco-incubating", d.Version); fits != "" {
		hint += "; of Falco's own, " + falco.RulesFor("falco", d.Version) + " and " + fits + " fit"
	}
	return hint
}

// FitBefore refuses a transaction to a Falco that would not load the rules that are
// declared, or that others have put on the node. What is not served now, and a version
// that only the repository knows, are not checked.
func (d Declared) FitBefore(ctx context.Context) error {
	for _, f := range d.Settings.Falco.Rules {
		if why, tooNew := falco.RulesMisfit(f.URL, d.Version); tooNew {
			return node.Errorf(node.CodeConfig, "declare the url and the sha256 of the one that fits, or another falco.version", "falco.rules %s: %s", f.Name, why)
		}
	}
	files, err := d.Wanted(ctx)
	if err != nil && node.CodeOf(err) != node.CodePackages { // else Falco comes first, and its rules are fetched later
		return err
	}
	ours, err := d.Ours()
	if err != nil {
		return err
	}
	entries, err := fs.ReadDir(d.View.Tree(), inTree(falco.RulesDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("reading the node: %w", err)
	}
	for _, e := range entries {
		name := falco.RulesDir + "/" + e.Name()
		if ours[name] == nil && e.Type().IsRegular() && strings.HasSuffix(e.Name(), ".yaml") {
			files = append(files, node.RulesFile{Path: name})
		}
	}
	return d.Fit(files)
}

// Malformed returns what is wrong with the content of declared rules whatever Falco
// loads before them. Lines are those of the content.
func Malformed(content, falcoVersion string) []falcorules.Problem {
	set := falcorules.Load([]falcorules.File{{Path: "content", Content: []byte(content)}}, falcorules.Options{Version: falcoVersion})
	return slices.DeleteFunc(set.Problems, func(p falcorules.Problem) bool { return !p.Fatal || p.Undefined })
}

// Static refuses files that are to be written, in a tree whose Falco cannot be
// asked, that no Falco loads.
func (d Declared) Static(candidate []node.RulesFile) error {
	set, err := d.Load(candidate, falcorules.Options{})
	if err != nil {
		return err
	}
	for _, p := range set.Problems {
		if p.Fatal && slices.ContainsFunc(candidate, func(f node.RulesFile) bool { return f.Path == p.File && f.Content != nil }) {
			return d.Refused(p.String())
		}
	}
	return nil
}

// Refused is the error of rules that Falco refuses, and nil without a reason.
func (d Declared) Refused(reason string) error {
	if reason == "" {
		return nil
	}
	hint := "correct falco.rules in the settings, or the file that Falco names; nothing was changed"
	if strings.Contains(reason, "Plugin requirement not satisfied") {
		hint = "load that plugin by falco.config (plugins and load_plugins), or declare rules that fit; nothing was changed"
	}
	for _, f := range d.Settings.Falco.Rules {
		set, _ := falco.RulesSet(f.URL)
		if fits := falco.RulesFor(set, d.Version); fits != "" && !strings.Contains(f.URL, fits) {
			hint += "; " + fits + " fits Falco " + d.Version
		}
	}
	return node.Errorf(node.CodeConfig, hint, "falco would refuse the rules: %s", reason)
}

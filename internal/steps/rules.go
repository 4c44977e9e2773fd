// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package steps

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
	"github.com/falco-bootstrap/falco-bootstrap/internal/inforce"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/ruleset"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/falcoconf"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/systemd"
)

// rules are the declared rules for a version of Falco.
func (sv *survey) rules(version string) ruleset.Declared {
	return ruleset.Declared{View: sv.view, Settings: sv.Settings, Version: version}
}

// planRules keeps the declared rules files in [falco.RulesDir], and removes those
// of the agent that are no longer declared. Nothing is planned that the installed
// Falco would refuse together with everything else that it loads.
func planRules(ctx context.Context, sv *survey) (converge.Outcome, error) {
	rules := sv.rules(sv.version)
	ours, err := rules.Ours()
	if err != nil || len(ours) == 0 && len(sv.Falco.Rules) == 0 {
		return converge.Outcome{Reason: "none are declared"}, err
	}
	config, err := inforce.ReadOptional(sv.view.Tree(), falco.ConfigFile)
	if err != nil {
		return converge.Outcome{}, err
	}
	if config == nil || !sv.view.Host().Tree && (!sv.falcoFits() || sv.planned[idPackages]) {
		return converge.Outcome{Waiting: idPackages, Reason: "written once Falco is installed: " + rules.Names()}, nil
	}
	wanted, err := rules.Wanted(ctx)
	if err != nil {
		return converge.Outcome{}, err
	}
	out := converge.Outcome{Reason: "as declared: " + rules.Names(), Warnings: rules.Outdated()}
	if out.Changes, err = rules.Changes(ours, wanted); err != nil {
		return out, err
	}
	return out, proveRules(ctx, sv, config, ours, wanted, &out)
}

// proveRules makes sure that Falco will load the wanted files and, if any file is
// to change, that it accepts all of its rules with the configuration as it will be.
func proveRules(ctx context.Context, sv *survey, config []byte, ours map[string][]byte, wanted []node.RulesFile, out *converge.Outcome) error {
	u, err := configUnit(ctx, sv)
	if err == nil {
		err = sv.inForce(u).CheckMainFile()
	}
	if err != nil {
		return err
	}
	edited, err := editConfig(sv, u, config)
	if err != nil {
		edited = config // the config step reports it
	}
	effective, err := falcoconf.LoadCandidate(sv.view.Tree(), falco.ConfigFile, edited, falco.ConfigStart(sv.version, u, sv.view.Tree()))
	if err != nil {
		return nil // so it does this
	}
	rules := sv.rules(sv.version)
	entries := rules.Entries(falco.StartOf(u, sv.view.Tree()).CommandLine(sv.version), effective)
	if err := ruleset.Unreached(entries, wanted); err != nil || len(out.Changes) == 0 {
		return err
	}
	out.Reason = "rules files are not as declared"
	candidate := ruleset.Candidate(entries, ours, wanted)
	if err := rules.Fit(candidate); err != nil {
		return err
	}
	if sv.view.Host().Tree {
		return rules.Static(candidate)
	}
	return examineRules(ctx, sv, u, edited, candidate, out)
}

// examineRules has the installed Falco load all rules files as they will be. Once it
// accepts them, later questions are about them too.
func examineRules(ctx context.Context, sv *survey, u systemd.Unit, config []byte, candidate []node.RulesFile, out *converge.Outcome) error {
	check := sv.check(u)
	check.Rules = candidate
	reason, warnings, err := sv.view.Examine(ctx, check, config)
	switch {
	case errors.Is(err, fs.ErrPermission):
		out.Unknown = append(out.Unknown, "whether Falco accepts the rules: "+err.Error())
		return nil
	case err != nil:
		return fmt.Errorf("having Falco check the rules: %w", err)
	}
	for _, w := range warnings {
		if !slices.ContainsFunc(candidate, func(f node.RulesFile) bool { return f.Content != nil && strings.HasPrefix(w, f.Path+":") }) {
			continue // about somebody else's file, which this run does not change
		}
		out.Warnings = append(out.Warnings, node.Warning{Message: "falco warns about the rules: " + w})
	}
	if reason != "" {
		return sv.rules(sv.version).Refused(reason)
	}
	sv.candidate = candidate
	return nil
}

// declaredKeys returns the declared keys of falco.yaml, whose content is given, with
// the entry that leads to the declared rules.
func (sv *survey) declaredKeys(u systemd.Unit, content []byte) []falcoconf.Setting {
	config, err := falcoconf.LoadCandidate(sv.view.Tree(), falco.ConfigFile, content, falco.ConfigStart(sv.version, u, sv.view.Tree()))
	if err != nil {
		return sv.Declared()
	}
	return sv.rules(sv.version).Keys(config, content)
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/falco-bootstrap/falco-bootstrap/internal/redact"
	"github.com/falco-bootstrap/falco-bootstrap/internal/ruleset"
	"github.com/falco-bootstrap/falco-bootstrap/internal/settings"
	"github.com/falco-bootstrap/falco-bootstrap/internal/steps"
)

func (a *app) configCommand() *cobra.Command {
	var origin, rules bool
	show := &cobra.Command{
		Use: "show", Short: "Show the declared keys of falco.yaml as Falco sees them", Args: noArguments,
		Example: `  sudo falco-bootstrap config show
  sudo falco-bootstrap config show --origin
  sudo falco-bootstrap config show --rules --output json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if rules {
				return a.rulesShow(cmd)
			}
			return a.configShow(cmd, origin)
		},
	}
	show.Flags().BoolVar(&rules, "rules", false, "show every rule that Falco loads, from where, and whether it is on")
	show.Flags().BoolVar(&origin, "origin", false, "say which file and line decides each key")
	config := &cobra.Command{Use: "config", Short: "Check the settings, and show Falco's configuration", Args: noArguments, RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	config.AddCommand(shows(show, groupRun, groupOutput, settings.GroupFalco), shows(a.checkCommand(), groupRun, groupOutput))
	return config
}

func (a *app) configShow(cmd *cobra.Command, origin bool) error {
	ctx, cancel := context.WithTimeout(cmd.Context(), a.options.timeout)
	defer cancel()
	declared, v, err := a.look(ctx)
	if err != nil {
		return err
	}
	defer v.Close()
	effective, err := steps.Effective(ctx, v, declared)
	if err != nil {
		return err
	}
	if a.options.output == "json" {
		return a.json(effective)
	}
	return showConfig(a.stdout, effective, origin)
}

func (a *app) rulesShow(cmd *cobra.Command) error {
	ctx, cancel := context.WithTimeout(cmd.Context(), a.options.timeout)
	defer cancel()
	declared, v, err := a.look(ctx)
	if err != nil {
		return err
	}
	defer v.Close()
	rules, err := steps.RulesInForce(ctx, v, declared)
	if err != nil {
		return err
	}
	if a.options.output == "json" {
		return a.json(rules)
	}
	return showRules(a.stdout, rules)
}

// showRules prints a line for each file, then one for each rule.
func showRules(w io.Writer, f ruleset.InForce) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, file := range f.Files {
		fmt.Fprintf(t, "# %s\tlisted by %s\n", file.File, file.By)
	}
	for _, p := range f.Problems {
		fmt.Fprintln(t, "# "+p)
	}
	for _, r := range f.Rules {
		fmt.Fprintln(t, ruleLine(r))
	}
	return t.Flush()
}

// ruleLine says whether a rule is on, its priority, its name, where it is defined,
// and what else is to know.
func ruleLine(r ruleset.LoadedRule) string {
	state, notes := "on", []string(nil)
	if !r.Enabled {
		state, notes = "off", []string{"by " + r.By}
	}
	if r.Silent != "" {
		state, notes = "off", append(notes, r.Silent)
	}
	for _, place := range r.Replaces {
		notes = append(notes, "replaces "+place)
	}
	for _, place := range r.Amended {
		notes = append(notes, "amended by "+place)
	}
	if len(r.Tags) > 0 {
		notes = append(notes, "tags "+strings.Join(r.Tags, " "))
	}
	line := strings.Join([]string{state, r.Priority, r.Name, r.Origin}, "\t")
	if len(notes) > 0 {
		line += "\t# " + strings.Join(notes, "; ")
	}
	return redact.Text(line)
}

// showConfig prints a line for each layer, then one for each declared key.
func showConfig(w io.Writer, e steps.EffectiveConfig, origin bool) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, l := range e.Layers {
		fmt.Fprintf(t, "# %s\t%s\n", redact.Text(l.File), l.Strategy)
	}
	for _, k := range e.Keys {
		line := fmt.Sprintf("%s:\t%s", k.Path, k.Value)
		if origin {
			line += "\t# " + redact.Text(k.Origin)
		}
		switch {
		case k.Unknown:
			line += "\t# not known; declared: " + k.Declared
		case !k.AsDeclared:
			line += "\t# declared: " + k.Declared
		}
		fmt.Fprintln(t, line)
	}
	return t.Flush()
}

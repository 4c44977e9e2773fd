// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/falco-bootstrap/falco-bootstrap/internal/redact"
	"github.com/falco-bootstrap/falco-bootstrap/internal/steps"
)

func (a *app) configCommand() *cobra.Command {
	var origin bool
	show := &cobra.Command{
		Use: "show", Short: "Show the declared keys of falco.yaml as Falco sees them", Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.configShow(cmd, origin) },
	}
	show.Flags().BoolVar(&origin, "origin", false, "say which file and line decides each key")
	config := &cobra.Command{Use: "config", Short: "Show Falco's configuration", Args: noArguments, RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	config.AddCommand(show)
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

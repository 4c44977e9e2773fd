// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"reflect"
	"strings"

	"github.com/spf13/cobra"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/files"
	"github.com/falco-bootstrap/falco-bootstrap/internal/report"
	"github.com/falco-bootstrap/falco-bootstrap/internal/settings"
	"github.com/falco-bootstrap/falco-bootstrap/internal/steps"
	"github.com/falco-bootstrap/falco-bootstrap/internal/support"
)

// debugCommand gathers what somebody who helps from afar asks for.
func (a *app) debugCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "debug",
		Short: "Gather what is needed to help from afar, without secrets",
		Long: `debug prints everything that somebody who helps from afar asks for: versions, the
settings and where each is set, what a run would change, the last run's report, units
with their drop-ins, journals, the end of dnf's log, and whether the node reaches the
repository, the metadata service and OCI Logging. Secrets are hidden; read it before
you send it on. It changes nothing. Run it as root, or it sees less.`,
		Example: "  sudo falco-bootstrap debug >debug.txt\n  sudo falco-bootstrap debug --config /root/nodes.yaml >debug.txt\n  sudo falco-bootstrap debug --output json | gzip >debug.json.gz",
		Args:    noArguments,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.debug(cmd.Context()) },
	}
}

func (a *app) debug(ctx context.Context) error {
	if a.options.root != "/" {
		return usage(errors.New("debug looks at the running machine, and --root names a tree"), "leave --root out")
	}
	ctx, cancel := context.WithTimeout(ctx, a.options.timeout)
	defer cancel()
	v, err := a.view(ctx, a.hostOptions())
	if err != nil {
		return err
	}
	defer v.Close()
	declared, wrong := a.load()
	if wrong != nil {
		declared = settings.Default()
	}
	sources := append([]support.Source{
		{Name: "settings", Title: "Settings", Read: func(context.Context) (string, error) { return a.origins(declared), wrong }},
		{Name: "plan", Title: "What a run would change", Read: func(ctx context.Context) (string, error) {
			if wrong != nil {
				return "", errors.New("the settings cannot be used")
			}
			return a.planned(ctx, v, declared)
		}},
	}, support.OfNode(v, declared, path.Join(files.StateDir, lastRun))...)
	r := support.Report{
		SchemaVersion: support.SchemaVersion, Tool: strings.ReplaceAll(strings.TrimSpace(versionText()), "\n", ", "),
		Time: a.now(), Root: v.Host().Root, Sections: support.Gather(ctx, sources),
	}
	if a.options.output == "json" {
		return a.json(r)
	}
	return r.WriteText(a.stdout)
}

// origins has a line for each setting that is not the default, and says where it is set.
func (a *app) origins(declared settings.Settings) string {
	name := a.settingsFile()
	src, _ := a.readFile(name)
	var b strings.Builder
	for _, row := range settings.Rows() {
		value, origin := row.Value(declared), ""
		switch line := settings.Line(src, row.Key); {
		case a.flags.Given(row):
			origin = "a flag or the environment"
		case line > 0 && !reflect.DeepEqual(value, row.Value(settings.Default())):
			origin = fmt.Sprintf("%s:%d", name, line)
		default:
			continue
		}
		text, _ := json.Marshal(value)
		fmt.Fprintf(&b, "%s: %s (%s)\n", row.Key, text, origin)
	}
	if b.Len() == 0 {
		return "all are the defaults"
	}
	return b.String()
}

// planned is the report of a dry run.
func (a *app) planned(ctx context.Context, v view, declared settings.Settings) (string, error) {
	meta := a.meta(report.ModeDryRun)
	result := converge.Plan(ctx, v, steps.All(declared))
	describe(ctx, &meta, v, declared)
	meta.Took = a.now().Sub(meta.Started)
	var b strings.Builder
	err := report.New(meta, result.Final()).Text(&b, report.TextOptions{Verbose: true})
	return b.String(), err
}

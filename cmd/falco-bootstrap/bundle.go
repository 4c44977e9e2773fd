// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/falco-bootstrap/falco-bootstrap/internal/pkgmgr"
	"github.com/falco-bootstrap/falco-bootstrap/internal/ruleset"
	"github.com/falco-bootstrap/falco-bootstrap/internal/steps"
)

func (a *app) bundleCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "bundle DIR",
		Short: "Collect what a node without a network needs",
		Long: `bundle fills a directory with Falco's package for a host like this one, the
signing key, the pinned fingerprints, the rules that falco.rules fetches, this
program, and manifest.json with the SHA-256 of each. It uses the key of this node,
so run falco-bootstrap here first.

On the other node:
  DIR/falco-bootstrap --falco-rpm DIR --repository-gpgkey DIR/RPM-GPG-KEY-falcosecurity

If this node does not pin Falco's own key, add --config DIR/falco-bootstrap.yaml:
it has the fingerprints. They are what is trusted there, so compare them.`,
		Example: `  sudo falco-bootstrap bundle /root/bundle
  sudo falco-bootstrap bundle /root/bundle --falco-version 0.44.1
  sudo falco-bootstrap bundle /root/bundle --kernel-release 5.15.0-210.163.7.el8uek.x86_64`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage(errors.New("bundle takes one directory"), "run `falco-bootstrap bundle DIR`")
			}
			return a.bundleInto(cmd.Context(), args[0])
		},
	}
}

func (a *app) bundleInto(ctx context.Context, dir string) error {
	ctx, cancel := context.WithTimeout(ctx, a.options.timeout)
	defer cancel()
	declared, v, err := a.look(ctx)
	if err != nil {
		return err
	}
	defer v.Close()
	spec, exclude, err := steps.Wanted(ctx, v, declared)
	if err != nil {
		return err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return fmt.Errorf("finding the directory: %w", err)
	}
	rules := map[string][]byte{}
	for _, f := range declared.Falco.Rules {
		if f.URL == "" {
			continue
		}
		if rules[ruleset.Bundled(f)], err = ruleset.Download(ctx, v, declared, f); err != nil {
			return err
		}
	}
	b, err := a.bundle(ctx, a.hostOptions(), pkgmgr.BundleOrder{
		Dir: dir, Spec: spec, Exclude: exclude, Repository: declared.Repository.ID, BaseURL: declared.Repository.URL(), RepoGPGCheck: declared.Repository.RepoGPGCheck,
		KeyFile: steps.KeyFile, Fingerprints: declared.Repository.Fingerprints,
		Extra: rules,
	})
	if err != nil {
		return err
	}
	if a.options.output == "json" {
		return a.json(b)
	}
	for _, f := range b.Files {
		fmt.Fprintf(a.stdout, "%s  %s\n", f.SHA256, filepath.Join(dir, f.Name))
	}
	return nil
}

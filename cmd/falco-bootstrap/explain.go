// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/steps"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/osrelease"
)

func (a *app) explainCommand() *cobra.Command {
	var release, arch string
	cmd := &cobra.Command{
		Use:   "explain",
		Short: "Say which Falco this or another host can run, and why",
		Long: `explain prints what the compatibility table decides for this host, or for the
one that --os and --kernel-release describe, with every row that led to it.

It exits with 3 if the host cannot run what is asked for.`,
		Example: `  falco-bootstrap explain
  falco-bootstrap explain --driver kmod --falco-version 0.41.3
  falco-bootstrap explain --os 8.10 --kernel-release 5.15.0-210.163.7.el8uek.x86_64`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.explain(cmd.Context(), release, arch) },
	}
	cmd.Flags().StringVar(&release, "os", "", "Oracle Linux release of another host, such as 8.10")
	cmd.Flags().StringVar(&arch, "arch", "", "architecture of another host (default: the kernel release's)")
	return cmd
}

func (a *app) explain(ctx context.Context, release, arch string) error {
	declared, err := a.load()
	if err != nil {
		return err
	}
	var h falco.Host
	if release == "" {
		h, err = a.thisHost(ctx)
	} else {
		h, err = namedHost(release, a.options.kernel, arch)
	}
	if err != nil {
		return err
	}
	e := falco.Explain(h, falco.Request{Driver: declared.Falco.Driver, Version: declared.Falco.Version})
	if !e.Allowed {
		a.code = node.CodePreflight
	}
	if a.options.output == "json" {
		return a.json(e)
	}
	_, err = fmt.Fprintln(a.stdout, strings.TrimRight(e.String(), "\n"))
	return err
}

func (a *app) thisHost(ctx context.Context) (falco.Host, error) {
	v, err := a.view(ctx, a.hostOptions())
	if err != nil {
		return falco.Host{}, err
	}
	defer v.Close()
	return steps.HostOf(v)
}

// namedHost returns the host that the flags describe.
func namedHost(release, kernel, arch string) (falco.Host, error) {
	r, err := osrelease.ParseOracleRelease([]byte("Oracle Linux Server release " + release + "\n"))
	if err != nil {
		return falco.Host{}, usage(fmt.Errorf("--os: %q is not a release", release), "pass major and minor, such as 8.10")
	}
	h := falco.Host{OS: r, Arch: arch}
	if kernel == "" {
		return h, nil
	}
	if h.Kernel, err = osrelease.ParseKernel(kernel); err != nil {
		return falco.Host{}, usage(err, "pass the release as `uname -r` prints it")
	}
	if h.Arch == "" {
		h.Arch = h.Kernel.Arch
	}
	return h, nil
}

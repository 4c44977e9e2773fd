// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package steps

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/repos"
)

// planEPEL disables every EPEL repository, whoever offers it, unless it is declared unchanged. The
// agent enables it for one transaction on dnf's command line and never on disk,
// so an enabled section was enabled by somebody else or by the package that
// installed it. Oracle warns against EPEL on nodes that run Kubernetes.
func planEPEL(_ context.Context, sv *survey) (converge.Outcome, error) {
	if sv.EPEL.After == "unchanged" {
		return converge.Outcome{Skipped: true, Reason: "declared unchanged"}, nil
	}
	_, files, err := repos.Files(sv.view.Tree())
	if err != nil {
		return converge.Outcome{}, err
	}
	var out converge.Outcome
	var off []string
	for _, name := range slices.Sorted(maps.Keys(files)) {
		c, ids, err := repos.DisableEPEL(name, files[name])
		if err != nil {
			return out, err
		}
		off = append(off, ids...)
		out.Changes = append(out.Changes, c...)
	}
	switch {
	case len(out.Changes) > 0:
		out.Reason = "EPEL is enabled"
	case len(off) == 1:
		out.Reason = off[0] + " is disabled"
	case len(off) > 1:
		out.Reason = strings.Join(off, ", ") + " are disabled"
	default:
		out.Reason = "there is no EPEL section"
		if sv.view.Host().Tree {
			break
		}
		if sv.err != nil {
			return out, sv.err
		}
		if needsEPEL(dependencies(sv)) {
			out.Waiting = idPackages // which brings one
		}
	}
	return out, nil
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package steps

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/dnfconf"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/yumrepo"
)

// planEPEL disables every EPEL repository, whoever offers it, unless it is declared unchanged. The
// agent enables it for one transaction on dnf's command line and never on disk,
// so an enabled section was enabled by somebody else or by the package that
// installed it. Oracle warns against EPEL on nodes that run Kubernetes.
func planEPEL(_ context.Context, sv *survey) (converge.Outcome, error) {
	if sv.EPEL.After == "unchanged" {
		return converge.Outcome{Skipped: true, Reason: "declared unchanged"}, nil
	}
	_, files, err := repoFiles(sv.view.Tree())
	if err != nil {
		return converge.Outcome{}, err
	}
	var out converge.Outcome
	var off []string
	for _, name := range slices.Sorted(maps.Keys(files)) {
		c, ids, err := disableEPEL(name, files[name])
		if err != nil {
			return out, err
		}
		off = append(off, ids...)
		out.Changes = append(out.Changes, c...)
	}
	switch {
	case len(out.Changes) > 0:
		out.Reason = "EPEL is enabled"
	case len(off) > 0:
		out.Reason = strings.Join(off, ", ") + " is disabled"
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

// disableEPEL plans to disable the EPEL sections of a file, and names those
// that are disabled already.
func disableEPEL(name string, old []byte) (changes []node.Change, off []string, err error) {
	edited := old
	for _, s := range dnfconf.Repositories(map[string][]byte{name: old}) { // none in a file that dnf skips
		id := s.ID
		switch {
		case !yumrepo.IsEPEL(s) || slices.Contains(off, id):
			continue
		case !s.Enabled():
			off = append(off, id)
			continue
		}
		if edited, err = yumrepo.Set(edited, id, yumrepo.KeyValue{Key: "enabled", Value: "0"}); err != nil {
			return nil, nil, node.Errorf(node.CodePackages, "set enabled=0 for "+id+" by hand, or declare epel.after: unchanged", "editing %s: %w", name, err)
		}
		changes = []node.Change{node.WriteFile{Path: name, Old: old, New: edited, Mode: 0o644, Cause: node.Because(node.DriftEPEL, "EPEL is used for one transaction only")}}
	}
	return changes, off, nil
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package steps

import (
	"context"
	"fmt"
	"strings"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/settings"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/yumrepo"
)

// epel brings the EPEL repository to its declared state. It is used for one
// transaction by dnf's command line and never turned on on disk, so nothing
// can leak; what is left on was left by somebody else or by the package that
// brings it. Oracle warns against EPEL on nodes that run Kubernetes.
type epel struct{ settings.Settings }

// ID implements [converge.Step].
func (epel) ID() string { return idEPEL }

// Plan implements [converge.Step].
func (e epel) Plan(ctx context.Context, view node.View) (converge.Outcome, error) {
	if e.EPEL.After == "unchanged" {
		return converge.Outcome{Skipped: true, Reason: "declared unchanged"}, nil
	}
	files, err := repoFiles(view.Tree())
	if err != nil {
		return converge.Outcome{}, err
	}
	var out converge.Outcome
	var off []string
	for _, name := range sortedKeys(files) {
		c, ids, err := e.close(name, files[name])
		if err != nil {
			return out, err
		}
		off = append(off, ids...)
		out.Changes = append(out.Changes, c...)
	}
	switch {
	case len(out.Changes) > 0:
		out.Reason = "EPEL is left on"
	case len(off) > 0:
		out.Reason = strings.Join(off, ", ") + " is disabled"
	default:
		out.Reason = "there is no EPEL section"
		out.Waiting, err = e.coming(ctx, view)
	}
	return out, err
}

// close plans to turn off what EPEL sections of a file are on, and names those
// that are off.
func (epel) close(name string, old []byte) (changes []node.Change, off []string, err error) {
	edited := old
	file, err := yumrepo.Parse(old)
	if err != nil {
		return nil, nil, nil // dnf skips a file that it cannot read
	}
	for _, id := range yumrepo.EPEL(old) {
		if s, _ := file.Section(id); !s.Enabled() {
			off = append(off, id)
			continue
		}
		if edited, err = yumrepo.Set(edited, id, yumrepo.KeyValue{Key: "enabled", Value: "0"}); err != nil {
			return nil, nil, &node.Error{
				Code: node.CodePackages, Err: fmt.Errorf("editing %s: %w", name, err),
				Hint: "set enabled=0 for " + id + " by hand, or declare epel.after: unchanged",
			}
		}
		changes = []node.Change{node.WriteFile{Path: name, Old: old, New: edited, Mode: 0o644, Cause: node.Because(node.DriftEPEL, "EPEL is used for one transaction only")}}
	}
	return changes, off, nil
}

// coming says whether the packages step is going to bring an EPEL section.
func (e epel) coming(ctx context.Context, view node.View) (string, error) {
	if view.Host().Tree {
		return "", nil
	}
	sv, err := look(ctx, view, e.Settings)
	if err != nil {
		return "", err
	}
	if needsEPEL(packages(e).dependencies(sv)) {
		return idPackages, nil
	}
	return "", nil
}

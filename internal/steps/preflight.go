// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package steps

import (
	"context"
	"errors"
	"fmt"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/settings"
)

// preflight refuses a node that cannot run what is declared, before anything
// is touched.
type preflight struct{ settings.Settings }

// ID implements [converge.Step].
func (preflight) ID() string { return idPreflight }

// Plan implements [converge.Step]. It never asks for a change.
func (p preflight) Plan(ctx context.Context, view node.View) (converge.Outcome, error) {
	sv, err := look(ctx, view, p.Settings)
	if err != nil {
		return converge.Outcome{}, err
	}
	if h := view.Host(); !h.Systemd && !h.Tree {
		return converge.Outcome{}, &node.Error{
			Code: node.CodePreflight, Err: errors.New("systemd is not running here"),
			Hint: "run it on the node itself, not in a container; for an image that is being baked use --root",
		}
	}
	out := converge.Outcome{Reason: p.describe(sv)}
	for _, w := range sv.verdict.Warnings {
		out.Warnings = append(out.Warnings, node.Warning{Message: w.Message, Hint: w.Hint})
	}
	second, err := p.secondFalco(ctx, view)
	out.Warnings = append(out.Warnings, second...)
	return out, err
}

func (preflight) describe(sv *survey) string {
	text := sv.release.Pretty
	if sv.kernel.Release != "" {
		text += ", " + sv.kernel.String()
	}
	if sv.verdict.Driver != "" {
		text += ", driver " + sv.verdict.Driver
	}
	if sv.view.Host().FIPS {
		text += ", FIPS mode"
	}
	return text
}

// secondFalco warns of a Falco in a container: two on one node report every
// event twice, and one of them is not under this agent's care.
func (preflight) secondFalco(ctx context.Context, view node.View) ([]node.Warning, error) {
	running, err := view.Falcos(ctx)
	if errors.Is(err, node.ErrNotAsked) {
		return nil, nil
	}
	var found []node.Warning
	for _, p := range running {
		if p.Container {
			found = append(found, node.Warning{
				Message: fmt.Sprintf("another Falco runs in a container on this node (process %d, %s): every event is reported twice", p.PID, p.Cgroup),
				Hint:    "keep either the Falco of the host or the DaemonSet; a nodeSelector or taint can leave these nodes out",
				Drift:   node.DriftSecondFalco,
			})
		}
	}
	return found, err
}

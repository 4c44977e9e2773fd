// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package steps

import (
	"context"
	"errors"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

// planPreflight refuses a node that cannot run what is declared, before
// anything is changed. It never plans a change.
func planPreflight(ctx context.Context, sv *survey) (converge.Outcome, error) {
	h := sv.view.Host()
	if !h.Systemd && !h.Tree {
		return converge.Outcome{}, node.Errorf(node.CodePreflight, "run it on the node itself, not in a container; for an image that is being baked use --root", "systemd is not running here")
	}
	out := converge.Outcome{Reason: sv.release.Pretty}
	if sv.kernel.Release != "" {
		out.Reason += ", " + sv.kernel.String()
	}
	if sv.decision.Driver != "" {
		out.Reason += ", driver " + sv.decision.Driver
	}
	if h.FIPS {
		out.Reason += ", FIPS mode"
	}
	for _, w := range sv.decision.Warnings {
		out.Warnings = append(out.Warnings, node.Warning{Message: w.Message, Hint: w.Hint})
	}
	running, err := sv.view.Falcos(ctx)
	if errors.Is(err, node.ErrNotAsked) {
		err = nil
	}
	out.Warnings = append(out.Warnings, node.SecondFalcos(running)...)
	return out, err
}

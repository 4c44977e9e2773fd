// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package steps

import (
	"context"
	"fmt"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/settings"
)

// buildTime bounds one command of a module build: minutes on a small node.
const buildTime = 8 * time.Minute

// module has Falco's kernel module built for the kernel. The package does not
// do it by itself: FALCO_DRIVER_CHOICE=none, which keeps its scriptlet's hands
// off the units, skips the build as well.
type module struct{ settings.Settings }

// ID implements [converge.Step].
func (module) ID() string { return idModule }

// Plan implements [converge.Step].
func (m module) Plan(ctx context.Context, view node.View) (converge.Outcome, error) {
	if view.Host().Tree {
		return converge.Outcome{}, node.ErrNotAsked
	}
	sv, err := look(ctx, view, m.Settings)
	if err != nil {
		return converge.Outcome{}, err
	}
	switch {
	case sv.verdict.Driver != "kmod":
		return converge.Outcome{Skipped: true, Reason: "driver " + sv.verdict.Driver + " needs none"}, nil
	case !sv.settled(m.Settings):
		return converge.Outcome{Waiting: idPackages, Reason: "the module of " + sv.kernel.Release + " is built once Falco is installed"}, nil
	}
	state, err := view.Module(ctx, sv.kernel.Release)
	if err != nil || state.Built {
		return converge.Outcome{Reason: "built for " + sv.kernel.Release + " (" + state.Where + ")"}, err
	}
	build := m.build(sv)
	if len(build.Commands) == 0 {
		return converge.Outcome{}, &node.Error{
			Code: node.CodeFailed, Err: fmt.Errorf("the package of Falco %s builds its module as it is installed, and there is none for %s", sv.falco.Version, sv.kernel.Release),
			Hint: "`dnf reinstall falco` builds it again and shows why it fails; from Falco 0.34 on falco-bootstrap builds it itself",
		}
	}
	return converge.Outcome{Reason: "no module for " + sv.kernel.Release, Changes: []node.Change{build}}, nil
}

func (m module) build(sv *survey) node.BuildModule {
	c := node.BuildModule{
		Kernel: sv.kernel.Release, Commands: falco.ModuleCommands(sv.falco.Version, sv.kernel.Release), Timeout: buildTime,
		Cause: node.Because(node.DriftModule, "there is no module of Falco "+sv.falco.Version+" for it"),
	}
	if toolset := sv.kernel.Toolset(sv.release.Major); toolset != "" {
		c.Path = "/opt/rh/" + toolset + "/root/usr/bin"
	}
	return c
}

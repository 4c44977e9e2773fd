// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package steps

import (
	"context"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

// buildTime bounds one command of a module build, which takes minutes on a
// small node.
const buildTime = 8 * time.Minute

// planModule keeps Falco's kernel module built for the kernel. The package does
// not build it: FALCO_DRIVER_CHOICE=none, which keeps its scriptlet from changing
// the units, skips the build too.
func planModule(ctx context.Context, sv *survey) (converge.Outcome, error) {
	kernel := sv.kernel.Release
	switch {
	case sv.decision.Driver != falco.Kmod:
		return converge.Outcome{Skipped: true, Reason: "driver " + sv.decision.Driver + " needs none"}, nil
	case !sv.falcoFits():
		return converge.Outcome{Waiting: idPackages, Reason: "the module of " + kernel + " is built once Falco is installed"}, nil
	}
	state, err := sv.view.Module(ctx, kernel)
	if err != nil || state.Built {
		return converge.Outcome{Reason: "built for " + kernel + " (" + state.Where + ")"}, err
	}
	build := node.BuildModule{
		Kernel: kernel, Commands: falco.ModuleCommands(sv.version, kernel), Timeout: buildTime,
		Cause: node.Because(node.DriftModule, "there is no module of Falco "+sv.version+" for it"),
	}
	if len(build.Commands) == 0 {
		return converge.Outcome{}, node.Errorf(node.CodeFailed, "`dnf reinstall falco` builds it again and shows why it fails; from Falco 0.34 on falco-bootstrap builds it itself",
			"the package of Falco %s builds its module while it is installed, and there is none for %s", sv.version, kernel)
	}
	if toolset := sv.kernel.Toolset(sv.release.Major); toolset != "" {
		build.Path = "/opt/rh/" + toolset + "/root/usr/bin"
	}
	return converge.Outcome{Reason: "no module for " + kernel, Changes: []node.Change{build}}, nil
}

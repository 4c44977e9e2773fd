// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package steps

import (
	"github.com/cavaliergopher/rpm"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/repos"
)

// localTargets turns --falco-rpm into targets: the file itself, or the newest
// Falco in a directory that fits, together with every other package there.
func localTargets(sv *survey, t node.Target) ([]node.Target, error) {
	found, err := repos.LocalPackages(sv.view.Tree(), sv.Falco.RPM, sv.host.Arch)
	if err != nil {
		return nil, err
	}
	var best *repos.LocalPackage
	var others []node.Target
	for i, q := range found {
		switch {
		case q.Name != "falco":
			others = append(others, node.Target{Name: q.Name, Spec: q.Path, New: q.Version})
		case sv.Falco.Version != "" && q.Version != sv.Falco.Version, !sv.decision.Allows(q.Version):
		case best == nil, rpm.CompareVersions(q.Version, best.Version) > 0:
			best = &found[i]
		}
	}
	if best == nil {
		return nil, node.Errorf(node.CodePackages, "`falco-bootstrap explain` says which versions this host can run; `falco-bootstrap bundle DIR` collects them on a connected node",
			"%s contains no Falco that is wanted here", sv.Falco.RPM)
	}
	t.Spec, t.New = best.Path, best.Version
	return append([]node.Target{t}, others...), nil
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package steps

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
	"github.com/falco-bootstrap/falco-bootstrap/internal/inforce"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/repos"
	"github.com/falco-bootstrap/falco-bootstrap/internal/settings"
)

// planPackages keeps the wanted Falco installed and unaltered, together with
// what a kernel module needs, in one transaction over only the repositories
// that have them.
//
// Before anything else it removes what a transaction that was cut off left beside
// Falco's files.
func planPackages(ctx context.Context, sv *survey) (converge.Outcome, error) {
	out, err := planTransaction(ctx, sv)
	if err != nil {
		return out, err
	}
	leftovers, warnings, err := inforce.Leftovers(sv.view)
	sv.swept = len(leftovers) > 0
	if sv.swept && len(out.Changes) == 0 {
		out.Reason = "a package transaction was cut off here"
	}
	out.Changes, out.Warnings = append(leftovers, out.Changes...), append(warnings, out.Warnings...)
	return out, err
}

func planTransaction(ctx context.Context, sv *survey) (converge.Outcome, error) {
	set, err := repos.Read(sv.view.Tree(), sv.release.Major, sv.Repository.ID)
	if err != nil {
		return converge.Outcome{}, err
	}
	out := converge.Outcome{Changes: removeUnerasable(sv)}
	installs, err := planInstalls(sv, set)
	if err != nil {
		return out, err
	}
	for _, t := range installs {
		if t.Await, err = set.Await(ctx, sv.view, t.Repositories); err != nil {
			return out, err
		}
		out.Changes = append(out.Changes, t)
	}
	if len(installs) > 0 {
		if err := sv.rules(cmp.Or(sv.version, sv.decision.Max)).FitBefore(ctx); err != nil {
			return out, err
		}
		out.Warnings = sv.rules(cmp.Or(sv.version, sv.decision.Max)).Outdated()
	}
	switch {
	case len(out.Changes) == 0:
		return planReinstall(ctx, sv)
	case sv.installed == nil:
		out.Reason = "falco is not installed"
	case !sv.falcoFits():
		out.Reason = "falco " + sv.installed.Version + " is installed, but another version is wanted"
	default:
		out.Reason = "packages that a kernel module is built with are missing"
	}
	return out, nil
}

// removeUnerasable plans the removal of packages that their own scriptlets keep
// from being removed: Falco 0.40.0, whose macros are unexpanded
// (falcosecurity/falco#3503), and one that an upgrade left in rpm's database
// beside the new version because its %preun failed, as it does where falcoctl
// finds no driver to clean up (falco 0.44.1 scripts/rpm/preuninstall.in).
func removeUnerasable(sv *survey) []node.Change {
	var out []node.Change
	for _, q := range sv.rpm.Installed["falco"] {
		var why string
		switch {
		case falco.Unerasable(q.Version):
			why = "its own scripts keep it from being removed or upgraded (falcosecurity/falco#3503)"
		case q.NEVRA() != sv.installed.NEVRA():
			why = "its own scripts kept it from being removed when " + sv.installed.NEVRA() + " replaced it"
		default:
			continue
		}
		out = append(out, node.Install{
			Action: "remove", NoScripts: true, Cause: node.Because(node.DriftVersion, why),
			Targets: []node.Target{{Name: "falco", Spec: q.NEVRA(), Old: q.Version}},
		})
	}
	return out
}

// planInstalls plans the one transaction, and before it the package with EPEL's
// section if the node has none.
func planInstalls(sv *survey, set repos.Set) ([]node.Install, error) {
	t := node.Install{Action: "install", Exclude: excluded(sv.decision), Cause: node.Because(node.DriftDependencies, "")}
	if !sv.falcoFits() {
		targets, err := falcoTargets(sv)
		if err != nil {
			return nil, err
		}
		t.Targets, t.Cause = targets, installCause(sv)
		supplied(sv, &t)
		// Only the repository knows how old the newest is that it has.
		t.NeedsOthers = sv.Falco.Version == "" || falco.RequiresBuildDeps(sv.Falco.Version)
	}
	deps := dependencies(sv)
	t.Targets = append(t.Targets, deps...)
	if len(t.Targets) == 0 {
		return nil, nil
	}
	if err := set.Refuse(t.Targets); err != nil {
		return nil, err
	}
	if falco.NeedsBuildDeps(sv.decision.Driver, sv.version) {
		if err := set.RequireBase(); err != nil {
			return nil, err
		}
		t.Repositories = append(t.Repositories, set.Base...)
		if slices.ContainsFunc(deps, func(d node.Target) bool { return d.Name == sv.kernel.DevelName() }) {
			t.Repositories = append(t.Repositories, set.OfKernel(sv.kernel, sv.release.Major)...)
		}
	}
	var out []node.Install
	if needsEPEL(deps) {
		t.Repositories = append(t.Repositories, set.EPEL...)
		if !set.HasEPEL {
			out = append(out, installEPEL(sv, set))
		}
	}
	return append(out, t), nil
}

// supplied says where the Falco of a transaction comes from, and who must have
// signed it: a local package, or the declared repository alone.
func supplied(sv *survey, t *node.Install) {
	t.Fingerprints, t.KeyFile = sv.Repository.Fingerprints, KeyFile
	if !slices.ContainsFunc(t.Targets, func(t node.Target) bool { return path.IsAbs(t.Spec) }) {
		r := sv.Repository
		t.Repositories, t.Declared, t.BaseURL, t.RepoGPGCheck = append(t.Repositories, r.ID), r.ID, r.URL(), r.RepoGPGCheck
	}
}

// excluded returns patterns of the versions that must not be chosen.
func excluded(d falco.Decision) []string {
	var out []string
	for _, version := range d.Exclude {
		out = append(out, "falco-"+version+"-*")
	}
	return out
}

func installCause(sv *survey) node.Cause {
	switch {
	case sv.installed == nil:
		return node.Because(node.DriftAbsent, "falco is not installed")
	case sv.Falco.Version != "":
		return node.Because(node.DriftVersion, "pinned to "+sv.Falco.Version)
	default:
		return node.Because(node.DriftVersion, "falco "+sv.installed.Version+" cannot run here")
	}
}

// falcoTargets returns what dnf is asked for: the pin, the newest version below a
// bound, the newest, or local files.
func falcoTargets(sv *survey) ([]node.Target, error) {
	t := node.Target{Name: "falco", New: sv.Falco.Version}
	if sv.installed != nil && !falco.Unerasable(sv.installed.Version) {
		t.Old = sv.installed.Version
	}
	switch {
	case sv.Falco.RPM != "":
		return localTargets(sv, t)
	case sv.Falco.Version != "":
		t.Spec = "falco-" + sv.Falco.Version
	case sv.decision.Max != "":
		t.Spec = "falco <= " + sv.decision.Max
	case sv.decision.Min != "":
		t.Spec = "falco >= " + sv.decision.Min
	default:
		t.Spec = "falco"
	}
	return []node.Target{t}, nil
}

// dependencies returns the missing packages that a kernel module is built with:
// dkms, the headers of exactly the running kernel, and its compiler.
func dependencies(sv *survey) []node.Target {
	if !falco.NeedsBuildDeps(sv.decision.Driver, sv.version) {
		return nil
	}
	var out []node.Target
	if _, have := sv.rpm.Newest("dkms"); !have {
		out = append(out, node.Target{Name: "dkms", Spec: "dkms"})
	}
	if !repos.HaveHeaders(sv.view.Tree(), sv.kernel, sv.rpm) {
		out = append(out, node.Target{Name: sv.kernel.DevelName(), Spec: sv.kernel.DevelPackage(), Provides: sv.kernel.DevelProvides(), New: sv.kernel.Release})
	}
	if toolset := sv.kernel.Toolset(sv.release.Major); toolset != "" && sv.decision.Driver == falco.Kmod {
		if _, have := sv.rpm.Newest(toolset); !have {
			out = append(out, node.Target{Name: toolset, Spec: toolset})
		}
	}
	return out
}

// needsEPEL reports whether dkms is among the packages, which only EPEL has.
func needsEPEL(deps []node.Target) bool {
	return slices.ContainsFunc(deps, func(t node.Target) bool { return t.Name == "dkms" })
}

// installEPEL plans the package with EPEL's section, whose id changes with the
// update release on OL10.
func installEPEL(sv *survey, set repos.Set) node.Install {
	name := fmt.Sprintf("oracle-epel-release-el%d", sv.release.Major)
	return node.Install{
		Action: "install", Repositories: set.Base, Cause: node.Because(node.DriftDependencies, "dkms is in EPEL, and no repository file here has a section for it"),
		Targets: []node.Target{{Name: name, Spec: name}},
	}
}

// planReinstall plans to reinstall the same package if any file is missing or
// damaged, if no pinned key has signed it, or if rpm's database has it twice.
func planReinstall(ctx context.Context, sv *survey) (converge.Outcome, error) {
	out := converge.Outcome{Reason: sv.installed.NEVRA()}
	altered, err := inforce.Damaged(ctx, sv.view)
	if err != nil {
		return out, err
	}
	c := node.Install{Action: "reinstall"}
	signer := foreignSigner(sv)
	switch {
	case signer != "":
		out.Reason = sv.installed.NEVRA() + " was not signed by a pinned key"
		c.Cause = node.Because(node.DriftSigner, "of "+sv.installed.NEVRA()+", "+signer)
	case len(altered) > 0:
		out.Reason = "files of " + sv.installed.NEVRA() + " are not as they were installed"
		c.Cause = node.Because(node.DriftFiles, inforce.ListAltered(altered))
	case len(sv.rpm.Installed["falco"]) > 1:
		out.Reason = "rpm's database has " + sv.installed.NEVRA() + " twice"
		c.Cause = node.Because(node.DriftVersion, "a transaction that was killed has left it twice in rpm's database")
	default:
		return out, nil
	}
	version := sv.installed.Version
	t := node.Target{Name: "falco", Spec: "falco-" + version, Old: version, New: version}
	if sv.Falco.RPM != "" {
		local, err := localTargets(sv, t)
		switch {
		case err == nil:
			t = local[0]
		case node.CodeOf(err) == node.CodeTrust:
			return out, err
		}
	}
	c.Targets = []node.Target{t}
	supplied(sv, &c)
	out.Changes = []node.Change{c}
	return out, nil
}

// Wanted returns what a host like this one asks its repository for: the spec of
// Falco, and patterns of what must not be chosen.
func Wanted(ctx context.Context, view node.View, s settings.Settings) (spec string, exclude []string, err error) {
	s.Falco.RPM = ""
	sv := newSurvey(ctx, view, s)
	if sv.err != nil {
		return "", nil, sv.err
	}
	targets, err := falcoTargets(sv)
	if err != nil {
		return "", nil, err
	}
	return targets[0].Spec, excluded(sv.decision), nil
}

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

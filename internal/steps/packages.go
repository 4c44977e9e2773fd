// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package steps

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/settings"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/yumrepo"
)

// packages keeps the wanted Falco installed, whole, and with it what a kernel
// module needs, in one transaction over only the repositories it takes.
type packages struct{ settings.Settings }

// ID implements [converge.Step].
func (packages) ID() string { return idPackages }

// Plan implements [converge.Step].
func (p packages) Plan(ctx context.Context, view node.View) (converge.Outcome, error) {
	if view.Host().Tree {
		return converge.Outcome{}, node.ErrNotAsked
	}
	sv, err := look(ctx, view, p.Settings)
	if err != nil {
		return converge.Outcome{}, err
	}
	repos, err := readRepos(view.Tree(), sv.release.Major)
	if err != nil {
		return converge.Outcome{}, err
	}
	out := converge.Outcome{Changes: p.unerasable(sv)}
	install, err := p.install(sv, repos)
	if err != nil {
		return out, err
	}
	for _, t := range install {
		if t.Await, err = mapper(ctx, sv, t.Repositories); err != nil {
			return out, err
		}
		out.Changes = append(out.Changes, t)
	}
	if len(out.Changes) > 0 {
		out.Reason = p.describe(sv)
		return out, nil
	}
	return p.intact(ctx, sv)
}

func (p packages) describe(sv *survey) string {
	switch {
	case sv.falco == nil:
		return "falco is not installed"
	case !p.fits(sv):
		return "falco " + sv.falco.Version + " is installed and not what is wanted"
	default:
		return "what a kernel module is built with is missing"
	}
}

// unerasable plans the removal of what cannot go by itself: Falco 0.40.0, whose
// scriptlets fail with unexpanded macros, so that it can neither be erased nor
// upgraded (falcosecurity/falco#3503), and what an upgrade left in rpm's
// database beside the new version since its %preun failed, as it does where
// falcoctl finds no driver to clean up (falco 0.44.1 scripts/rpm/preuninstall.in).
func (p packages) unerasable(sv *survey) []node.Change {
	var out []node.Change
	for _, q := range sv.rpm.Installed["falco"] {
		var why string
		switch {
		case falco.Unerasable(q.Version):
			why = "its own scripts keep it from being removed or upgraded (falcosecurity/falco#3503)"
		case q.NEVRA() != sv.falco.NEVRA():
			why = "its own scripts kept it from going when " + sv.falco.NEVRA() + " took its place"
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

// install plans the one transaction, and before it the package that brings
// EPEL's section where the node has none.
func (p packages) install(sv *survey, repos repoSet) ([]node.Install, error) {
	t := node.Install{Action: "install", Exclude: excluded(sv.verdict), Cause: node.Because(node.DriftDependencies, "")}
	if !p.fits(sv) {
		target, err := p.falco(sv)
		if err != nil {
			return nil, err
		}
		t.Targets = append(t.Targets, target...)
		t.Fingerprints, t.KeyFile = p.localPins(), KeyFile
		t.Drift, t.Why = p.why(sv)
	}
	deps := p.dependencies(sv)
	t.Targets = append(t.Targets, deps...)
	if len(t.Targets) == 0 {
		return nil, nil
	}
	t.Repositories = p.repositories(sv, repos, deps)
	var out []node.Install
	if needsEPEL(deps) && len(repos.epel) == 0 {
		out = append(out, epelRelease(sv, repos))
	}
	return append(out, t), nil
}

// excluded are patterns of the versions that must not be chosen.
func excluded(v falco.Decision) []string {
	var out []string
	for _, version := range v.Exclude {
		out = append(out, "falco-"+version+"-*")
	}
	return out
}

func (p packages) why(sv *survey) (node.Drift, string) {
	if sv.falco == nil {
		return node.DriftAbsent, "falco is not installed"
	}
	if p.Falco.Version != "" {
		return node.DriftVersion, "pinned to " + p.Falco.Version
	}
	return node.DriftVersion, "falco " + sv.falco.Version + " cannot run here"
}

// fits reports whether the installed Falco is one that is wanted. Without a
// pin any version that this host can run is: what is newest is known only to
// the repository, and a converged node is not asked to look there every time.
func (p packages) fits(sv *survey) bool {
	switch {
	case sv.falco == nil || falco.Unerasable(sv.falco.Version):
		return false
	case p.Falco.Version != "":
		return sv.falco.Version == p.Falco.Version
	default:
		return sv.verdict.Allows(sv.falco.Version)
	}
}

// falco is what dnf is asked for: the pin, the newest below a bound, the
// newest, or local files.
func (p packages) falco(sv *survey) ([]node.Target, error) {
	t := node.Target{Name: "falco", New: p.Falco.Version}
	if sv.falco != nil && !falco.Unerasable(sv.falco.Version) {
		t.Old = sv.falco.Version
	}
	switch {
	case p.Falco.RPM != "":
		return p.local(sv, t)
	case p.Falco.Version != "":
		t.Spec = "falco-" + p.Falco.Version
	case sv.verdict.Max != "":
		t.Spec = "falco <= " + sv.verdict.Max
	case sv.verdict.Min != "":
		t.Spec = "falco >= " + sv.verdict.Min
	default:
		t.Spec = "falco"
	}
	return []node.Target{t}, nil
}

// dependencies are the packages that a kernel module is built with and that
// are missing: dkms, the headers of exactly the running kernel, and its
// compiler. Falco before 0.40 requires them whatever the driver.
func (p packages) dependencies(sv *survey) []node.Target {
	if !falco.NeedsBuildDeps(sv.verdict.Driver, sv.version(p.Settings)) {
		return nil
	}
	var out []node.Target
	add := func(name, spec string, have bool) {
		if !have {
			out = append(out, node.Target{Name: name, Spec: spec, New: strings.TrimPrefix(strings.TrimPrefix(spec, name), "-")})
		}
	}
	_, dkms := sv.rpm.Newest("dkms")
	add("dkms", "dkms", dkms)
	devel := sv.kernel.DevelPackage()
	name := strings.TrimSuffix(devel, "-"+sv.kernel.Release)
	add(name, devel, slices.ContainsFunc(sv.rpm.Installed[name], func(q node.Package) bool { return q.NEVRA() == devel }))
	if toolset := sv.kernel.Toolset(sv.release.Major); toolset != "" && sv.verdict.Driver == "kmod" {
		_, have := sv.rpm.Newest(toolset)
		add(toolset, toolset, have)
	}
	return out
}

func needsEPEL(deps []node.Target) bool {
	return slices.ContainsFunc(deps, func(t node.Target) bool { return t.Name == "dkms" })
}

// repositories are those that the transaction takes: Falco's, and only if
// build dependencies are in play the distribution's and EPEL. A section that
// is still to come is named by a pattern.
func (p packages) repositories(sv *survey, repos repoSet, deps []node.Target) []string {
	var ids []string
	if p.Falco.RPM == "" {
		ids = append(ids, p.Repository.ID)
	}
	if falco.NeedsBuildDeps(sv.verdict.Driver, sv.version(p.Settings)) {
		ids = append(ids, repos.base...)
	}
	if needsEPEL(deps) {
		ids = append(ids, repos.epelOr(sv.release.Major)...)
	}
	return ids
}

// epelRelease plans the package that brings EPEL's section. dkms is in EPEL
// only, and Oracle's ids change with the update release on OL10.
func epelRelease(sv *survey, repos repoSet) node.Install {
	name := fmt.Sprintf("oracle-epel-release-el%d", sv.release.Major)
	return node.Install{
		Action: "install", Repositories: repos.base, Cause: node.Because(node.DriftDependencies, "dkms is in EPEL, and no repository file here has a section for it"),
		Targets: []node.Target{{Name: name, Spec: name}},
	}
}

// intact looks whether the installed package is whole, and plans to install it
// again if not.
func (p packages) intact(ctx context.Context, sv *survey) (converge.Outcome, error) {
	out := converge.Outcome{Reason: sv.falco.NEVRA()}
	altered, err := sv.view.Altered(ctx)
	if err != nil {
		return out, err
	}
	switch _, err := fs.Stat(sv.view.Tree(), inTree(mainConfig)); {
	case errors.Is(err, fs.ErrNotExist):
		altered = append(altered, node.AlteredFile{Path: mainConfig, Missing: true})
	case err != nil:
		return out, fmt.Errorf("looking for falco.yaml: %w", err)
	}
	if len(altered) == 0 {
		return out, nil
	}
	out.Reason = "files of " + sv.falco.NEVRA() + " are not as they were installed"
	out.Changes = []node.Change{p.reinstall(sv, altered)}
	return out, nil
}

func (p packages) reinstall(sv *survey, altered []node.AlteredFile) node.Change {
	t := node.Target{Name: "falco", Spec: "falco-" + sv.falco.Version, Old: sv.falco.Version, New: sv.falco.Version}
	c := node.Install{Action: "reinstall", Repositories: []string{p.Repository.ID}, Cause: node.Because(node.DriftFiles, list(altered))}
	if p.Falco.RPM != "" {
		if local, err := p.local(sv, t); err == nil {
			t, c.Repositories, c.Fingerprints, c.KeyFile = local[0], nil, p.localPins(), KeyFile
		}
	}
	c.Targets = []node.Target{t}
	return c
}

// list names altered files for a person, not all of hundreds.
func list(altered []node.AlteredFile) string {
	const most = 5
	var names []string
	for i, a := range altered {
		switch {
		case i == most:
			return strings.Join(names, ", ") + fmt.Sprintf(" and %d more", len(altered)-most)
		case a.Missing:
			names = append(names, a.Path+" is missing")
		default:
			names = append(names, a.Path+" is altered ("+a.What+")")
		}
	}
	return strings.Join(names, ", ")
}

// A repoSet is what the node's repository files offer.
type repoSet struct {
	// base are the enabled sections of the distribution itself.
	base []string
	// epel are EPEL's sections, enabled or not.
	epel []string
}

// distribution matches the ids of Oracle Linux's own packages and kernels.
var distribution = regexp.MustCompile(`^ol\d+_(latest|baseos_latest|u\d+_baseos_base|appstream|addons|optional_latest|MODRHCK|UEKR\d+)$`)

// readRepos sorts the sections of the node's repository files. A node whose
// files know none of Oracle's names, behind a mirror say, has all that is
// enabled as its base.
func readRepos(tree fs.FS, major int) (repoSet, error) {
	files, err := repoFiles(tree)
	if err != nil {
		return repoSet{}, err
	}
	var set repoSet
	var enabled []string
	for _, name := range sortedKeys(files) {
		ids := yumrepo.EPEL(files[name])
		set.epel = append(set.epel, ofMajor(ids, major)...)
		file, err := yumrepo.Parse(files[name])
		if err != nil {
			continue // dnf skips it too; the step that owns it says so
		}
		for _, s := range file.Sections() {
			if s.Enabled() && !slices.Contains(ids, s.ID) {
				enabled = append(enabled, s.ID)
			}
		}
	}
	for _, id := range enabled {
		if distribution.MatchString(id) {
			set.base = append(set.base, id)
		}
	}
	if set.base == nil {
		set.base = enabled
	}
	return set, nil
}

// ofMajor leaves out sections of another major release, which a node that was
// upgraded in place may still have.
func ofMajor(ids []string, major int) []string {
	var out []string
	prefix := fmt.Sprintf("ol%d_", major)
	for _, id := range ids {
		if strings.HasPrefix(id, prefix) {
			out = append(out, id)
		}
	}
	return out
}

// epelOr returns EPEL's ids, or a pattern for the one that is about to be
// installed; ol8_developer_EPEL_modular does not match it.
func (r repoSet) epelOr(major int) []string {
	if len(r.epel) > 0 {
		return r.epel
	}
	return []string{fmt.Sprintf("ol%d*_developer_EPEL", major)}
}

// A Want is what dnf is asked for where Falco is not installed yet.
type Want struct {
	Spec    string
	Exclude []string
}

// Wanted tells which Falco a host like this one would be given from its
// repository.
func Wanted(ctx context.Context, view node.View, s settings.Settings) (Want, error) {
	s.Falco.RPM = ""
	sv, err := look(ctx, view, s)
	if err != nil {
		return Want{}, err
	}
	sv.falco = nil
	targets, err := packages{s}.falco(sv)
	if err != nil {
		return Want{}, err
	}
	return Want{Spec: targets[0].Spec, Exclude: excluded(sv.verdict)}, nil
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package steps

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
	"github.com/falco-bootstrap/falco-bootstrap/internal/inforce"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/settings"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/falcoconf"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/osrelease"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/systemd"
)

// A survey is what several steps need to know: what is declared, what the node
// is, which Falco it has, and which it may have.
type survey struct {
	settings.Settings
	view node.View
	// err says why the node could not be surveyed, or cannot run what is
	// declared. Fields that it kept from being filled in are zero.
	err error

	release  osrelease.Release
	kernel   osrelease.Kernel // zero for a tree without a declared kernel
	host     falco.Host
	decision falco.Decision
	rpm      node.Packages
	// installed is the Falco package that was installed last, or nil.
	installed *node.Package
	// version is the Falco version that is pinned, or else installed and
	// allowed here; "" as long as only the repository knows it.
	version string
	// unit is the unit of driver and version.
	unit string
	// planned has the ids of the steps that have planned changes so far.
	planned map[string]bool
	// inForceBy has what Falco reads, by its arguments and environment.
	inForceBy map[string]*falcoconf.Config
	// swept means that leftovers of rpm are to be removed, which Falco would load.
	swept bool
	// candidate are all rules files as they will be, if the rules step has planned
	// to change any.
	candidate []node.RulesFile
}

func newSurvey(ctx context.Context, view node.View, s settings.Settings) *survey {
	sv := &survey{Settings: s, view: view, planned: map[string]bool{}, inForceBy: map[string]*falcoconf.Config{}}
	if sv.err = sv.identify(); sv.err == nil {
		sv.err = sv.decide(ctx)
	}
	return sv
}

// identify finds out the release and the kernel.
func (sv *survey) identify() error {
	release, err := detect(sv.view.Tree())
	if err != nil {
		return err
	}
	h := sv.view.Host()
	sv.release, sv.host = release, falco.Host{OS: release, Arch: h.Arch}
	if h.Kernel == "" {
		return nil // a tree, and no kernel declared for it
	}
	if sv.kernel, err = osrelease.ParseKernel(h.Kernel); err != nil {
		return node.Errorf(node.CodePreflight, "pass the release of the kernel that this node will boot with --kernel-release", "reading the kernel release: %w", err)
	}
	sv.host.Kernel = sv.kernel
	sv.host.NoBTF = !h.KernelGiven && !h.BTF
	return nil
}

// detect reads the node's release files.
func detect(tree fs.FS) (osrelease.Release, error) {
	oracle, err := inforce.ReadOptional(tree, osrelease.OracleReleaseFile)
	if err != nil {
		return osrelease.Release{}, err
	}
	other, err := inforce.ReadOptional(tree, osrelease.OSReleaseFile)
	if err != nil {
		return osrelease.Release{}, err
	}
	release, err := osrelease.Detect(oracle, other)
	if err == nil && (release.Major < 7 || release.Major > 10) {
		err = fmt.Errorf("%s is not supported", release.Pretty)
	}
	if err != nil {
		return release, &node.Error{Code: node.CodePreflight, Err: err, Hint: "falco-bootstrap runs on Oracle Linux 7 to 10"}
	}
	return release, nil
}

// decide asks rpm, if it can be asked, which Falco is installed, and the
// compatibility table which one may be.
func (sv *survey) decide(ctx context.Context) error {
	rpm, err := sv.view.Packages(ctx)
	switch {
	case errors.Is(err, node.ErrNotAsked):
	case err != nil:
		return err
	default:
		sv.rpm = rpm
	}
	if p, ok := sv.rpm.Newest("falco"); ok {
		sv.installed = &p
	}
	sv.decision, err = falco.Decide(sv.host, falco.Request{Driver: sv.Falco.Driver, Version: sv.Falco.Version})
	var refused *falco.RefusedError
	if errors.As(err, &refused) {
		return &node.Error{Code: node.CodePreflight, Err: err, Hint: refused.Hint}
	}
	sv.version = sv.Falco.Version
	if sv.version == "" && sv.installed != nil && sv.decision.Allows(sv.installed.Version) {
		sv.version = sv.installed.Version
	}
	sv.unit = falco.UnitFor(sv.decision.Driver, sv.version)
	return err
}

// falcoFits reports whether the installed Falco is one that is wanted. Without
// a pin that is every version that this host can run: only the repository knows
// the newest one, and a converged node does not ask it on every run.
func (sv *survey) falcoFits() bool {
	return sv.installed != nil && sv.installed.Version == sv.version
}

// installedUnit is the unit of the driver in the installed version.
func (sv *survey) installedUnit() string {
	return falco.UnitFor(sv.decision.Driver, sv.installed.Version)
}

// subject is the installed Falco as it is proven. u is its unit.
func (sv *survey) subject(u systemd.Unit) node.Subject {
	return node.Subject{Unit: sv.installedUnit(), Log: sv.LogFile(), Check: sv.check(u)}
}

// check asks the installed Falco as its unit will start it: with the library
// that this host needs, which the unit may not have been told of yet.
func (sv *survey) check(u systemd.Unit) node.FalcoCheck {
	c := node.FalcoCheck{Version: sv.installed.Version, Args: falco.StartOf(u, sv.view.Tree()).Args, Env: u.Env(sv.view.Tree()), Rules: sv.candidate}
	isPreload := func(variable string) bool { return strings.HasPrefix(variable, "LD_PRELOAD=") }
	reads := sv.planned[idDropIns] || u.Unread(sv.view.Tree())
	if falco.NeedsPreload(sv.host, c.Version) && (reads || !slices.ContainsFunc(c.Env, isPreload)) {
		c.Env = append(slices.DeleteFunc(c.Env, isPreload), "LD_PRELOAD="+falco.PreloadLibrary)
	}
	return c
}

// complaint is what the installed Falco says against what is on disk, or against
// candidate as its falco.yaml; "" if the files of its package are about to be
// replaced. What this user may not ask is unknown.
func (sv *survey) complaint(ctx context.Context, u systemd.Unit, candidate []byte, out *converge.Outcome) (string, error) {
	if sv.planned[idPackages] {
		return "", nil
	}
	reason, _, err := sv.view.Examine(ctx, sv.check(u), candidate)
	if errors.Is(err, fs.ErrPermission) {
		out.Unknown = append(out.Unknown, "whether Falco accepts its configuration: "+err.Error())
		return "", nil
	}
	if strings.HasPrefix(reason, "Option '") { // of the command line
		reason += " (" + sv.inForce(u).Starts() + ")"
	}
	return reason, err
}

// Subject returns the installed Falco, for verify. If there is none, the error has
// [node.CodeNotRunning].
func Subject(ctx context.Context, view node.View, s settings.Settings) (node.Subject, error) {
	sv := newSurvey(ctx, view, s)
	switch {
	case sv.err != nil:
		return node.Subject{}, sv.err
	case sv.installed == nil:
		return node.Subject{}, node.Errorf(node.CodeNotRunning, "run falco-bootstrap without arguments", "falco is not installed")
	}
	unit := sv.installedUnit()
	units, err := view.Units(ctx, unit)
	if err != nil {
		return node.Subject{}, err
	}
	return sv.subject(units[unit]), nil
}

// planPreflight refuses a node that cannot run what is declared, before
// anything is changed. It never plans a change.
func planPreflight(ctx context.Context, sv *survey) (converge.Outcome, error) {
	h := sv.view.Host()
	if !h.Systemd && !h.Tree {
		return converge.Outcome{}, node.Errorf(node.CodePreflight, "run it on the node itself, not in a container; for an image that is being built use --root", "systemd is not running here")
	}
	if name := sv.LogFile(); strings.Contains(name, "${") || strings.Contains(name, "$$") {
		return converge.Outcome{}, node.Errorf(node.CodeConfig, "declare the path itself, without a variable: the agent makes, rotates and watches the log by that name",
			"file_output.filename is declared as %s, in which Falco replaces variables of its environment", name)
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
	if u, err := configUnit(ctx, sv); err != nil {
		return out, err
	} else if err := sv.inForce(u).CheckLog(sv.LogFile()); err != nil && sv.LogFile() != "" {
		return out, err
	}
	running, err := sv.view.Falcos(ctx)
	if errors.Is(err, node.ErrNotAsked) {
		err = nil
	}
	// The step unit stops those of the package's other units.
	out.Warnings = append(out.Warnings, node.SecondFalcos(running, falco.IsUnit)...)
	return out, err
}

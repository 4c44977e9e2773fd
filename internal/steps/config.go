// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package steps

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
	"github.com/falco-bootstrap/falco-bootstrap/internal/inforce"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/redact"
	"github.com/falco-bootstrap/falco-bootstrap/internal/vocabulary"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/falcoconf"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/systemd"
)

// planConfig keeps the declared keys of falco.yaml in force in what Falco reads:
// the file, the fragments over it, and the unit's command line. A node where a
// fragment or the unit overrules a declared key is refused: somebody else wrote
// that file on purpose, so the error names it and the agent does not edit it.
//
// Falco is the judge of its own files. What this program cannot read or edit, or
// takes for a fault, is refused only where declared keys must be set in it, or
// where Falco refuses it too.
func planConfig(ctx context.Context, sv *survey) (converge.Outcome, error) {
	findings := vocabulary.Check(cmp.Or(sv.version, sv.decision.Max), sv.Declared(), sv.schema(ctx))
	old, err := inforce.ReadOptional(sv.view.Tree(), falco.ConfigFile)
	if err = cmp.Or(findings.Err(), err); err != nil {
		return converge.Outcome{}, err
	}
	if old == nil || (!sv.view.Host().Tree && !sv.falcoFits()) {
		return converge.Outcome{Waiting: idPackages, Reason: "set once falco.yaml exists: " + vocabulary.JoinSettings(sv.Declared()), Warnings: findings.Warnings()}, nil
	}
	if sv.swept {
		return converge.Outcome{Waiting: idPackages, Reason: "read once what rpm left is removed", Warnings: findings.Warnings()}, nil
	}
	u, err := configUnit(ctx, sv)
	if err == nil {
		err = sv.inForce(u).CheckMainFile()
	}
	if err != nil {
		return converge.Outcome{}, err
	}
	declared := sv.declaredKeys(u, old)
	edited, editErr := editConfig(sv, u, old)
	if editErr != nil {
		edited = old
	}
	out := converge.Outcome{
		Reason:   falco.ConfigFile + " is as declared",
		Warnings: slices.Concat(findings.Warnings(), vocabulary.LostEdits(sv.view, sv.installed, edited), sv.inForce(u).CheckProgram()),
	}
	effective, err := falcoconf.LoadCandidate(sv.view.Tree(), falco.ConfigFile, edited, falco.ConfigStart(sv.version, u, sv.view.Tree()))
	if err != nil {
		err = node.ConfigError(fmt.Errorf("reading %s: %w", falco.ConfigFile, err), node.HintConfig)
		return out, judge(ctx, sv, u, edited, &out, err)
	}
	lastRun, _ := inforce.ReadOptional(sv.view.Tree(), vocabulary.LastRun) // root's alone
	out.Warnings = append(out.Warnings, vocabulary.Undeclared(lastRun, sv.Declared(), falco.ConfigFile, effective)...)
	// What overrules a declared key may be why Falco has no output left.
	if err := effective.CheckOverruled(declared, redact.Value); err != nil {
		return out, node.ConfigError(sv.withExecStart(u, effective, err), node.HintConfig)
	}
	if err := sv.inForce(u).CheckEngine(effective, sv.decision.Driver); err != nil {
		return out, err
	}
	if editErr != nil {
		if len(effective.Differing(declared)) > 0 {
			return out, editErr
		}
		out.Warnings = append(out.Warnings, node.Warning{Message: editErr.Error() + "; the declared keys are in force", Hint: node.HintOf(editErr)})
	}
	if err := reportProblems(ctx, sv, u, edited, effective.Problems(), &out); err != nil {
		return out, err
	}
	if !bytes.Equal(old, edited) {
		out.Reason = "declared keys are not set in " + falco.ConfigFile
		err = replaceConfig(ctx, sv, u, old, edited, &out)
	}
	return out, err
}

// schema asks the installed Falco which keys it has, or is nil if there is none.
func (sv *survey) schema(ctx context.Context) func() ([]byte, error) {
	if sv.view.Host().Tree || !sv.falcoFits() || sv.planned[idPackages] {
		return nil
	}
	return func() ([]byte, error) { return sv.view.ConfigSchema(ctx) }
}

// editConfig returns the content of falco.yaml with those declared keys set that
// Falco does not read there yet.
func editConfig(sv *survey, u systemd.Unit, old []byte) ([]byte, error) {
	wanted, err := falcoconf.Unset(falco.ConfigFile, old, falco.ConfigStart(sv.version, u, sv.view.Tree()), sv.declaredKeys(u, old))
	if err == nil && len(wanted) > 0 {
		old, err = falcoconf.Set(old, wanted...)
	}
	if err != nil {
		return nil, node.ConfigError(fmt.Errorf("editing %s: %w", falco.ConfigFile, err), "correct the file by hand, or move it away and run `dnf reinstall falco`")
	}
	return old, nil
}

// reportProblems warns of what is wrong with a configuration. What Falco fails on
// is an error with its place, which Falco does not give.
func reportProblems(ctx context.Context, sv *survey, u systemd.Unit, content []byte, problems []falcoconf.Problem, out *converge.Outcome) error {
	accepted := false
	for _, p := range problems {
		if p.Fatal && !accepted {
			if err := judge(ctx, sv, u, content, out, node.ConfigError(errors.New(p.String()), p.Hint)); err != nil {
				return err
			}
			accepted = true
			continue
		}
		w := node.Warning{Message: p.String(), Hint: p.Hint}
		if isLeftover(p.File) {
			w.Drift = node.DriftConfigStray
		}
		out.Warnings = append(out.Warnings, w)
	}
	return nil
}

// judge asks the installed Falco about content as its falco.yaml, which this
// program finds at fault. If Falco accepts it, the fault is a warning. It is an
// error if Falco refuses the content or cannot be asked.
func judge(ctx context.Context, sv *survey, u systemd.Unit, content []byte, out *converge.Outcome, fault error) error {
	if sv.view.Host().Tree || sv.planned[idPackages] {
		return fault
	}
	reason, _, err := sv.view.Examine(ctx, sv.check(u), content)
	switch onDisk, _ := inforce.ReadOptional(sv.view.Tree(), falco.ConfigFile); {
	case err == nil && reason != "" && u.Running() && bytes.Equal(onDisk, content):
		return node.Refused(u.Name, reason+" ("+fault.Error()+")")
	case err != nil || reason != "":
		return fault
	}
	out.Warnings = append(out.Warnings, node.Warning{
		Message: fault.Error() + "; Falco accepts it all the same, and may read it otherwise than falco-bootstrap does",
		Hint:    node.HintOf(fault),
	})
	return nil
}

// withExecStart adds the line of the unit to an error about a key that an option
// overrules.
func (sv *survey) withExecStart(u systemd.Unit, config *falcoconf.Config, err error) error {
	onLine := func(o falcoconf.Overruled) bool { return o.Origin.File == falcoconf.CommandLine }
	if !slices.ContainsFunc(config.Overruled(sv.Declared()), onLine) {
		return err
	}
	return fmt.Errorf("%w (%s)", err, sv.inForce(u).Starts())
}

// inForce is what systemd has in force for the wanted unit.
func (sv *survey) inForce(u systemd.Unit) inforce.Unit {
	return inforce.Unit{Unit: u, ID: sv.unit, Falco: sv.version, View: sv.view}
}

// configUnit is the wanted unit. One that does not exist yet, or that of a tree,
// decides nothing.
func configUnit(ctx context.Context, sv *survey) (systemd.Unit, error) {
	units, err := sv.view.Units(ctx, sv.unit)
	if errors.Is(err, node.ErrNotAsked) {
		err = nil
	}
	return sv.inForce(units[sv.unit]).OnDisk(), err
}

// replaceConfig plans the edited falco.yaml. The installed Falco is asked about
// it now, so that a dry run says what a run would find, and again before the
// file is replaced. What a link in its place leads to is replaced: the link is
// somebody's arrangement, which Falco follows too.
func replaceConfig(ctx context.Context, sv *survey, u systemd.Unit, old, edited []byte, out *converge.Outcome) error {
	file, err := inforce.Follow(sv.view, falco.ConfigFile)
	if err != nil {
		return err
	}
	if sv.view.Host().Tree {
		out.Changes = []node.Change{configWrite(sv, file, old, edited, nil)}
		return nil
	}
	reason, err := sv.complaint(ctx, u, edited, out)
	if err != nil {
		return err
	}
	if reason != "" {
		return node.ConfigError(fmt.Errorf("falco would refuse the new %s: %s", falco.ConfigFile, reason),
			"correct falco.config in the settings, or the file in /etc/falco that the message names; the old falco.yaml is still in place")
	}
	check := sv.check(u)
	out.Changes = []node.Change{configWrite(sv, file, old, edited, &check)}
	return nil
}

func configWrite(sv *survey, file string, old, edited []byte, check *node.FalcoCheck) node.Change {
	w := node.WriteFile{Path: file, Old: old, New: edited, Mode: 0o644, Check: check, Cause: node.Because(node.DriftConfigEdited, "declared keys")}
	if isShipped(sv) {
		w.Drift = node.DriftConfigReplaced
	}
	return w
}

// isShipped reports whether an upgrade replaced an edited falco.yaml, which rpm
// moved aside, and nobody has changed the shipped one since: rpm gives a file
// the time at which its package was built.
func isShipped(sv *survey) bool {
	if _, err := sv.view.Stat(vocabulary.SavedConfig); err != nil {
		return false
	}
	live, err := sv.view.Stat(falco.ConfigFile)
	return err == nil && (sv.installed == nil || live.ModTime.Before(sv.installed.Installed))
}

// isLeftover reports whether a file that Falco loads was probably not meant as a
// fragment. Falco loads every regular file of config.d, whatever its name.
func isLeftover(file string) bool {
	if file == "" || file == falco.ConfigFile || file == falcoconf.CommandLine {
		return false
	}
	ext := path.Ext(file)
	return ext != ".yaml" && ext != ".yml" || strings.HasPrefix(path.Base(file), ".")
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Package removal plans what takes the agent's work back: what it has put on a node
// goes, what it has edited is as before, and what it has found stays. It knows its own
// files by their first line, and the rest from the ledger. Like the steps that set a
// node up, these only plan.
package removal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
	"github.com/falco-bootstrap/falco-bootstrap/internal/inforce"
	"github.com/falco-bootstrap/falco-bootstrap/internal/ledger"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/settings"
)

// stateDir holds what the agent remembers.
var stateDir = path.Dir(ledger.File)

// timer is the unit that runs the agent again.
const timer = "falco-bootstrap.timer"

// A removal is what is known before the first change.
type removal struct {
	settings.Settings
	ledger ledger.Ledger
	// known means that there is a ledger: the first releases wrote none.
	known bool
	// purge means that Falco goes too, if the agent has installed it.
	purge bool
}

// Steps returns the steps that take the agent's work back, in their order. With purge
// Falco, its configuration and its log go too.
func Steps(view node.View, s settings.Settings, purge bool) ([]converge.Step, error) {
	content, err := inforce.ReadOptional(view.Tree(), ledger.File)
	if errors.Is(err, fs.ErrPermission) {
		return nil, node.Errorf(node.CodeFailed, "run it with sudo", "what falco-bootstrap has put here is known to root alone: %w", err)
	} else if err != nil {
		return nil, err
	}
	l, err := ledger.Parse(content)
	if err != nil {
		return nil, node.Errorf(node.CodeFailed, "use the falco-bootstrap that has written it; or move it away, and what it names stays on the node", "%w", err)
	}
	r := &removal{Settings: s, ledger: l, known: content != nil, purge: purge}
	if !r.known {
		_, err := fs.Stat(view.Tree(), stateDir[1:])
		r.purge = purge && err == nil // somebody else's Falco stays
	}
	var steps []converge.Step
	for _, s := range []step{
		{"unit", r.planUnits},
		{"files", r.planFiles},
		{"packages", r.planPackages},
		{"falco", r.planFalco},
		{"key", r.planKeys},
		{"state", r.planState},
	} {
		steps = append(steps, s)
	}
	return steps, nil
}

type step struct {
	id   string
	plan func(context.Context, node.View) (converge.Outcome, error)
}

func (s step) ID() string { return s.id }

func (s step) Plan(ctx context.Context, view node.View) (converge.Outcome, error) {
	return s.plan(ctx, view)
}

// falcoGoes reports whether Falco is to be removed.
func (r *removal) falcoGoes() bool { return r.purge && (!r.known || r.ledger.Has("falco")) }

// staying is the outcome of a step that is about Falco, if Falco stays.
func (r *removal) staying() converge.Outcome {
	reason := "Falco, its configuration and its log stay; --purge removes them"
	if r.purge {
		reason = "Falco stays: nothing says that falco-bootstrap has installed it"
	}
	return converge.Outcome{Skipped: true, Reason: reason}
}

// because is the cause of every change: taking something back mends no drift.
func because(why string) node.Cause { return node.Cause{Why: why} }

// planUnits stops and disables Falco's units, and unmasks those that the agent has
// masked.
func (r *removal) planUnits(ctx context.Context, view node.View) (converge.Outcome, error) {
	names := append(falco.Units(), falco.FollowUnit)
	units, err := view.Units(ctx, append(slices.Clone(names), timer)...)
	if err != nil {
		return converge.Outcome{}, err
	}
	out := r.staying()
	if t := units[timer]; t.Enabled() || t.ActiveState == "active" {
		out.Warnings = []node.Warning{{
			Message: timer + " is on: its next run sets Falco up again",
			Hint:    "turn it off with `systemctl disable --now " + timer + "`",
		}}
	}
	if !r.purge {
		return out, nil
	}
	for _, name := range r.ledger.Masked {
		if units[name].UnitFileState == "masked" {
			out.Changes = append(out.Changes, node.ChangeUnit{Unit: name, Action: node.Unmask, From: "masked", To: "not masked", Cause: because("falco-bootstrap has masked it")})
		}
	}
	for _, name := range names {
		u := units[name]
		if !r.falcoGoes() || !u.Exists() || u.ID != name {
			continue
		}
		c := node.ChangeUnit{Unit: name, Cause: because("Falco is removed")}
		if u.ActiveState != "inactive" && u.ActiveState != "failed" {
			c.Action, c.From, c.To = node.Stop, u.ActiveState, "inactive"
			out.Changes = append(out.Changes, c)
		}
		if u.Enabled() {
			c.Action, c.From, c.To = node.Disable, "enabled", "disabled"
			out.Changes = append(out.Changes, c)
		}
	}
	if r.falcoGoes() || len(out.Changes) > 0 {
		out.Skipped, out.Reason = false, "no unit of Falco runs"
	}
	if len(out.Changes) > 0 {
		out.Reason = "units of Falco, and what was done to them"
	}
	return out, nil
}

// planPackages removes the packages that the agent has installed, with what came with
// them. What others require by now stays.
func (r *removal) planPackages(ctx context.Context, view node.View) (converge.Outcome, error) {
	if !r.falcoGoes() {
		return r.staying(), nil
	}
	have, err := view.Packages(ctx)
	if err != nil {
		return converge.Outcome{}, err
	}
	out := converge.Outcome{Reason: "none of falco-bootstrap's packages is installed"}
	mine := r.ledger.Packages
	if !r.known {
		mine = []ledger.Package{{Name: "falco"}}
	}
	remove := node.Install{Action: "remove", Unneeded: true, Cause: because("falco-bootstrap has installed it")}
	for _, p := range mine {
		q, ok := installed(have, p)
		if !ok {
			continue
		}
		t := node.Target{Name: p.Name, Spec: q.NEVRA(), Old: q.EVR()}
		if p.Name == "falco" && falco.Unerasable(q.Version) {
			out.Changes = append(out.Changes, node.Install{Action: "remove", NoScripts: true, Targets: []node.Target{t}, Cause: because("its own scripts keep it from being removed")})
			continue
		}
		others, err := r.requirers(ctx, view, p.Name)
		if err != nil {
			return out, err
		}
		if len(others) > 0 {
			out.Warnings = append(out.Warnings, node.Warning{
				Message: fmt.Sprintf("%s stays: %s needs it", q.NEVRA(), strings.Join(others, ", ")),
				Hint:    "`dnf remove " + p.Name + "` removes it with what needs it",
			})
			continue
		}
		remove.Targets = append(remove.Targets, t)
	}
	if len(remove.Targets) > 0 {
		out.Changes = append(out.Changes, remove)
	}
	if len(out.Changes) > 0 {
		out.Reason = "packages that falco-bootstrap has installed"
	}
	return out, nil
}

// installed returns the installed package that the agent has installed.
func installed(have node.Packages, p ledger.Package) (node.Package, bool) {
	if p.NEVRA == "" {
		return have.Newest(p.Name)
	}
	i := slices.IndexFunc(have.Installed[p.Name], func(q node.Package) bool { return q.NEVRA() == p.NEVRA })
	if i < 0 {
		return node.Package{}, false
	}
	return have.Installed[p.Name][i], true
}

// requirers names the packages that need one of the agent's, besides those that are
// the agent's too.
func (r *removal) requirers(ctx context.Context, view node.View, name string) ([]string, error) {
	all, err := view.Requirers(ctx, name)
	return slices.DeleteFunc(all, func(other string) bool { return other == "falco" || r.ledger.Has(other) }), err
}

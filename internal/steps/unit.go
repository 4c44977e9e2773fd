// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package steps

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/compat"
	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/settings"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/systemd"
)

// followUnit replaces rules by itself. Every Falco unit pulls it in, enabled
// or not; only a mask keeps it down.
const followUnit = "falcoctl-artifact-follow.service"

// aliasUnit is an alias of the enabled unit since Falco 0.34, and Falco's own
// unit before.
const aliasUnit = "falco.service"

// unit keeps the driver's unit enabled and running what is on disk, and every
// other Falco unit down.
type unit struct{ settings.Settings }

// ID implements [converge.Step].
func (unit) ID() string { return idUnit }

// Plan implements [converge.Step].
func (u unit) Plan(ctx context.Context, view converge.View) (converge.Outcome, error) {
	if view.Host().Tree {
		return converge.Outcome{}, converge.ErrNotAsked
	}
	sv, err := look(ctx, view, u.Settings)
	if err != nil {
		return converge.Outcome{}, err
	}
	if !sv.settled(u.Settings) {
		return converge.Outcome{Waiting: idPackages, Reason: u.announce(sv)}, nil
	}
	units, err := view.Units(ctx, append(compat.FalcoUnits(), followUnit)...)
	if err != nil {
		return converge.Outcome{}, err
	}
	name := compat.UnitFor(sv.verdict.Driver, sv.falco.Version)
	wanted := units[name]
	if !wanted.Exists() && wanted.UnitFileState != "masked" {
		return converge.Outcome{}, &converge.Error{
			Code: converge.CodeNotRunning, Err: fmt.Errorf("%s is not there although %s is installed", name, sv.falco.NEVRA()),
			Hint: "`rpm -V falco` tells whether files are missing; `systemctl daemon-reload` if the unit file is",
		}
	}
	out := converge.Outcome{Reason: name + " is enabled and running"}
	out.Changes = slices.Concat(u.alone(name, units), u.enabled(name, wanted, units[aliasUnit]), u.follow(units[followUnit]), reread(view.Tree(), wanted))
	run, why, err := u.running(sv, wanted)
	if err != nil {
		return out, err
	}
	out.Changes = append(out.Changes, run...)
	if len(out.Changes) > 0 {
		out.Reason = name + " is not as declared"
	}
	if why != "" {
		out.Reason = name + " " + why
	}
	return out, nil
}

// announce says what is to come, as far as it is known.
func (u unit) announce(sv *survey) string {
	name := "the unit of driver " + sv.verdict.Driver
	if v := sv.version(u.Settings); v != "" {
		name = compat.UnitFor(sv.verdict.Driver, v)
	}
	return name + " is enabled and started once Falco is installed"
}

// alone plans every other Falco unit down: two would report every event twice,
// and one of them under another driver.
func (unit) alone(wanted string, units map[string]systemd.Unit) []converge.Change {
	var out []converge.Change
	for _, name := range compat.FalcoUnits() {
		u := units[name]
		if name == wanted || !u.Exists() || !rival(name, u) {
			continue
		}
		drift := converge.DriftUnitExtra
		if units[aliasUnit].ID == name {
			drift = converge.DriftUnitAlias
		}
		change := converge.ChangeUnit{Unit: name, Drift: drift, Why: "only " + wanted + " is wanted"}
		if u.Enabled() {
			change.Action, change.From, change.To = converge.Disable, "enabled", "disabled"
			out = append(out, change)
		}
		if u.ActiveState != "inactive" && u.ActiveState != "failed" {
			change.Action, change.From, change.To = converge.Stop, u.ActiveState, "inactive"
			out = append(out, change)
		}
	}
	return out
}

// rival reports whether a unit that exists can stand in the way of the wanted
// one: not what is another's alias, and not what loads the module for it.
func rival(name string, u systemd.Unit) bool {
	return u.ID == name && name != "falco-kmod-inject.service" && name != "falco_inject_kmod.service"
}

// enabled plans the wanted unit unmasked, enabled, and the one that the alias
// falco.service leads to.
func (unit) enabled(name string, u, alias systemd.Unit) []converge.Change {
	change := converge.ChangeUnit{Unit: name, From: u.UnitFileState}
	var out []converge.Change
	if u.UnitFileState == "masked" || u.UnitFileState == "masked-runtime" || u.LoadState == "masked" {
		change.Action, change.From, change.To, change.Drift = converge.Unmask, "masked", "disabled", converge.DriftUnitMasked
		out = append(out, change)
		change.From = "disabled"
	}
	switch {
	case !u.Enabled():
		change.Action, change.To, change.Drift = converge.Enable, "enabled", converge.DriftUnitDisabled
		out = append(out, change)
	case alias.Exists() && alias.ID != name && alias.ID != aliasUnit:
		change.Action, change.From, change.To, change.Drift = converge.Enable, "falco.service is "+alias.ID, "falco.service is "+name, converge.DriftUnitAlias
		out = append(out, change)
	}
	return out
}

// follow plans falcoctl-artifact-follow masked, or not. A mask counts once it is
// both on disk and read by systemd: a run that was killed between the two leaves
// a unit that the next start of Falco pulls in.
func (u unit) follow(w systemd.Unit) []converge.Change {
	change := func(action converge.UnitAction, from, to string) converge.Change {
		return converge.ChangeUnit{Unit: followUnit, Action: action, From: from, To: to, Drift: converge.DriftFollow, Why: "falco.rules_follow"}
	}
	onDisk, inForce := w.UnitFileState == "masked", w.LoadState == "masked"
	switch masked := onDisk || inForce; {
	case !w.Exists(), u.Falco.RulesFollow && !masked:
		return nil
	case u.Falco.RulesFollow:
		return []converge.Change{change(converge.Unmask, "masked", "disabled")}
	}
	var out []converge.Change
	switch {
	case !onDisk:
		out = append(out, change(converge.Mask, w.UnitFileState, "masked"))
	case !inForce:
		out = append(out, change(converge.ReloadManager, "masked on disk", "masked"))
	}
	if w.ActiveState == "active" || w.ActiveState == "activating" {
		out = append(out, change(converge.Stop, w.ActiveState, "inactive"))
	}
	return out
}

// reread plans systemd to read unit files again that changed on disk.
func reread(tree fs.FS, u systemd.Unit) []converge.Change {
	if !u.NeedReload && !unread(tree, u) {
		return nil
	}
	return []converge.Change{converge.ChangeUnit{Unit: u.Name, Action: converge.ReloadManager, From: "changed on disk", To: "read", Drift: converge.DriftUnitReload}}
}

// unread reports whether the unit's drop-ins are other ones on disk than in
// systemd. It says itself that it needs no reload when the first drop-in of a
// unit comes, since it remembers which folders there were (systemd 252,
// src/core/unit.c unit_need_daemon_reload). One that is empty, or a link to
// /dev/null, is a mask and no drop-in.
func unread(tree fs.FS, u systemd.Unit) bool {
	if u.LoadState != "loaded" {
		return false
	}
	folder := "/etc/systemd/system/" + u.Name + ".d/"
	names, _ := fs.Glob(tree, inTree(folder)+"*.conf")
	there := map[string]bool{}
	for _, name := range names {
		info, err := fs.Stat(tree, name)
		there["/"+name] = err == nil && info.Mode().IsRegular() && info.Size() > 0
		if there["/"+name] && !slices.Contains(u.DropIns, "/"+name) {
			return true
		}
	}
	return slices.ContainsFunc(u.DropIns, func(d string) bool { return strings.HasPrefix(d, folder) && !there[d] })
}

// looping reports whether systemd itself had to start the unit again just now.
// A crash loop is active half of the time, so "running" says little.
func looping(w systemd.Unit, now time.Time) bool {
	return w.Running() && w.NRestarts > 0 && now.Sub(w.Started) < settleTime
}

// running plans the unit started, or started again if the process is older
// than what it should run. It is never reloaded: a reload is blind for two
// seconds, keeps the old configuration on an error without a word, and does
// nothing with watch_config_files off.
func (u unit) running(sv *survey, w systemd.Unit) (changes []converge.Change, why string, err error) {
	change := func(action converge.UnitAction, from string, drift converge.Drift, why string) []converge.Change {
		return []converge.Change{converge.ChangeUnit{Unit: w.Name, Action: action, From: from, To: "running", Drift: drift, Why: why}}
	}
	switch {
	case w.ActiveState == "failed":
		return change(converge.Start, "failed", converge.DriftUnitFailed, w.Result), "has failed (" + w.Result + ")", nil
	case w.SubState == "auto-restart", looping(w, sv.view.Now()):
		why := fmt.Sprintf("dies and is started again (%d times)", w.NRestarts)
		return change(converge.Restart, "crash-looping", converge.DriftUnitCrashLoop, w.Result), why, nil
	case !w.Running():
		return change(converge.Start, "stopped", converge.DriftUnitStopped, ""), "is not running", nil
	}
	stale, err := staleInput(sv, w)
	if err != nil || stale == "" {
		return nil, "", err
	}
	return change(converge.Restart, "running", converge.DriftConfigStale, stale+" is newer than the process"), "runs an older state than is on disk", nil
}

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

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
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
func (u unit) Plan(ctx context.Context, view node.View) (converge.Outcome, error) {
	if view.Host().Tree {
		return converge.Outcome{}, node.ErrNotAsked
	}
	sv, err := look(ctx, view, u.Settings)
	if err != nil {
		return converge.Outcome{}, err
	}
	if !sv.settled(u.Settings) {
		return converge.Outcome{Waiting: idPackages, Reason: u.announce(sv)}, nil
	}
	units, err := view.Units(ctx, append(falco.Units(), followUnit)...)
	if err != nil {
		return converge.Outcome{}, err
	}
	name := falco.UnitFor(sv.verdict.Driver, sv.falco.Version)
	wanted := units[name]
	if !wanted.Exists() && wanted.UnitFileState != "masked" {
		return converge.Outcome{}, &node.Error{
			Code: node.CodeNotRunning, Err: fmt.Errorf("%s is not there although %s is installed", name, sv.falco.NEVRA()),
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
		name = falco.UnitFor(sv.verdict.Driver, v)
	}
	return name + " is enabled and started once Falco is installed"
}

// alone plans every other Falco unit down: two would report every event twice,
// and one of them under another driver.
func (unit) alone(wanted string, units map[string]systemd.Unit) []node.Change {
	var out []node.Change
	for _, name := range falco.Units() {
		u := units[name]
		if name == wanted || !u.Exists() || !rival(name, u) {
			continue
		}
		drift := node.DriftUnitExtra
		if units[aliasUnit].ID == name {
			drift = node.DriftUnitAlias
		}
		change := node.ChangeUnit{Unit: name, Cause: node.Because(drift, "only "+wanted+" is wanted")}
		if u.Enabled() {
			change.Action, change.From, change.To = node.Disable, "enabled", "disabled"
			out = append(out, change)
		}
		if u.ActiveState != "inactive" && u.ActiveState != "failed" {
			change.Action, change.From, change.To = node.Stop, u.ActiveState, "inactive"
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
func (unit) enabled(name string, u, alias systemd.Unit) []node.Change {
	change := node.ChangeUnit{Unit: name, From: u.UnitFileState}
	var out []node.Change
	if u.UnitFileState == "masked" || u.UnitFileState == "masked-runtime" || u.LoadState == "masked" {
		change.Action, change.From, change.To, change.Drift = node.Unmask, "masked", "disabled", node.DriftUnitMasked
		out = append(out, change)
		change.From = "disabled"
	}
	switch {
	case !u.Enabled():
		change.Action, change.To, change.Drift = node.Enable, "enabled", node.DriftUnitDisabled
		out = append(out, change)
	case alias.Exists() && alias.ID != name && alias.ID != aliasUnit:
		change.Action, change.From, change.To, change.Drift = node.Enable, "falco.service is "+alias.ID, "falco.service is "+name, node.DriftUnitAlias
		out = append(out, change)
	}
	return out
}

// follow plans falcoctl-artifact-follow masked, or not. A mask counts once it is
// both on disk and read by systemd: a run that was killed between the two leaves
// a unit that the next start of Falco pulls in.
func (u unit) follow(w systemd.Unit) []node.Change {
	change := func(action node.UnitAction, from, to string) node.Change {
		return node.ChangeUnit{Unit: followUnit, Action: action, From: from, To: to, Cause: node.Because(node.DriftFollow, "falco.rules_follow")}
	}
	onDisk, inForce := w.UnitFileState == "masked", w.LoadState == "masked"
	switch masked := onDisk || inForce; {
	case !w.Exists(), u.Falco.RulesFollow && !masked:
		return nil
	case u.Falco.RulesFollow:
		return []node.Change{change(node.Unmask, "masked", "disabled")}
	}
	var out []node.Change
	switch {
	case !onDisk:
		out = append(out, change(node.Mask, w.UnitFileState, "masked"))
	case !inForce:
		out = append(out, change(node.ReloadManager, "masked on disk", "masked"))
	}
	if w.ActiveState == "active" || w.ActiveState == "activating" {
		out = append(out, change(node.Stop, w.ActiveState, "inactive"))
	}
	return out
}

// reread plans systemd to read unit files again that changed on disk.
func reread(tree fs.FS, u systemd.Unit) []node.Change {
	if !u.NeedReload && !unread(tree, u) {
		return nil
	}
	return []node.Change{node.ChangeUnit{Unit: u.Name, Action: node.ReloadManager, From: "changed on disk", To: "read", Cause: node.Because(node.DriftUnitReload, "")}}
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
func (u unit) running(sv *survey, w systemd.Unit) (changes []node.Change, why string, err error) {
	change := func(action node.UnitAction, from string, drift node.Drift, why string) []node.Change {
		return []node.Change{node.ChangeUnit{Unit: w.Name, Action: action, From: from, To: "running", Cause: node.Because(drift, why)}}
	}
	switch {
	case w.ActiveState == "failed":
		return change(node.Start, "failed", node.DriftUnitFailed, w.Result), "has failed (" + w.Result + ")", nil
	case w.SubState == "auto-restart", looping(w, sv.view.Now()):
		why := fmt.Sprintf("dies and is started again (%d times)", w.NRestarts)
		return change(node.Restart, "crash-looping", node.DriftUnitCrashLoop, w.Result), why, nil
	case !w.Running():
		return change(node.Start, "stopped", node.DriftUnitStopped, ""), "is not running", nil
	}
	stale, err := staleInput(sv, w)
	if err != nil || stale == "" {
		return nil, "", err
	}
	return change(node.Restart, "running", node.DriftConfigStale, stale+" is newer than the process"), "runs an older state than is on disk", nil
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package steps

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
	"github.com/falco-bootstrap/falco-bootstrap/internal/inforce"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/falcoconf"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/systemd"
)

// planUnit keeps the driver's unit enabled and running what is on disk, and
// every other Falco unit disabled and stopped.
func planUnit(ctx context.Context, sv *survey) (converge.Outcome, error) {
	if !sv.falcoFits() {
		name := sv.unit
		if sv.version == "" {
			name = "the unit of driver " + sv.decision.Driver
		}
		return converge.Outcome{Waiting: idPackages, Reason: name + " is enabled and started once Falco is installed"}, nil
	}
	units, err := sv.view.Units(ctx, append(falco.Units(), falco.FollowUnit)...)
	if err != nil {
		return converge.Outcome{}, err
	}
	units[sv.unit] = sv.inForce(units[sv.unit]).OnDisk()
	name, u := sv.unit, units[sv.unit]
	if !u.Exists() && u.UnitFileState != "masked" {
		return converge.Outcome{}, node.Errorf(node.CodeNotRunning, "`rpm -V falco` shows whether files are missing; run `systemctl daemon-reload` if the unit file exists",
			"%s does not exist although %s is installed", name, sv.installed.NEVRA())
	}
	out := converge.Outcome{Reason: name + " is enabled and running"}
	start, why, err := startOrRestart(ctx, sv, u, &out)
	if err != nil {
		return out, err
	}
	out.Warnings = ownFiles(sv, units)
	// What may fail comes before another Falco is stopped, and the wanted unit
	// runs by then: a node is not left without any.
	out.Changes = slices.Concat(
		maskFollow(sv.view, units[falco.FollowUnit], sv.Falco.RulesFollow),
		reloadManager(sv.view.Tree(), u),
		unmask(u),
		start,
		stopOthers(name, units),
		enable(u, units[falco.AliasUnit]),
	)
	isBad := u.LoadState == "bad-setting" || u.LoadState == "error"
	if len(start) > 0 || sv.planned[idDropIns] || sv.planned[idConfig] || isBad || u.Unread(sv.view.Tree()) {
		err = sv.inForce(u).CheckStart()
	}
	if err == nil {
		err = askBeforeStart(ctx, sv, units, &out)
	}
	if err != nil {
		return converge.Outcome{Warnings: out.Warnings, Unknown: out.Unknown}, err
	}
	switch {
	case why != "":
		out.Reason = name + " " + why
	case len(out.Changes) > 0:
		out.Reason = name + " is not as declared"
	}
	return out, nil
}

// stopOthers plans to stop and disable every other Falco unit: two would report
// every event twice, and one of them with another driver. A name that is an
// alias of another unit is left alone, and so is what loads the module for the
// wanted unit.
func stopOthers(wanted string, units map[string]systemd.Unit) []node.Change {
	var out []node.Change
	for _, name := range falco.Units() {
		u := units[name]
		if name == wanted || !u.Exists() || u.ID != name || falco.LoadsModule(name) {
			continue
		}
		drift := node.DriftUnitExtra
		if name != falco.AliasUnit && units[falco.AliasUnit].ID == name {
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

// isMasked reports whether a unit cannot be started.
func isMasked(u systemd.Unit) bool {
	return u.UnitFileState == "masked" || u.UnitFileState == "masked-runtime" || u.LoadState == "masked"
}

// unmask plans to unmask the wanted unit.
func unmask(u systemd.Unit) []node.Change {
	if !isMasked(u) {
		return nil
	}
	return []node.Change{node.ChangeUnit{Unit: u.Name, Action: node.Unmask, From: "masked", To: "disabled", Cause: node.Because(node.DriftUnitMasked, "")}}
}

// enable plans to enable the wanted unit, and to make it the one that the alias
// falco.service stands for, unless that is a unit of its own.
func enable(u, alias systemd.Unit) []node.Change {
	c := node.ChangeUnit{Unit: u.Name, Action: node.Enable, From: u.UnitFileState, To: "enabled", Cause: node.Because(node.DriftUnitDisabled, "")}
	switch {
	case isMasked(u):
		c.From = "disabled"
	case !u.Enabled():
	case alias.Exists() && alias.ID != u.Name && alias.ID != falco.AliasUnit:
		c.From, c.To, c.Drift = "falco.service is "+alias.ID, "falco.service is "+u.Name, node.DriftUnitAlias
	case alias.UnitFileState == "alias" && alias.ID == falco.AliasUnit:
		// A run was killed between the link and systemd's reading of it.
		c.Action, c.From, c.To, c.Drift = node.ReloadManager, "falco.service is not read", "falco.service is "+u.Name, node.DriftUnitAlias
	default:
		return nil
	}
	return []node.Change{c}
}

// maskFollow plans to mask falcoctl-artifact-follow, or to unmask it if it is
// wanted. A mask counts once it is on disk and systemd has read it: a run that
// was killed between the two leaves a unit that the next start of Falco starts
// too.
func maskFollow(view node.View, u systemd.Unit, wanted bool) []node.Change {
	var out []node.Change
	plan := func(action node.UnitAction, from, to string) {
		out = append(out, node.ChangeUnit{Unit: falco.FollowUnit, Action: action, From: from, To: to, Cause: node.Because(node.DriftFollow, "falco.rules_follow")})
	}
	onDisk, inForce := u.UnitFileState == "masked", u.LoadState == "masked"
	switch {
	case !u.Exists(), !wanted && inforce.HasOwnFile(view, u.Name):
		return nil
	case wanted:
		if onDisk || inForce {
			plan(node.Unmask, "masked", "disabled")
		}
		return out
	case !onDisk:
		plan(node.Mask, u.UnitFileState, "masked")
	case !inForce:
		plan(node.ReloadManager, "masked on disk", "masked")
	}
	if u.ActiveState == "active" || u.ActiveState == "activating" {
		plan(node.Stop, u.ActiveState, "inactive")
	}
	return out
}

// ownFiles warns of unit files of somebody's that keep the alias, or the mask of
// falcoctl-artifact-follow, from being made.
func ownFiles(sv *survey, units map[string]systemd.Unit) []node.Warning {
	var out []node.Warning
	warn := func(unit, consequence string, drift node.Drift) {
		file := "/etc/systemd/system/" + unit
		out = append(out, node.Warning{
			Message: file + " is a unit file of somebody's own, so " + consequence, Drift: drift,
			Hint: "remove it if nobody needs it, then run `systemctl daemon-reload` and falco-bootstrap",
		})
	}
	if alias := falco.AliasUnit; sv.unit != alias && inforce.HasOwnFile(sv.view, alias) {
		warn(alias, "falco.service is not another name of "+sv.unit, node.DriftUnitAlias)
	}
	if follow := falco.FollowUnit; !sv.Falco.RulesFollow && units[follow].Exists() && inforce.HasOwnFile(sv.view, follow) {
		warn(follow, "it cannot be masked and may replace rules by itself", node.DriftFollow)
	}
	return out
}

// reloadManager plans a daemon-reload if files of the unit changed on disk.
func reloadManager(tree fs.FS, u systemd.Unit) []node.Change {
	if !u.Unread(tree) {
		return nil
	}
	return []node.Change{node.ChangeUnit{Unit: u.Name, Action: node.ReloadManager, From: "changed on disk", To: "read", Cause: node.Because(node.DriftUnitReload, "")}}
}

// askBeforeStart has the installed Falco check what is on disk before the unit is
// started in the place of a running Falco: if the new one exits, the node has
// none. Where none is running, there is nothing to lose, and nothing is asked.
func askBeforeStart(ctx context.Context, sv *survey, units map[string]systemd.Unit, out *converge.Outcome) error {
	u := units[sv.unit]
	check := sv.check(u)
	stops := func(c node.Change) bool {
		stop, ok := c.(node.ChangeUnit)
		return ok && stop.Action == node.Stop && stop.Unit != falco.FollowUnit && units[stop.Unit].Running()
	}
	running, starts := !isDown(sv, u) || slices.ContainsFunc(out.Changes, stops), false
	for i, change := range out.Changes {
		c, ok := change.(node.ChangeUnit)
		if ok && c.Unit == u.Name && running && (c.Action == node.Start || c.Action == node.Restart) {
			c.Check, starts = &check, true
			out.Changes[i] = c
		}
	}
	// A change of the drop-ins has a running unit restarted. Falco has been asked
	// about a new falco.yaml.
	starts = starts || u.Running() && (sv.planned[idDropIns] || u.Unread(sv.view.Tree()))
	if !starts || sv.planned[idConfig] {
		return nil
	}
	reason, err := sv.complaint(ctx, u, nil, out)
	if err != nil {
		return err
	}
	return node.Refused(u.Name, reason)
}

// startOrRestart plans to start the unit, or to restart it if its process is
// older than what it should run, and says why. Falco is never reloaded: during a
// reload it sees no events for two seconds, after an error it keeps the old
// configuration without reporting that, and with watch_config_files off it does
// nothing.
func startOrRestart(ctx context.Context, sv *survey, u systemd.Unit, out *converge.Outcome) (changes []node.Change, why string, err error) {
	plan := func(action node.UnitAction, from string, drift node.Drift, why string) []node.Change {
		return []node.Change{node.ChangeUnit{Unit: u.Name, Action: action, From: from, To: "running", Cause: node.Because(drift, why)}}
	}
	switch {
	case u.ActiveState == "failed":
		return plan(node.Start, "failed", node.DriftUnitFailed, u.Result), "has failed (" + u.Result + ")", nil
	case isCrashLooping(u, sv.view.Now()):
		why := fmt.Sprintf("exits and is restarted (%d times)", u.NRestarts)
		return plan(node.Restart, "crash-looping", node.DriftUnitCrashLoop, u.Result), why, nil
	case !u.Running():
		return plan(node.Start, "stopped", node.DriftUnitStopped, ""), "is not running", nil
	}
	vitals, err := sv.view.Vitals(u.MainPID, sv.LogFile())
	if err != nil {
		return nil, "", err
	}
	if how := vitals.Halted(sv.view.Now().Sub(u.Started)); how != "" {
		return plan(node.Restart, how, node.DriftUnitFrozen, fmt.Sprintf("process %d", u.MainPID)), "is active, and its process is " + how, nil
	}
	stale, err := staleInput(ctx, sv, u, out)
	if err != nil {
		return nil, "", err
	}
	if stale != "" {
		return plan(node.Restart, "running", node.DriftConfigStale, stale+" is not what the process has read"), "is older than what is on disk", nil
	}
	if file := astray(sv, u, vitals); file != "" {
		return plan(node.Restart, "running", node.DriftLogMoved, "it writes to "+file), "writes to " + file + ", which is not " + sv.LogFile(), nil
	}
	return nil, "", nil
}

// astray returns the file that the running Falco writes alerts to, if that is not
// the alert log any more, or "". A Falco that keeps its log open goes on with a
// file that was moved or removed.
func astray(sv *survey, u systemd.Unit, vitals node.Vitals) string {
	config, err := loadInForce(sv, u)
	if err != nil || sv.LogFile() == "" {
		return "" // the config step reports it
	}
	return vitals.Astray(config.KeepsLogOpen(), config.MetricsFile())
}

// loadInForce reads what a Falco that is started now would read.
func loadInForce(sv *survey, u systemd.Unit) (*falcoconf.Config, error) {
	tree := sv.view.Tree()
	key := fmt.Sprintf("%q %q", falco.StartOf(u, tree).Args, u.Env(tree))
	if config, read := sv.inForceBy[key]; read {
		return config, nil
	}
	config, err := falcoconf.Load(tree, falco.MainFile(u, tree), falco.ConfigStart(sv.version, u, tree))
	if err == nil {
		sv.inForceBy[key] = config
	}
	return config, err
}

// isCrashLooping reports whether systemd is about to restart the unit or has
// just done so. In a crash loop the unit is active half of the time, so "running"
// proves little.
func isCrashLooping(u systemd.Unit, now time.Time) bool {
	return u.SubState == "auto-restart" || u.Running() && u.NRestarts > 0 && now.Sub(u.Started) < settleTime
}

// staleInput names something that has changed since the running Falco read it. If Falco
// has read it again and refuses it, that is an error.
func staleInput(ctx context.Context, sv *survey, u systemd.Unit, out *converge.Outcome) (string, error) {
	p := inforce.Process{View: sv.view, PID: u.MainPID, Started: u.Started, Package: *sv.installed}
	if proof := sv.view.Proof(); proof.Invocation == u.InvocationID {
		p.Proof = proof
	}
	stale, reread, err := p.Stale(u.DropIns, sv.inputs(u))
	if err != nil || !reread {
		return stale, err
	}
	reason, err := sv.complaint(ctx, u, nil, out)
	if err != nil {
		return "", err
	}
	return "", node.Refused(u.Name, reason)
}

// inputs returns the files that a Falco which is started now would read. If they cannot
// be told, the config step says why.
func (sv *survey) inputs(u systemd.Unit) []string {
	config, err := loadInForce(sv, u)
	if err != nil {
		return []string{falco.ConfigFile}
	}
	return config.Inputs()
}

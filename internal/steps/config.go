// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package steps

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/settings"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/falcoconf"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/systemd"
)

// Falco's configuration, and what rpm leaves of an edited one when an upgrade
// replaces it.
const (
	mainConfig  = "/etc/falco/falco.yaml"
	savedConfig = mainConfig + ".rpmsave"
)

// config keeps the declared keys of falco.yaml true in what Falco really
// reads: the file, the fragments over it, and the unit's command line.
type config struct{ settings.Settings }

// ID implements [converge.Step].
func (config) ID() string { return idConfig }

// Plan implements [converge.Step].
func (c config) Plan(ctx context.Context, view node.View) (converge.Outcome, error) {
	sv, err := look(ctx, view, c.Settings)
	if err != nil {
		return converge.Outcome{}, err
	}
	old, err := readOptional(view.Tree(), mainConfig)
	if err != nil {
		return converge.Outcome{}, err
	}
	if old == nil || (!view.Host().Tree && !sv.settled(c.Settings)) {
		return converge.Outcome{Waiting: idPackages, Reason: "to be set once falco.yaml is there: " + c.list()}, nil
	}
	edited, err := falcoconf.Set(old, c.Declared()...)
	if err != nil {
		return converge.Outcome{}, refused(fmt.Errorf("editing %s: %w", mainConfig, err), hintOf(err, "mend the file by hand, or move it away and run `dnf reinstall falco`"))
	}
	return c.judge(ctx, sv, old, edited)
}

// list names the declared keys.
func (c config) list() string {
	var all []string
	for _, d := range c.Declared() {
		all = append(all, fmt.Sprintf("%s=%v", d.Path, d.Value))
	}
	return strings.Join(all, ", ")
}

// judge looks at what Falco would make of the edited file together with all
// that overrules it, and plans the swap only if that is as declared.
func (c config) judge(ctx context.Context, sv *survey, old, edited []byte) (converge.Outcome, error) {
	out := converge.Outcome{Warnings: c.lostEdits(sv.view, edited)}
	version := sv.version(c.Settings)
	overrides, err := unitOverrides(ctx, sv, version)
	if err != nil {
		return out, err
	}
	effective, err := falcoconf.LoadCandidate(sv.view.Tree(), mainConfig, edited, version, overrides)
	if err != nil {
		return out, refused(fmt.Errorf("reading %s: %w", mainConfig, err), hintOf(err, ""))
	}
	// What overrules a declared key may be why Falco has no output left.
	if err := overruled(effective.Overruled(c.Declared())); err != nil {
		return out, err
	}
	if err := c.sort(effective.Problems(), &out); err != nil {
		return out, err
	}
	out.Reason = mainConfig + " is as declared"
	if !bytes.Equal(old, edited) {
		out.Reason = "declared keys are not set in " + mainConfig
		out.Changes = []node.Change{c.swap(sv, version, old, edited)}
	}
	return out, nil
}

func (c config) swap(sv *survey, version string, old, edited []byte) node.Change {
	w := node.WriteFile{Path: mainConfig, Old: old, New: edited, Mode: 0o644, Cause: node.Because(node.DriftConfigEdited, "declared keys")}
	if replaced(sv) {
		w.Drift = node.DriftConfigReplaced
	}
	if !sv.view.Host().Tree {
		w.Check = &node.FalcoCheck{Version: version, Preload: preload(sv, version)}
	}
	return w
}

// replaced reports whether rpm put the shipped falco.yaml in the place of an
// edited one, which it moved aside, and nobody has touched it since: rpm gives
// a file the time at which its package was built.
func replaced(sv *survey) bool {
	if _, err := sv.view.Stat(savedConfig); err != nil {
		return false
	}
	live, err := sv.view.Stat(mainConfig)
	return err == nil && (sv.falco == nil || live.ModTime.Before(sv.falco.Installed))
}

// sort makes warnings of what Falco lives with and an error of what it dies
// of, which it would not name itself.
func (config) sort(problems []falcoconf.Problem, out *converge.Outcome) error {
	for _, p := range problems {
		if p.Fatal {
			return refused(errors.New(p.String()), p.Hint)
		}
		w := node.Warning{Message: p.String(), Hint: p.Hint}
		if leftover(p.File) {
			w.Drift = node.DriftConfigStray
		}
		out.Warnings = append(out.Warnings, w)
	}
	return nil
}

// leftover reports whether a file that Falco loads was hardly meant as a
// fragment: it loads every regular file of config.d, whatever its name.
func leftover(file string) bool {
	if file == "" || file == mainConfig || file == falcoconf.CommandLine {
		return false
	}
	ext := path.Ext(file)
	return ext != ".yaml" && ext != ".yml" || strings.HasPrefix(path.Base(file), ".")
}

// overruled refuses a node where something after falco.yaml decides a declared
// key. That file belongs to somebody who meant it; it is named, not edited.
func overruled(all []falcoconf.Overruled) error {
	if len(all) == 0 {
		return nil
	}
	var texts []string
	for _, o := range all {
		says := fmt.Sprintf("says %v", o.Value)
		if o.Missing {
			says = "replaces the block around it"
		}
		texts = append(texts, fmt.Sprintf("%s is declared %v, but %s %s and is read later", o.Setting.Path, o.Setting.Value, place(o.Origin), says))
	}
	hint := "take it out there, or declare the same value in falco.config"
	if all[0].Origin.File == falcoconf.CommandLine {
		hint = "the unit's command line wins over every file: change the unit with a drop-in, or declare the same value"
	}
	return &node.Error{Code: node.CodeConfig, Err: errors.New(strings.Join(texts, "; ")), Hint: hint, Drift: node.DriftConfigOverruled}
}

// place says where a value comes from.
func place(o falcoconf.Origin) string {
	if o.File == falcoconf.CommandLine {
		return "the unit's command line"
	}
	return o.String()
}

// lostEdits says which of an operator's edits are no longer live, after an
// upgrade has put the shipped file in place and theirs aside.
func (c config) lostEdits(view node.View, live []byte) []node.Warning {
	saved, err := readOptional(view.Tree(), savedConfig)
	if err != nil || saved == nil {
		return nil
	}
	lost, err := falcoconf.LostEdits(live, saved)
	if err != nil || len(lost) == 0 {
		return nil
	}
	var keys []string
	for _, l := range lost {
		keys = append(keys, fmt.Sprintf("%s=%v", l.Path, l.Value))
	}
	return []node.Warning{{
		Message: fmt.Sprintf("an upgrade moved an edited falco.yaml to %s; not live any more: %s", savedConfig, strings.Join(keys, ", ")),
		Hint:    "declare what is still wanted in falco.config, then remove that file",
		Drift:   node.DriftConfigReplaced,
	}}
}

// unitOverrides are the -o values with which the wanted unit starts Falco.
// A unit that is not there yet overrules nothing.
func unitOverrides(ctx context.Context, sv *survey, version string) ([]string, error) {
	name := falco.UnitFor(sv.verdict.Driver, version)
	units, err := sv.view.Units(ctx, name)
	if errors.Is(err, node.ErrNotAsked) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return overridesOf(units[name]), nil
}

// overridesOf are the -o values of a unit's command.
func overridesOf(u systemd.Unit) []string {
	var overrides []string
	for i, arg := range u.ExecStart {
		if (arg == "-o" || arg == "--option") && i+1 < len(u.ExecStart) {
			overrides = append(overrides, u.ExecStart[i+1])
		}
	}
	return overrides
}

func refused(err error, hint string) error {
	return &node.Error{Code: node.CodeConfig, Err: err, Hint: hint}
}

// hintOf returns the hint of falcoconf's error, or another.
func hintOf(err error, otherwise string) string {
	var e *falcoconf.Error
	if errors.As(err, &e) && e.Hint != "" {
		return e.Hint
	}
	return otherwise
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package steps

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/falco-bootstrap/falco-bootstrap/internal/compat"
	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/settings"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/falcoconf"
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
func (c config) Plan(ctx context.Context, view converge.View) (converge.Outcome, error) {
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
	out := converge.Outcome{Reason: mainConfig + " is as declared", Warnings: c.lostEdits(sv.view, edited)}
	version := sv.version(c.Settings)
	overrides, err := unitOverrides(ctx, sv, version)
	if err != nil {
		return out, err
	}
	effective, err := falcoconf.Load(overlay{sv.view.Tree(), inTree(mainConfig), edited}, mainConfig, version, overrides)
	if err != nil {
		return out, refused(fmt.Errorf("reading %s: %w", mainConfig, err), hintOf(err, ""))
	}
	if err := c.sort(effective.Problems(), &out); err != nil {
		return out, err
	}
	if err := overruled(effective.Overruled(c.Declared())); err != nil {
		return out, err
	}
	if !bytes.Equal(old, edited) {
		out.Reason = "declared keys are not set in " + mainConfig
		out.Changes = []converge.Change{c.swap(sv, version, old, edited)}
	}
	return out, nil
}

func (c config) swap(sv *survey, version string, old, edited []byte) converge.Change {
	w := converge.WriteFile{Path: mainConfig, Old: old, New: edited, Mode: 0o644, Drift: converge.DriftConfigEdited, Why: "declared keys"}
	if _, err := fs.Stat(sv.view.Tree(), inTree(savedConfig)); err == nil {
		w.Drift = converge.DriftConfigReplaced
	}
	if !sv.view.Host().Tree {
		w.Check = &converge.FalcoCheck{Version: version, Preload: preload(sv, version)}
	}
	return w
}

// sort makes warnings of what Falco lives with and an error of what it dies
// of, which it would not name itself.
func (config) sort(problems []falcoconf.Problem, out *converge.Outcome) error {
	for _, p := range problems {
		text := p.Message
		if p.File != "" {
			text = place(p.File, p.Line) + ": " + text
		}
		if p.Fatal {
			return refused(errors.New(text), p.Hint)
		}
		w := converge.Warning{Message: text, Hint: p.Hint}
		if p.Stray {
			w.Drift = converge.DriftConfigStray
		}
		out.Warnings = append(out.Warnings, w)
	}
	return nil
}

// overruled refuses a node where something after falco.yaml decides a declared
// key. That file belongs to somebody who meant it; it is named, not edited.
func overruled(all []falcoconf.Overruled) error {
	if len(all) == 0 {
		return nil
	}
	var texts []string
	for _, o := range all {
		texts = append(texts, fmt.Sprintf("%s is declared %v, but %s says %v and is read later",
			o.Setting.Path, o.Setting.Value, place(o.Origin.File, o.Origin.Line), o.Value))
	}
	hint := "take it out there, or declare the same value in falco.config"
	if all[0].Origin.File == "-o" {
		hint = "the unit's command line wins over every file: change the unit with a drop-in, or declare the same value"
	}
	return refused(errors.New(strings.Join(texts, "; ")), hint)
}

func place(file string, line int) string {
	switch {
	case file == "-o":
		return "the unit's command line"
	case line > 0:
		return fmt.Sprintf("%s:%d", file, line)
	default:
		return file
	}
}

// lostEdits says which of an operator's edits are no longer live, after an
// upgrade has put the shipped file in place and theirs aside.
func (c config) lostEdits(view converge.View, live []byte) []converge.Warning {
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
	return []converge.Warning{{
		Message: fmt.Sprintf("an upgrade moved an edited falco.yaml to %s; not live any more: %s", savedConfig, strings.Join(keys, ", ")),
		Hint:    "declare what is still wanted in falco.config, then remove that file",
		Drift:   converge.DriftConfigReplaced,
	}}
}

// unitOverrides are the -o values with which the wanted unit starts Falco.
// A unit that is not there yet overrules nothing.
func unitOverrides(ctx context.Context, sv *survey, version string) ([]string, error) {
	name := compat.UnitFor(sv.verdict.Driver, version)
	units, err := sv.view.Units(ctx, name)
	if errors.Is(err, converge.ErrNotAsked) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var overrides []string
	argv := units[name].ExecStart
	for i, arg := range argv {
		if (arg == "-o" || arg == "--option") && i+1 < len(argv) {
			overrides = append(overrides, argv[i+1])
		}
	}
	return overrides, nil
}

func refused(err error, hint string) error {
	return &converge.Error{Code: converge.CodeConfig, Err: err, Hint: hint}
}

// hintOf returns the hint of falcoconf's error, or another.
func hintOf(err error, otherwise string) string {
	var e *falcoconf.Error
	if errors.As(err, &e) && e.Hint != "" {
		return e.Hint
	}
	return otherwise
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package steps

import (
	"context"
	"errors"
	"fmt"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/settings"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/falcoconf"
)

// An EffectiveConfig is Falco's configuration as Falco sees it.
type EffectiveConfig struct {
	Falco  string         `json:"falco"` // version
	Layers []ConfigLayer  `json:"layers"`
	Keys   []EffectiveKey `json:"keys"`
}

// A ConfigLayer is one file, or the unit's command line, in the order in which
// they are read.
type ConfigLayer struct {
	File     string `json:"file"`
	Strategy string `json:"strategy,omitempty"`
}

// An EffectiveKey is one declared key with the value that wins and what
// decides it. Values are written as YAML.
type EffectiveKey struct {
	Path       string `json:"path"`
	Value      string `json:"value"`
	Declared   string `json:"declared"`
	AsDeclared bool   `json:"as_declared"`
	Origin     string `json:"origin"`
}

// Effective tells what Falco makes of its configuration as it is now.
func Effective(ctx context.Context, view node.View, s settings.Settings) (EffectiveConfig, error) {
	sv, err := look(ctx, view, s)
	if err != nil {
		return EffectiveConfig{}, err
	}
	if content, err := readOptional(view.Tree(), mainConfig); err != nil || content == nil {
		return EffectiveConfig{}, errors.Join(err, &node.Error{
			Code: node.CodeFailed, Err: fmt.Errorf("%s is not there", mainConfig), Hint: "Falco is not installed yet",
		})
	}
	version := sv.version(s)
	overrides, err := unitOverrides(ctx, sv, version)
	if err != nil {
		return EffectiveConfig{}, err
	}
	loaded, err := falcoconf.Load(view.Tree(), mainConfig, version, overrides)
	if err != nil {
		return EffectiveConfig{}, refused(fmt.Errorf("reading %s: %w", mainConfig, err), hintOf(err, ""))
	}
	return describeConfig(loaded, version, s.Declared()), nil
}

func describeConfig(loaded *falcoconf.Config, version string, declared []falcoconf.Setting) EffectiveConfig {
	out := EffectiveConfig{Falco: version}
	for _, l := range loaded.Layers() {
		out.Layers = append(out.Layers, ConfigLayer{File: l.File, Strategy: l.Strategy})
	}
	overruled := map[string]bool{}
	for _, o := range loaded.Overruled(declared) {
		overruled[o.Setting.Path] = true
	}
	for _, d := range declared {
		key := EffectiveKey{Path: d.Path, Declared: fmt.Sprint(d.Value), Value: "(not set)", Origin: "nothing"}
		if v, ok := loaded.Get(d.Path); ok {
			key.Value, key.Origin = fmt.Sprint(v.Value), place(v.Origin)
			key.AsDeclared = !overruled[d.Path] && key.Value == key.Declared
		}
		out.Keys = append(out.Keys, key)
	}
	return out
}

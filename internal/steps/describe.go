// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package steps

import (
	"context"
	"fmt"
	"strings"

	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
	"github.com/falco-bootstrap/falco-bootstrap/internal/inforce"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/redact"
	"github.com/falco-bootstrap/falco-bootstrap/internal/ruleset"
	"github.com/falco-bootstrap/falco-bootstrap/internal/settings"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/falcoconf"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/systemd"
)

// Facts are what a report says about a node. An unknown fact is empty.
type Facts struct {
	OS, OSVersion       string
	OSMajor             int
	Kernel, Flavour     string
	Arch, Glibc, BootID string
	Falco, Driver, Unit string
	Tree                bool
}

// Describe returns what is known about the node, even if it is refused.
func Describe(ctx context.Context, view node.View, s settings.Settings) Facts {
	sv, h := newSurvey(ctx, view, s), view.Host()
	f := Facts{Kernel: h.Kernel, Arch: h.Arch, BootID: h.BootID, Tree: h.Tree}
	if sv.release.Major == 0 {
		return f
	}
	f.OS, f.OSMajor = "Oracle Linux", sv.release.Major
	f.OSVersion = fmt.Sprintf("%d.%d", sv.release.Major, sv.release.Minor)
	f.Glibc = sv.host.GlibcVersion()
	f.Flavour = strings.ToLower(string(sv.kernel.Flavour))
	if sv.err == nil && sv.installed != nil {
		f.Falco, f.Driver, f.Unit = sv.installed.Version, sv.decision.Driver, sv.installedUnit()
	}
	return f
}

// HostOf returns what the compatibility table needs to know about a node.
func HostOf(view node.View) (falco.Host, error) {
	sv := &survey{view: view}
	err := sv.identify()
	return sv.host, err
}

// An EffectiveConfig is Falco's configuration as Falco reads it.
type EffectiveConfig struct {
	Falco  string         `json:"falco"` // version
	Layers []ConfigLayer  `json:"layers"`
	Keys   []EffectiveKey `json:"keys"`
}

// A ConfigLayer is one file, or the unit's command line, in the order in which
// Falco reads them.
type ConfigLayer struct {
	File     string `json:"file"`
	Strategy string `json:"strategy,omitempty"`
}

// An EffectiveKey is one declared key with the value that wins and what
// decides it. Secrets in the values are hidden.
type EffectiveKey struct {
	Path       string `json:"path"`
	Value      string `json:"value"`
	Declared   string `json:"declared"`
	AsDeclared bool   `json:"as_declared"`
	// Unknown says that it cannot be told what Falco reads, as of a variable that
	// the unit does not set.
	Unknown bool   `json:"unknown,omitempty"`
	Origin  string `json:"origin"`
}

// load reads Falco's configuration as it is now.
func (sv *survey) load(ctx context.Context) (*falcoconf.Config, systemd.Unit, error) {
	if sv.err != nil {
		return nil, systemd.Unit{}, sv.err
	}
	u, err := configUnit(ctx, sv)
	if err != nil {
		return nil, u, err
	}
	file := sv.inForce(u).CommandLine().MainFile()
	content, err := inforce.ReadOptional(sv.view.Tree(), file)
	if err == nil && content == nil {
		err = node.Errorf(node.CodeFailed, "Falco is not installed yet: run falco-bootstrap first", "%s does not exist", file)
	}
	if err != nil {
		return nil, u, err
	}
	loaded, err := falcoconf.LoadCandidate(sv.view.Tree(), file, content, falco.ConfigStart(sv.version, u, sv.view.Tree()))
	if err != nil {
		err = node.ConfigError(fmt.Errorf("reading %s: %w", file, err), node.HintConfig)
	}
	return loaded, u, err
}

// RulesInForce returns the rules that Falco loads from what is on disk now.
func RulesInForce(ctx context.Context, view node.View, s settings.Settings) (ruleset.InForce, error) {
	sv := newSurvey(ctx, view, s)
	loaded, u, err := sv.load(ctx)
	if err != nil {
		return ruleset.InForce{}, err
	}
	return sv.rules(sv.version).InForce(falco.StartOf(u, view.Tree()).CommandLine(sv.version), loaded)
}

// Effective returns what Falco makes of its configuration as it is now.
func Effective(ctx context.Context, view node.View, s settings.Settings) (EffectiveConfig, error) {
	sv := newSurvey(ctx, view, s)
	loaded, _, err := sv.load(ctx)
	if err != nil {
		return EffectiveConfig{}, err
	}
	out := EffectiveConfig{Falco: sv.version}
	for _, l := range loaded.Layers() {
		out.Layers = append(out.Layers, ConfigLayer{File: l.File, Strategy: l.Strategy})
	}
	for _, d := range s.Declared() {
		key := EffectiveKey{Path: d.Path, Declared: fmt.Sprint(d.Value), Value: "(not set)", Origin: "nothing"}
		if v, ok := loaded.Get(d.Path); ok {
			key.Value, key.Origin = fmt.Sprint(v.Value), v.Origin.String()
		}
		has, known := loaded.Has(d)
		key.AsDeclared, key.Unknown = has && known, !known
		key.Value, key.Declared = redact.Value(d.Path, key.Value), redact.Value(d.Path, key.Declared)
		out.Keys = append(out.Keys, key)
	}
	return out, nil
}

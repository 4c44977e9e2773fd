// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Package steps holds what a node is converged to, one step per file, in the
// order of [All]. Each step compares a survey of the node with the settings and
// returns changes. What the agent knows about how Falco, its packages and Oracle
// Linux fit together is here; facts about Falco itself are in internal/falco.
//
// The package changes nothing: it writes no file, runs no program, and opens
// no connection.
package steps

import (
	"context"
	"slices"
	"strings"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/inforce"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/ruleset"
	"github.com/falco-bootstrap/falco-bootstrap/internal/settings"
)

// The ids of steps that others wait for or can do without.
const (
	idKey        = "key"
	idRepository = "repository"
	idPackages   = "packages"
	idEPEL       = "epel"
	idDropIns    = "drop-ins"
	idRules      = "rules"
	idConfig     = "config"
	idUnit       = "unit"
	idProof      = "proof"
)

// header is the first line of every file that only the agent writes.
const header = ruleset.Header

// A step is one promise about the node. It is given only the survey, and nothing
// that writes.
type step struct {
	id string
	// live means that the step asks the running machine and is skipped for a
	// tree.
	live bool
	// filesOnly means that the step is planned even if the survey failed.
	filesOnly bool
	plan      func(context.Context, *survey) (converge.Outcome, error)
	// despite names the steps whose failure does not keep this one from
	// starting a Falco that is down; failed are those that did fail.
	despite, failed []string
	// undo, if set, makes up for changes of the step after a failure.
	undo func(ctx context.Context, sv *survey, tried []node.Change) []node.Change

	survey func(context.Context, node.View) *survey
}

// All returns the steps in the order in which they run. They share one survey of
// each View.
func All(s settings.Settings) []converge.Step {
	var last *survey
	surveyOf := func(ctx context.Context, view node.View) *survey {
		if last == nil || last.view != view {
			last = newSurvey(ctx, view, s)
		}
		return last
	}
	supply := []string{idKey, idRepository, idPackages, idEPEL}
	around := append(supply, idDropIns, idRules, idConfig)
	var all []converge.Step
	for _, s := range []step{
		{id: "preflight", plan: planPreflight},
		{id: idKey, live: true, plan: planKey},
		{id: idRepository, filesOnly: true, plan: planRepository},
		{id: idPackages, live: true, plan: planPackages},
		{id: idEPEL, filesOnly: true, plan: planEPEL},
		{id: "module", live: true, plan: planModule, despite: supply},
		{id: idDropIns, plan: planDropIns, despite: supply},
		{id: idRules, plan: planRules},
		{id: idConfig, plan: planConfig, despite: append(supply, idDropIns, idRules)},
		{id: idUnit, live: true, plan: planUnit, despite: around, undo: startAgain},
		{id: idProof, live: true, plan: planProof, despite: around},
	} {
		s.survey = surveyOf
		all = append(all, s)
	}
	return all
}

// Configuration returns the steps that plan Falco's rules and configuration, without
// those before them.
func Configuration(s settings.Settings) []converge.Step {
	return slices.DeleteFunc(All(s), func(s converge.Step) bool { return s.ID() != idRules && s.ID() != idConfig })
}

func (s step) ID() string { return s.id }

func (s step) Plan(ctx context.Context, view node.View) (converge.Outcome, error) {
	if s.live && view.Host().Tree {
		return converge.Outcome{}, node.ErrNotAsked
	}
	sv := s.survey(ctx, view)
	switch {
	case sv.err != nil && !s.filesOnly:
		return converge.Outcome{}, sv.err
	case s.failed != nil:
		return s.rescue(ctx, sv)
	}
	out, err := s.plan(ctx, sv)
	sv.planned[s.id] = len(out.Changes) > 0
	if err == nil {
		err = inforce.RequireRegular(view, out.Changes)
	}
	return out, err
}

// inTree turns an absolute path into a name of io/fs.
func inTree(path string) string { return strings.TrimPrefix(path, "/") }

// ownFile plans a file that is the agent's own, byte for byte. stale is the
// drift of one that differs.
func ownFile(view node.View, f node.WriteFile, stale node.Drift) ([]node.Change, error) {
	old, err := inforce.ReadOptional(view.Tree(), f.Path)
	if err != nil || (old != nil && string(old) == string(f.New)) {
		return nil, err
	}
	if f.Old = old; old != nil {
		f.Drift = stale
	}
	return []node.Change{f}, nil
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Package steps holds what a node is converged to, one step a file, in the
// order of [All]: each compares what it sees through a [node.View] with
// the settings and answers with changes. Here is all that the agent knows of
// how Falco, its packages and Oracle Linux hang together, except the
// compatibility table, which is internal/falco.
//
// The package changes nothing: it writes no file, runs no program, and opens
// no connection.
package steps

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/settings"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/osrelease"
)

// The ids of the steps, as they stand in reports.
const (
	idPreflight  = "preflight"
	idKey        = "key"
	idRepository = "repository"
	idPackages   = "packages"
	idEPEL       = "epel"
	idModule     = "module"
	idDropIns    = "drop-ins"
	idConfig     = "config"
	idUnit       = "unit"
	idProof      = "proof"
)

// All returns the steps in the order in which they are taken.
func All(s settings.Settings) []converge.Step {
	return []converge.Step{
		preflight{s}, key{s}, repository{s}, packages{s}, epel{s}, module{s}, dropIns{s}, config{s}, unit{s}, proof{s},
	}
}

// A survey is what every step needs to know of the node before it can say
// anything: the release, the kernel, what the compatibility table makes of
// them, and the Falco that is installed.
type survey struct {
	view    node.View
	release osrelease.Release
	kernel  osrelease.Kernel
	host    falco.Host
	verdict falco.Decision
	// falco is the installed package; nil if there is none.
	falco *node.Package
	rpm   node.Packages
}

// look surveys the node. It fails where the node cannot run what is declared.
func look(ctx context.Context, view node.View, s settings.Settings) (*survey, error) {
	release, err := detect(view.Tree())
	if err != nil {
		return nil, err
	}
	sv := &survey{view: view, release: release}
	if err := sv.identify(view.Host()); err != nil {
		return nil, err
	}
	if err := sv.inquire(ctx); err != nil {
		return nil, err
	}
	sv.verdict, err = falco.Decide(sv.host, falco.Request{Driver: s.Falco.Driver, Version: s.Falco.Version})
	return sv, refusal(err)
}

// identify takes the kernel apart.
func (sv *survey) identify(h node.Host) error {
	sv.host = falco.Host{OS: sv.release, Arch: h.Arch}
	if h.Kernel == "" {
		return nil // a tree, and no kernel declared for it
	}
	var err error
	if sv.kernel, err = osrelease.ParseKernel(h.Kernel); err != nil {
		return &node.Error{
			Code: node.CodePreflight, Err: fmt.Errorf("reading the kernel release: %w", err),
			Hint: "pass the one that this node will boot with --kernel-release",
		}
	}
	sv.host.Kernel = sv.kernel
	if !h.KernelGiven {
		sv.host.NoBTF = !h.BTF
	}
	return nil
}

// inquire asks rpm, where there is one to ask.
func (sv *survey) inquire(ctx context.Context) error {
	var err error
	sv.rpm, err = sv.view.Packages(ctx)
	if errors.Is(err, node.ErrNotAsked) {
		return nil
	}
	if err != nil {
		return err
	}
	if p, ok := sv.rpm.Newest("falco"); ok {
		sv.falco = &p
	}
	return nil
}

// version is the Falco version that the node has or is pinned to, or "" as
// long as only the repository knows it.
func (sv *survey) version(s settings.Settings) string {
	switch {
	case s.Falco.Version != "":
		return s.Falco.Version
	case sv.falco != nil && sv.verdict.Allows(sv.falco.Version):
		return sv.falco.Version
	default:
		return ""
	}
}

// settled reports whether the Falco that is installed is the one that is
// wanted, so that what depends on its version can be known.
func (sv *survey) settled(s settings.Settings) bool {
	return sv.falco != nil && sv.falco.Version == sv.version(s)
}

// detect reads the node's release files.
func detect(tree fs.FS) (osrelease.Release, error) {
	oracle, err := readOptional(tree, osrelease.OracleReleaseFile)
	if err != nil {
		return osrelease.Release{}, err
	}
	other, err := readOptional(tree, osrelease.OSReleaseFile)
	if err != nil {
		return osrelease.Release{}, err
	}
	release, err := osrelease.Detect(oracle, other)
	if err == nil && (release.Major < 7 || release.Major > 10) {
		err = fmt.Errorf("%s is not supported", release.Pretty)
	}
	if err != nil {
		return release, &node.Error{Code: node.CodePreflight, Err: err, Hint: "falco-bootstrap runs on Oracle Linux 7 to 10"}
	}
	return release, nil
}

// refusal gives a refusal of the compatibility table its exit status.
func refusal(err error) error {
	var refused *falco.RefusedError
	if !errors.As(err, &refused) {
		return err
	}
	return &node.Error{Code: node.CodePreflight, Err: err, Hint: refused.Hint}
}

// inTree turns an absolute path into a name of io/fs.
func inTree(path string) string { return strings.TrimPrefix(path, "/") }

// readOptional reads a file of the node; nil if there is none.
func readOptional(tree fs.FS, path string) ([]byte, error) {
	b, err := fs.ReadFile(tree, inTree(path))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("reading the node: %w", err)
	case b == nil:
		return []byte{}, nil
	default:
		return b, nil
	}
}

// whole plans a file that is the agent's own, byte for byte: nothing if it is
// so already.
func whole(view node.View, f node.WriteFile, stale node.Drift) ([]node.Change, error) {
	old, err := readOptional(view.Tree(), f.Path)
	if err != nil || (old != nil && string(old) == string(f.New)) {
		return nil, err
	}
	if f.Old = old; old != nil {
		f.Drift = stale
	}
	return []node.Change{f}, nil
}

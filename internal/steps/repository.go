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
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/repos"
	"github.com/falco-bootstrap/falco-bootstrap/internal/settings"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/yumrepo"
)

// repoName is the file that Falco's documentation tells people to create.
const repoName = "falcosecurity.repo"

// planRepository keeps the section of Falco's repository as declared.
func planRepository(_ context.Context, sv *survey) (converge.Outcome, error) {
	conf, files, err := repos.Files(sv.view.Tree())
	if err != nil {
		return converge.Outcome{}, err
	}
	dir, err := conf.Home()
	if err != nil {
		return converge.Outcome{}, node.Errorf(node.CodePackages, "take that line out, or name /etc/yum.repos.d in it", "finding the place of the repository file: %w", err)
	}
	r := sv.Repository
	home, elsewhere := repos.Home(files, path.Join(dir, repoName), r.ID)
	out := converge.Outcome{Reason: home + " is as declared"}
	if out.Changes, err = setSection(r, sv.Falco.RPM != "", home, files[home]); err != nil {
		return out, err
	}
	for _, other := range elsewhere {
		c, err := removeSection(r.ID, other, home, files[other])
		if err != nil {
			return out, err
		}
		out.Changes = append(out.Changes, c)
	}
	switch {
	case len(out.Changes) == 0:
	case files[home] == nil:
		out.Reason = "there is no section " + r.ID
	case len(elsewhere) > 0:
		out.Reason = fmt.Sprintf("section %s is in %s too, and dnf uses one of them", r.ID, strings.Join(elsewhere, ", "))
	default:
		out.Reason = "section " + r.ID + " is not as declared"
	}
	return out, nil
}

// setSection plans the file that has the section: created if absent, else
// edited value by value.
func setSection(r settings.Repository, local bool, name string, old []byte) ([]node.Change, error) {
	edited, err := editSection(r, local, old)
	if err != nil {
		return nil, node.Errorf(node.CodePackages, "correct the file by hand, or move it away and run again to create it", "editing %s: %w", name, err)
	}
	if old != nil && bytes.Equal(old, edited) {
		return nil, nil
	}
	drift := node.DriftRepository
	if old == nil {
		drift = node.DriftAbsent
	}
	return []node.Change{node.WriteFile{Path: name, Old: old, New: edited, Mode: 0o644, Cause: node.Because(drift, "section "+r.ID)}}, nil
}

// editSection sets the section key by key, and removes keys that dnf prefers to
// baseurl. Where local packages are installed it is off: dnf fails at every command
// if it cannot reach a repository that is on. sslverify is written out because dnf.conf may have turned it off for
// all repositories; the key is the verified copy.
func editSection(r settings.Repository, local bool, old []byte) ([]byte, error) {
	repoGPGCheck, enabled := "0", "1"
	if r.RepoGPGCheck {
		repoGPGCheck = "1"
	}
	if local {
		enabled = "0"
	}
	keys := []yumrepo.KeyValue{
		{Key: "baseurl", Value: r.URL()},
		{Key: "enabled", Value: enabled},
		{Key: "gpgcheck", Value: "1"},
		{Key: "repo_gpgcheck", Value: repoGPGCheck},
		{Key: "gpgkey", Value: "file://" + KeyFile},
		{Key: "sslverify", Value: "1"},
	}
	edited, err := yumrepo.Set(old, r.ID, keys...)
	switch {
	case errors.Is(err, yumrepo.ErrNoSection):
		name := yumrepo.KeyValue{Key: "name", Value: "Falco packages"}
		return yumrepo.Add(old, header, r.ID, append([]yumrepo.KeyValue{name}, keys...)...)
	case err != nil:
		return nil, err
	}
	return yumrepo.Unset(edited, r.ID, "mirrorlist", "metalink")
}

// removeSection removes the section from another file: dnf reads the files in
// order of their names and uses the first section, so the wrong one may win.
func removeSection(id, name, home string, old []byte) (node.Change, error) {
	edited, err := yumrepo.Remove(old, id)
	if err != nil {
		return nil, node.Errorf(node.CodePackages, "remove the section "+id+" from it by hand", "editing %s: %w", name, err)
	}
	return node.WriteFile{
		Path: name, Old: old, New: edited, Mode: 0o644, Cause: node.Because(node.DriftRepositoryTwice, "section "+id+" is in "+home+" too"),
	}, nil
}

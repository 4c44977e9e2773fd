// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package steps

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/settings"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/yumrepo"
)

// Where .repo files are, and the one that Falco's documentation has people
// make.
const (
	repoDir  = "/etc/yum.repos.d"
	repoFile = repoDir + "/falcosecurity.repo"
)

// header heads every file that is the agent's alone.
const header = "Managed by falco-bootstrap: a change here is undone by its next run."

// repository keeps the section of Falco's repository as declared.
type repository struct{ settings.Settings }

// ID implements [converge.Step].
func (repository) ID() string { return idRepository }

// Plan implements [converge.Step].
func (r repository) Plan(_ context.Context, view node.View) (converge.Outcome, error) {
	files, err := repoFiles(view.Tree())
	if err != nil {
		return converge.Outcome{}, err
	}
	home, elsewhere := r.home(files)
	out := converge.Outcome{Reason: home + " is as declared"}
	if out.Changes, err = r.bring(home, files[home]); err != nil {
		return out, err
	}
	for _, other := range elsewhere {
		c, err := r.withdraw(other, files[other])
		if err != nil {
			return out, err
		}
		out.Changes = append(out.Changes, c)
	}
	if len(out.Changes) > 0 {
		out.Reason = r.describe(files[home] == nil, elsewhere)
	}
	return out, nil
}

func (r repository) describe(absent bool, elsewhere []string) string {
	switch {
	case absent:
		return "there is no section " + r.Repository.ID
	case len(elsewhere) > 0:
		return fmt.Sprintf("section %s stands in %s too, and dnf uses one of them", r.Repository.ID, strings.Join(elsewhere, ", "))
	default:
		return "section " + r.Repository.ID + " is not as declared"
	}
}

// home is the file that holds the section: the usual one, or the only other
// one that has it. Every other file with that section is listed.
func (r repository) home(files map[string][]byte) (home string, elsewhere []string) {
	for _, name := range yumrepo.FilesWith(files, r.Repository.ID) {
		if name != repoFile {
			elsewhere = append(elsewhere, name)
		}
	}
	if files[repoFile] == nil && len(elsewhere) == 1 {
		return elsewhere[0], nil
	}
	return repoFile, elsewhere
}

// declared is the section, key by key. sslverify is written out because
// dnf.conf may have turned it off for all; the key is the verified copy.
func (r repository) declared() []yumrepo.KeyValue {
	return []yumrepo.KeyValue{
		{Key: "baseurl", Value: repoURL(r.Repository.BaseURL)},
		{Key: "enabled", Value: "1"},
		{Key: "gpgcheck", Value: "1"},
		{Key: "repo_gpgcheck", Value: oneOrZero(r.Repository.RepoGPGCheck)},
		{Key: "gpgkey", Value: "file://" + KeyFile},
		{Key: "sslverify", Value: "1"},
	}
}

// repoURL gives a plain path the scheme that dnf wants.
func repoURL(s string) string {
	if strings.HasPrefix(s, "/") {
		return "file://" + s
	}
	return s
}

func oneOrZero(on bool) string {
	if on {
		return "1"
	}
	return "0"
}

// bring plans the file that has the section: written whole if absent, else
// edited value by value. Keys that would point past baseurl are taken out.
func (r repository) bring(name string, old []byte) ([]node.Change, error) {
	edited, err := r.edit(old)
	if err != nil {
		return nil, &node.Error{
			Code: node.CodePackages, Err: fmt.Errorf("editing %s: %w", name, err),
			Hint: "mend the file by hand, or move it away and run again: it is then written anew",
		}
	}
	if old != nil && bytes.Equal(old, edited) {
		return nil, nil
	}
	drift := node.DriftRepository
	if old == nil {
		drift = node.DriftAbsent
	}
	return []node.Change{node.WriteFile{Path: name, Old: old, New: edited, Mode: 0o644, Cause: node.Because(drift, "section "+r.Repository.ID)}}, nil
}

func (r repository) edit(old []byte) ([]byte, error) {
	id := r.Repository.ID
	edited, err := yumrepo.Set(old, id, r.declared()...)
	switch {
	case errors.Is(err, yumrepo.ErrNoSection):
		name := yumrepo.KeyValue{Key: "name", Value: "Falco packages"}
		return yumrepo.Add(old, header, id, append([]yumrepo.KeyValue{name}, r.declared()...)...)
	case err != nil:
		return nil, err
	}
	return yumrepo.Unset(edited, id, "mirrorlist", "metalink")
}

// withdraw takes the section out of another file: dnf reads the files in
// order of their names and uses the first, so which one wins would be chance.
func (r repository) withdraw(name string, old []byte) (node.Change, error) {
	edited, err := yumrepo.Remove(old, r.Repository.ID)
	if err != nil {
		return nil, &node.Error{
			Code: node.CodePackages, Err: fmt.Errorf("editing %s: %w", name, err),
			Hint: fmt.Sprintf("take the section %s out of it by hand", r.Repository.ID),
		}
	}
	return node.WriteFile{
		Path: name, Old: old, New: edited, Mode: 0o644, Cause: node.Because(node.DriftRepositoryTwice, "section "+r.Repository.ID+" stands in "+repoFile+" too"),
	}, nil
}

// repoFiles reads every .repo file of the node, by path.
func repoFiles(tree fs.FS) (map[string][]byte, error) {
	entries, err := fs.ReadDir(tree, inTree(repoDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading the node: %w", err)
	}
	files := map[string][]byte{}
	for _, e := range entries {
		if path.Ext(e.Name()) != ".repo" || e.IsDir() {
			continue
		}
		name := repoDir + "/" + e.Name()
		if files[name], err = readOptional(tree, name); err != nil {
			return nil, err
		}
	}
	return files, nil
}

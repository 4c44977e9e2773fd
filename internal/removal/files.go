// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package removal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
	"github.com/falco-bootstrap/falco-bootstrap/internal/inforce"
	"github.com/falco-bootstrap/falco-bootstrap/internal/ledger"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/repos"
	"github.com/falco-bootstrap/falco-bootstrap/internal/trust"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/yumrepo"
)

// units is where drop-ins are.
const units = "/etc/systemd/system"

// planFiles removes the agent's own files and puts back what others hold since before.
func (r *removal) planFiles(_ context.Context, view node.View) (converge.Outcome, error) {
	out := converge.Outcome{Reason: "no file of falco-bootstrap's is left"}
	for _, plan := range []func(node.View, *converge.Outcome) error{r.planRepositories, r.planOwn, r.planEdited} {
		if err := plan(view, &out); err != nil {
			return out, err
		}
	}
	if len(out.Changes) > 0 {
		out.Reason = "files that falco-bootstrap has written"
	}
	return out, nil
}

// planRepositories removes the file with Falco's section, or the section from a file
// that holds others by now.
func (r *removal) planRepositories(view node.View, out *converge.Outcome) error {
	_, all, err := repos.Files(view.Tree())
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		old := all[name]
		edit, edited := r.ledger.Edited[name]
		if !ledger.IsOurs(old) && (!edited || edit.Wrote(old) || bytes.Equal(old, edit.Before)) {
			continue // not the agent's, or planEdited puts it back
		}
		left, err := yumrepo.Remove(old, r.Repository.ID)
		switch {
		case err != nil:
			return node.Errorf(node.CodePackages, "remove the section "+r.Repository.ID+" from it by hand", "editing %s: %w", name, err)
		case ledger.IsOurs(old) && isBare(left):
			out.Changes = append(out.Changes, node.RemoveFile{Path: name, Old: old, Cause: because("Falco's repository")})
		case !bytes.Equal(left, old):
			out.Changes = append(out.Changes, node.WriteFile{Path: name, Old: old, New: left, Cause: because("Falco's repository")})
		}
	}
	return nil
}

// isBare reports whether a repository file has nothing but comments.
func isBare(content []byte) bool {
	for line := range bytes.Lines(content) {
		if line = bytes.TrimSpace(line); len(line) > 0 && line[0] != '#' && line[0] != ';' {
			return false
		}
	}
	return true
}

// planOwn removes files that say of themselves that they are the agent's: drop-ins,
// logrotate's, and with Falco its rules.
func (r *removal) planOwn(view node.View, out *converge.Outcome) error {
	tree, is := view.Tree(), because("it is falco-bootstrap's")
	theirs := func(name string) bool {
		content, err := inforce.ReadOptional(tree, name)
		return err != nil || !ledger.IsOurs(content)
	}
	for _, name := range falco.Units() {
		dir := units + "/" + name + ".d"
		before := len(out.Changes)
		_, err := clearDir(tree, dir, func(name string) bool {
			stays := name != dir && !theirs(name) && !r.falcoGoes() && needed(tree, name)
			if stays {
				out.Warnings = append(out.Warnings, node.Warning{
					Message: name + " stays: without it Falco does not start on this release",
					Hint:    "remove it once Falco is gone, or remove both with --purge",
				})
			}
			return name != dir && (stays || theirs(name))
		}, is, out)
		if err != nil {
			return err
		}
		if len(out.Changes) > before {
			out.Changes = append(out.Changes, node.ChangeUnit{Unit: name, Action: node.ReloadManager, Cause: is})
		}
	}
	dirs := []string{"/etc/logrotate.d"}
	if r.falcoGoes() {
		dirs = append(dirs, falco.RulesDir)
	}
	for _, dir := range dirs {
		own, err := ownIn(tree, dir)
		if err != nil {
			return err
		}
		for _, name := range slices.Sorted(maps.Keys(own)) {
			out.Changes = append(out.Changes, node.RemoveFile{Path: name, Old: own[name], Cause: is})
			if dir == "/etc/logrotate.d" && !r.falcoGoes() {
				out.Warnings = append(out.Warnings, node.Warning{Message: "nothing rotates " + r.LogFile() + " any more", Hint: "give logrotate a rule for it"})
			}
		}
	}
	return nil
}

// clearDir removes the files of a directory and of those below it, apart from those that
// are to be kept, and the directories that it leaves empty.
func clearDir(tree fs.FS, dir string, keep func(string) bool, cause node.Cause, out *converge.Outcome) (empty bool, err error) {
	entries, err := fs.ReadDir(tree, dir[1:])
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	} else if err != nil {
		return false, fmt.Errorf("reading the node: %w", err)
	}
	empty = true
	for _, e := range entries {
		name := dir + "/" + e.Name()
		switch {
		case e.IsDir():
			below, err := clearDir(tree, name, keep, cause, out)
			if err != nil {
				return false, err
			}
			empty = empty && below
		case keep(name):
			empty = false
		case !e.Type().IsRegular():
			empty = false
			out.Warnings = append(out.Warnings, node.Warning{Message: name + " stays: it is not a regular file", Hint: "remove it by hand (rm " + name + ") if nothing else needs it"})
		default:
			out.Changes = append(out.Changes, node.RemoveFile{Path: name, Cause: cause})
		}
	}
	if empty = empty && !keep(dir); empty {
		out.Changes = append(out.Changes, node.RemoveDir{Path: dir, Cause: cause})
	}
	return empty, nil
}

// needed reports whether a drop-in has what Falco cannot start without.
func needed(tree fs.FS, name string) bool {
	content, _ := inforce.ReadOptional(tree, name)
	return bytes.Contains(content, []byte(falco.PreloadLibrary))
}

// ownIn returns the agent's own files in a directory, by path.
func ownIn(tree fs.FS, dir string) (map[string][]byte, error) {
	entries, err := fs.ReadDir(tree, dir[1:])
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading the node: %w", err)
	}
	own := map[string][]byte{}
	for _, e := range entries {
		if !e.Type().IsRegular() {
			continue
		}
		content, err := inforce.ReadOptional(tree, dir+"/"+e.Name())
		if err != nil {
			return nil, err
		}
		if ledger.IsOurs(content) {
			own[dir+"/"+e.Name()] = content
		}
	}
	return own, nil
}

// planEdited puts back what files held before the agent, unless somebody has edited
// them since.
func (r *removal) planEdited(view node.View, out *converge.Outcome) error {
	for _, name := range slices.Sorted(maps.Keys(r.ledger.Edited)) {
		edit := r.ledger.Edited[name]
		if ledger.IsFalcos(name) && !r.purge {
			continue
		}
		now, err := inforce.ReadOptional(view.Tree(), name)
		switch {
		case err != nil:
			return err
		case now == nil || ledger.IsOurs(now) || edit.Before != nil && bytes.Equal(now, edit.Before):
		case !edit.Wrote(now):
			if !mentions(out.Changes, name) {
				out.Warnings = append(out.Warnings, node.Warning{
					Message: name + " stays as it is: it was edited after falco-bootstrap had written it",
					Hint:    "see what is in it, and take out by hand what is not wanted",
				})
			}
		case edit.Before == nil:
			out.Changes = append(out.Changes, node.RemoveFile{Path: name, Old: now, Cause: because("falco-bootstrap has written it")})
		default:
			out.Changes = append(out.Changes, node.WriteFile{Path: name, Old: now, New: edit.Before, Cause: because("as it was before falco-bootstrap")})
		}
	}
	return nil
}

func mentions(changes []node.Change, name string) bool {
	return slices.ContainsFunc(changes, func(c node.Change) bool {
		w, ok := c.(node.WriteFile)
		return ok && w.Path == name
	})
}

// planFalco removes what Falco's package leaves behind: its configuration, as rpm keeps
// edited files, and its log with the rotated ones. What was there before it stays.
func (r *removal) planFalco(ctx context.Context, view node.View) (converge.Outcome, error) {
	if !r.falcoGoes() {
		return r.staying(), nil
	}
	have, err := view.Packages(ctx)
	if err != nil {
		return converge.Outcome{}, err
	}
	if _, is := have.Newest("falco"); is {
		return converge.Outcome{Waiting: "packages", Reason: "what the package leaves behind is known then"}, nil
	}
	out := converge.Outcome{Reason: "nothing of Falco is left"}
	tree := view.Tree()
	found := func(name string) bool { return slices.Contains(r.ledger.Found, name) }
	for _, root := range falco.Roots(tree) {
		if _, err := clearDir(tree, root, found, because("left by Falco"), &out); err != nil {
			return out, err
		}
	}
	if log := r.LogFile(); log != "" {
		logs, _ := fs.Glob(tree, log[1:]+"*")
		for _, name := range logs {
			if info, err := view.Stat("/" + name); err == nil && info.Mode.IsRegular() && isRotated(name, log[1:]) {
				out.Changes = append(out.Changes, node.RemoveFile{Path: "/" + name, Cause: because("Falco's log")})
			}
		}
	}
	if len(out.Changes) > 0 {
		out.Reason = "what is left of Falco"
	}
	return out, nil
}

// isRotated reports whether a name is that of a log or of a rotated part of it.
func isRotated(name, log string) bool {
	rest := strings.TrimPrefix(name, log)
	return rest == "" || rest[0] == '.' || rest[0] == '-'
}

// planKeys removes the keys that the agent has imported into rpm's database.
func (r *removal) planKeys(ctx context.Context, view node.View) (converge.Outcome, error) {
	have, err := view.Packages(ctx)
	if err != nil {
		return converge.Outcome{}, err
	}
	out := converge.Outcome{Reason: "no key of falco-bootstrap's is in rpm's database"}
	for _, k := range have.Keys {
		parsed, _ := trust.ParseKeys(k.Armored) // what cannot be parsed is somebody else's
		for _, p := range parsed {
			switch {
			case slices.Contains(r.ledger.Keys, p.Fingerprint):
				out.Changes = append(out.Changes, node.RemoveKey{Package: k.Package, Fingerprint: p.Fingerprint, Cause: because("falco-bootstrap has imported it")})
				out.Reason = "keys that falco-bootstrap has imported"
			case !r.known && slices.Contains(r.Repository.Fingerprints, p.Fingerprint):
				out.Warnings = append(out.Warnings, node.Warning{
					Message: "Falco's key " + k.Package + " stays in rpm's database: nothing says who imported it",
					Hint:    "`rpm -e " + k.Package + "` removes it",
				})
			}
		}
	}
	return out, nil
}

// planState removes what the agent remembers. While Falco stays, what is Falco's is
// remembered, for a later --purge.
func (r *removal) planState(_ context.Context, view node.View) (converge.Outcome, error) {
	out := converge.Outcome{Reason: "nothing is remembered"}
	tree, cause := view.Tree(), because("what falco-bootstrap remembers")
	left, remember := r.ledger.OfFalco()
	remember = remember && r.known && !r.purge
	// The ledger goes last: a removal that is killed is ended by the next one.
	if _, err := clearDir(tree, stateDir, func(name string) bool { return name == ledger.File }, cause, &out); err != nil {
		return out, err
	}
	old, err := inforce.ReadOptional(tree, ledger.File)
	if err != nil {
		return out, err
	}
	content, err := left.Format()
	switch {
	case err != nil:
		return out, err
	case old == nil:
	case !remember:
		out.Changes = append(out.Changes, node.RemoveFile{Path: ledger.File, Cause: cause}, node.RemoveDir{Path: stateDir, Cause: cause})
	case !bytes.Equal(old, content):
		out.Changes = append(out.Changes, node.WriteFile{Path: ledger.File, Old: old, New: content, Mode: 0o600, Cause: because("what is Falco's is remembered for --purge")})
	}
	if len(out.Changes) > 0 {
		out.Reason = "what falco-bootstrap remembers"
	}
	return out, nil
}

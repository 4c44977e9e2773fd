// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package steps

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
	"github.com/falco-bootstrap/falco-bootstrap/internal/inforce"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/systemd"
)

// dropInName is a file that is the agent's alone.
const dropInName = "50-falco-bootstrap.conf"

// planDropIns keeps the small files around Falco: the unit's drop-in, the alert
// log with its mode and group, and its rotation.
func planDropIns(ctx context.Context, sv *survey) (converge.Outcome, error) {
	out := converge.Outcome{Reason: "as declared"}
	for _, plan := range []func(context.Context, *survey, *converge.Outcome) error{planUnitDropIns, planAlertLog, planRotation} {
		if err := plan(ctx, sv, &out); err != nil {
			return out, err
		}
	}
	if len(out.Changes) > 0 {
		out.Reason = fmt.Sprintf("files around Falco that are not as declared: %d", len(out.Changes))
	}
	return out, nil
}

// planUnitDropIns plans the drop-in of the wanted unit, and removes the agent's
// own from every other one.
func planUnitDropIns(ctx context.Context, sv *survey, out *converge.Outcome) error {
	if sv.version == "" {
		if !sv.view.Host().Tree { // for a tree, it is known to the first run on the booted node
			out.Waiting = idPackages
		}
		return nil
	}
	unit, err := configUnit(ctx, sv)
	if err != nil {
		return err
	}
	u := sv.inForce(unit)
	below, above := u.Others(dropInName)
	content := ""
	if lines := sv.needs().DropIn(below); lines != nil {
		content = "# " + header + "\n[Service]\n" + strings.Join(lines, "\n") + "\n"
	}
	ours := systemd.UnitFile{Path: "/etc/systemd/system/" + sv.unit + ".d/" + dropInName, Content: []byte(content)}
	if err := u.CheckNeeds(sv.needs(), slices.Concat(below, []systemd.UnitFile{ours}, above)); err != nil {
		return err
	}
	for _, name := range falco.Units() {
		path := "/etc/systemd/system/" + name + ".d/" + dropInName
		if name == sv.unit && content != "" {
			c, err := ownFile(sv.view, node.WriteFile{Path: path, New: []byte(content), Mode: 0o644, Cause: node.Because(node.DriftPreloadMissing, "")}, node.DriftPreloadStale)
			if err != nil {
				return err
			}
			out.Changes = append(out.Changes, c...)
			continue
		}
		old, err := inforce.ReadOptional(sv.view.Tree(), path)
		if err != nil {
			return err
		}
		if old != nil {
			out.Changes = append(out.Changes, node.RemoveFile{Path: path, Old: old, Cause: node.Because(node.DriftPreloadStale, "no longer needed")})
		}
	}
	if out.Changes == nil {
		return u.CheckUMask(sv.needs().UMask)
	}
	return nil
}

// needs is what the wanted unit must be given.
func (sv *survey) needs() falco.UnitNeeds {
	n := falco.UnitNeeds{Version: sv.version, UMask: 0o777 &^ sv.LogMode() &^ 0o111, Group: sv.Log.Group}
	if falco.NeedsPreload(sv.host, sv.version) {
		n.PreloadFor = sv.host.GlibcVersion()
	}
	return n
}

// planAlertLog plans to create the log before Falco first writes to it, so that
// it has its mode from the first alert on, and to correct the mode and group of
// an existing log. The target of a symbolic link is left as it is: somebody else
// arranged that.
func planAlertLog(_ context.Context, sv *survey, out *converge.Outcome) error {
	name, mode := sv.LogFile(), sv.LogMode()
	if name == "" {
		return nil
	}
	gid, err := inforce.GroupID(sv.view.Tree(), sv.Log.Group)
	if err != nil {
		return err
	}
	info, err := fs.Stat(sv.view.Tree(), inTree(name))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		target, err := inforce.Follow(sv.view, name)
		if err == nil {
			err = inforce.LeadsNowhere(sv.view, "the alert log", name, target)
		}
		if err != nil {
			return err
		}
		out.Changes = append(out.Changes, node.WriteFile{Path: target, New: []byte{}, Mode: mode, Cause: node.Because(node.DriftAbsent, "the alert log")})
		return nil
	case err != nil:
		return fmt.Errorf("checking the alert log: %w", err)
	case !info.Mode().IsRegular():
		return node.Errorf(node.CodeConfig, "Falco stalls on a pipe that nobody reads and cannot write to a directory; move it away, or declare another file_output.filename",
			"the alert log %s is a %s", name, node.Kind(info.Mode()))
	}
	file, err := sv.view.Stat(name)
	if err != nil || file.Mode&fs.ModeSymlink != 0 {
		return err
	}
	cause := node.Because(node.DriftLogMode, "the alert log")
	if old := info.Mode().Perm(); old != mode {
		out.Changes = append(out.Changes, node.Chmod{Path: name, Old: old, New: mode, Cause: cause})
	}
	if file.GID != gid {
		out.Changes = append(out.Changes, node.Chgrp{Path: name, Old: fmt.Sprint(file.GID), New: sv.Log.Group, GID: gid, Cause: cause})
	}
	return nil
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package steps

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/settings"
)

// Files that are the agent's alone.
const (
	dropInName    = "50-falco-bootstrap.conf"
	logrotateDir  = "/etc/logrotate.d"
	logrotateFile = logrotateDir + "/falco-bootstrap"
)

// preloadLibrary resolves the symbol that the container plugin of Falco 0.42
// to 0.44 lacks where the C library is older than 2.34
// (falcosecurity/plugins#1500).
const preloadLibrary = "/lib64/libresolv.so.2"

// dropIns keeps the small files around Falco: the unit's drop-in, the alert
// log with its mode, and its rotation.
type dropIns struct{ settings.Settings }

// ID implements [converge.Step].
func (dropIns) ID() string { return idDropIns }

// Plan implements [converge.Step].
func (d dropIns) Plan(ctx context.Context, view node.View) (converge.Outcome, error) {
	sv, err := look(ctx, view, d.Settings)
	if err != nil {
		return converge.Outcome{}, err
	}
	out := converge.Outcome{Reason: "as declared"}
	for _, plan := range []func(*survey, *converge.Outcome) error{d.unitDropIns, d.alertLog, d.rotation} {
		if err := plan(sv, &out); err != nil {
			return out, err
		}
	}
	if len(out.Changes) > 0 {
		out.Reason = fmt.Sprintf("files around Falco that are not as declared: %d", len(out.Changes))
	}
	return out, nil
}

// unitDropIns plans the drop-in of the wanted unit, and takes the agent's own
// from every other one.
func (d dropIns) unitDropIns(sv *survey, out *converge.Outcome) error {
	version := sv.version(d.Settings)
	switch {
	case version == "" && sv.view.Host().Tree: // the first run on the booted node knows
		return nil
	case version == "":
		out.Waiting = idPackages
		return nil
	}
	wanted := falco.UnitFor(sv.verdict.Driver, version)
	content := d.dropIn(sv, version)
	for _, name := range falco.Units() {
		path := "/etc/systemd/system/" + name + ".d/" + dropInName
		if name == wanted && content != "" {
			c, err := whole(sv.view, node.WriteFile{Path: path, New: []byte(content), Mode: 0o644, Cause: node.Because(node.DriftPreloadMissing, "")}, node.DriftPreloadStale)
			if err != nil {
				return err
			}
			out.Changes = append(out.Changes, c...)
			continue
		}
		old, err := readOptional(sv.view.Tree(), path)
		if err != nil {
			return err
		}
		if old != nil {
			out.Changes = append(out.Changes, node.RemoveFile{Path: path, Old: old, Cause: node.Because(node.DriftPreloadStale, "no longer needed")})
		}
	}
	return nil
}

// dropIn is the content of the unit's drop-in, or "" if it needs none.
func (d dropIns) dropIn(sv *survey, version string) string {
	var lines []string
	if falco.NeedsPreload(sv.host, version) {
		lines = append(lines,
			"# Falco "+version+" needs it with glibc "+sv.host.GlibcVersion()+": falcosecurity/plugins#1500.",
			"Environment=LD_PRELOAD="+preloadLibrary)
	}
	if mode := d.LogMode(); mode != 0o600 {
		lines = append(lines,
			"# The unit's own 0077 would make every new alert log 0600.",
			fmt.Sprintf("UMask=%04o", 0o777&^mode&^0o111))
	}
	if d.Log.Group != "root" && d.Log.Group != "0" {
		lines = append(lines,
			"# A new alert log has the group that Falco runs in; it stays root's.",
			"Group="+d.Log.Group)
	}
	if lines == nil {
		return ""
	}
	return "# " + header + "\n[Service]\n" + strings.Join(lines, "\n") + "\n"
}

// alertLog plans the log file, there before Falco first writes to it, so that
// it has its mode from the first alert on.
func (d dropIns) alertLog(sv *survey, out *converge.Outcome) error {
	name := d.LogFile()
	if name == "" {
		return nil
	}
	gid, err := groupID(sv.view.Tree(), d.Log.Group)
	if err != nil {
		return err
	}
	info, err := fs.Stat(sv.view.Tree(), inTree(name))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		out.Changes = append(out.Changes, node.WriteFile{Path: name, New: []byte{}, Mode: d.LogMode(), Cause: node.Because(node.DriftAbsent, "the alert log")})
	case err != nil:
		return fmt.Errorf("looking at the alert log: %w", err)
	case !info.Mode().IsRegular():
		return &node.Error{
			Code: node.CodeConfig, Err: fmt.Errorf("the alert log %s is a %s", name, fileKind(info.Mode())),
			Hint: "Falco stalls on a pipe that nobody reads and cannot write to a folder; move it away, or declare another file_output.filename",
		}
	default:
		return d.access(sv, name, info.Mode().Perm(), gid, out)
	}
	return nil
}

// access plans mode and group of a log that is there. A link is somebody's own
// arrangement, and what it leads to is left as it is.
func (d dropIns) access(sv *survey, name string, mode fs.FileMode, gid int, out *converge.Outcome) error {
	file, err := sv.view.Stat(name)
	if err != nil || file.Mode&fs.ModeSymlink != 0 {
		return err
	}
	if mode != d.LogMode() {
		out.Changes = append(out.Changes, node.Chmod{Path: name, Old: mode, New: d.LogMode(), Cause: node.Because(node.DriftLogMode, "the alert log")})
	}
	if file.GID != gid {
		out.Changes = append(out.Changes, node.Chgrp{Path: name, Old: fmt.Sprint(file.GID), New: d.Log.Group, GID: gid, Cause: node.Because(node.DriftLogMode, "the alert log")})
	}
	return nil
}

// groupID finds a group of the node.
func groupID(tree fs.FS, name string) (int, error) {
	if gid, err := strconv.Atoi(name); err == nil {
		return gid, nil
	}
	if name == "root" {
		return 0, nil
	}
	text, err := readOptional(tree, "/etc/group")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.Split(strings.TrimSpace(line), ":")
		if len(fields) >= 3 && fields[0] == name {
			return strconv.Atoi(fields[2])
		}
	}
	return 0, &node.Error{
		Code: node.CodeConfig, Err: fmt.Errorf("there is no group %s for the alert log", name),
		Hint: "make it with `groupadd --system " + name + "`, or declare another log.group",
	}
}

func fileKind(m fs.FileMode) string {
	switch {
	case m.IsDir():
		return "folder"
	case m&fs.ModeNamedPipe != 0:
		return "named pipe"
	default:
		return "special file"
	}
}

// rotation plans logrotate's file. No file is created by logrotate: an alert
// that comes between its rename and its create would make it move that alert
// to a backup. Falco makes the file itself, with the unit's UMask, at once
// after the signal or at its next alert.
func (d dropIns) rotation(sv *survey, out *converge.Outcome) error {
	name := d.LogFile()
	if name == "" || d.Log.Rotate.Keep == 0 {
		return nil
	}
	other, err := d.rotatedBy(sv.view.Tree(), name)
	if err != nil {
		return err
	}
	if other != "" {
		out.Warnings = append(out.Warnings, node.Warning{
			Message: fmt.Sprintf("%s rotates %s already, so it is left to it", other, name),
			Hint:    "take it out there to have falco-bootstrap rotate it",
		})
		return nil
	}
	c, err := whole(sv.view, node.WriteFile{Path: logrotateFile, New: []byte(d.logrotate(name)), Mode: 0o644, Cause: node.Because(node.DriftLogrotate, "Falco never rotates its log")}, node.DriftLogrotate)
	out.Changes = append(out.Changes, c...)
	return err
}

// logrotate is the content of logrotate's file. With keep_alive on Falco
// writes on into the renamed file until it is sent SIGUSR1; with it off the
// signal does no harm.
func (d dropIns) logrotate(name string) string {
	return "# " + header + `
` + name + ` {
    size ` + d.Log.Rotate.Size + `
    rotate ` + fmt.Sprint(d.Log.Rotate.Keep) + `
    missingok
    notifempty
    nocreate
    compress
    delaycompress
    sharedscripts
    postrotate
        for unit in falco-modern-bpf.service falco-kmod.service falco-custom.service falco.service; do
            /usr/bin/systemctl --quiet is-active "$unit" || continue
            /usr/bin/systemctl kill --kill-who=main --signal=USR1 "$unit"
            break
        done
    endscript
}
`
}

// rotatedBy names another file of logrotate's that has the log, since
// logrotate refuses a log that is named twice.
func (dropIns) rotatedBy(tree fs.FS, log string) (string, error) {
	entries, err := fs.ReadDir(tree, inTree(logrotateDir))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	for _, e := range entries {
		name := logrotateDir + "/" + e.Name()
		if name == logrotateFile || e.IsDir() {
			continue
		}
		text, err := readOptional(tree, name)
		if err != nil {
			return "", err
		}
		if namesFile(string(text), log) {
			return name, nil
		}
	}
	return "", err
}

// namesFile reports whether a file of logrotate's names log outside comments.
func namesFile(text, log string) bool {
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		for _, word := range strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" \t\r\n{}\"'", r) }) {
			if word == log {
				return true
			}
		}
	}
	return false
}

// preload is the LD_PRELOAD with which the installed Falco starts.
func preload(sv *survey, version string) string {
	if falco.NeedsPreload(sv.host, version) {
		return preloadLibrary
	}
	return ""
}

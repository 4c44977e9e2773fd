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
	"github.com/falco-bootstrap/falco-bootstrap/internal/inforce"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/redact"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/falcoconf"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/logrotate"
)

// logrotateFile is the agent's alone.
const logrotateFile = inforce.RotationFile

// rotation is what is declared for the alert log.
func (sv *survey) rotation() inforce.Rotation {
	rotate := sv.Log.Rotate
	return inforce.Rotation{View: sv.view, Release: sv.release.Major, Log: sv.LogFile(), Mode: sv.LogMode(), Size: rotate.Size, Keep: rotate.Keep}
}

// planRotation plans logrotate's file, unless a rule of somebody else's rotates
// the log: logrotate fails as a whole on a log that is named twice.
func planRotation(ctx context.Context, sv *survey, out *converge.Outcome) error {
	log := sv.LogFile()
	if log == "" {
		return nil
	}
	declared := sv.rotation()
	theirs, err := declared.Load(nil)
	if err != nil {
		return err
	}
	if err := inforce.CheckSeen(theirs); err != nil {
		return err
	}
	rule, ruled := inforce.Rotating(theirs.Rules(log))
	switch {
	case sv.Log.Rotate.Keep == 0:
		return removeRotation(sv, out, "log.rotate.keep leaves rotation to others")
	case ruled:
		differs := declared.Unlike(rule, func() bool { return keepsOpen(ctx, sv) })
		for _, r := range theirs.Rules(log) {
			again := fmt.Sprintf("%s:%d names the log again, on which logrotate fails", r.File, r.Line)
			if r.Duplicate && !slices.Contains(differs, again) {
				differs = append(differs, again)
			}
		}
		if len(differs) > 0 {
			out.Warnings = append(out.Warnings, node.Warning{
				Message: fmt.Sprintf("%s:%d already rotates %s, so falco-bootstrap does not; it differs from what is declared: %s",
					rule.File, rule.Line, log, strings.Join(differs, "; ")),
				Hint:  "remove the log from that file to have falco-bootstrap rotate it, or declare log.rotate.keep: 0 to leave it so",
				Drift: node.DriftLogrotate,
			})
		}
		return removeRotation(sv, out, fmt.Sprintf("%s:%d rotates the log, and logrotate fails on a log that is named twice", rule.File, rule.Line))
	}
	ours, err := declared.Load(declared.File(header, inforce.Undo()))
	if err != nil {
		return err
	}
	mine, effective := inforce.Rotating(ours.Rules(log))
	problems := ours.Problems()
	switch cause, reads := theirs.Reads(logrotateFile); {
	case !reads:
		return unrotated(sv, out, "logrotate does not read "+logrotateFile+": "+cause)
	case !effective:
		return unrotated(sv, out, "logrotate does not take the rule in "+logrotateFile)
	case len(problems) > len(theirs.Problems()):
		return unrotated(sv, out, problems[len(problems)-1].String())
	}
	if _, err := fs.Stat(sv.view.Tree(), inTree(logrotate.Main)); errors.Is(err, fs.ErrNotExist) && !sv.view.Host().Tree {
		out.Warnings = append(out.Warnings, node.Warning{
			Message: "nothing rotates " + log + ": there is no " + logrotate.Main,
			Hint:    "install logrotate (`dnf install logrotate`), or declare log.rotate.keep: 0 if something else rotates the log",
			Drift:   node.DriftLogrotate,
		})
	}
	if broken := declared.Broken(theirs); len(broken) > 0 {
		out.Warnings = append(out.Warnings, node.Warning{
			Message: fmt.Sprintf("%s: logrotate fails on that file, which names %s too; falco-bootstrap rotates it", redact.Text(broken[0].String()), log),
			Hint:    "remove the log from that file; `logrotate -d " + logrotate.Main + "` shows what is left",
			Drift:   node.DriftLogrotate,
		})
	}
	lines := inforce.Overrides(mine)
	if declared.IsOpen() && !slices.Contains(lines, "su root root") {
		lines = append(lines, "su root root")
	}
	return writeRotation(sv, out, declared.File(header, lines))
}

// unrotated warns that the log grows without bound. The agent's file does not
// help then.
func unrotated(sv *survey, out *converge.Outcome, cause string) error {
	out.Warnings = append(out.Warnings, node.Warning{
		Message: "nothing rotates " + sv.LogFile() + ": " + redact.Text(cause),
		Hint:    "correct logrotate's configuration; `logrotate -d " + logrotate.Main + "` shows what it makes of it",
		Drift:   node.DriftLogrotate,
	})
	return removeRotation(sv, out, "it has no effect")
}

// writeRotation plans the agent's file. One that logrotate ignores because of
// its mode or owner is made anew.
func writeRotation(sv *survey, out *converge.Outcome, content []byte) error {
	w := node.WriteFile{Path: logrotateFile, New: content, Mode: 0o644, Cause: node.Because(node.DriftLogrotate, "Falco never rotates its log")}
	old, err := inforce.ReadOptional(sv.view.Tree(), logrotateFile)
	if err != nil {
		return err
	}
	if old != nil {
		c, err := sv.rotation().Read(sv.view.Tree())
		if err != nil {
			return err
		}
		for _, ignored := range c.Ignored() {
			if ignored.File == logrotateFile {
				w.Why = "logrotate does not read the file: " + ignored.Cause
				out.Changes = append(out.Changes, node.RemoveFile{Path: logrotateFile, Old: old, Cause: w.Cause}, w)
				return nil
			}
		}
	}
	c, err := ownFile(sv.view, w, node.DriftLogrotate)
	out.Changes = append(out.Changes, c...)
	return err
}

// removeRotation plans that the agent's file goes, if it is there.
func removeRotation(sv *survey, out *converge.Outcome, why string) error {
	old, err := inforce.ReadOptional(sv.view.Tree(), logrotateFile)
	if err == nil && old != nil {
		out.Changes = append(out.Changes, node.RemoveFile{Path: logrotateFile, Old: old, Cause: node.Because(node.DriftLogrotate, why)})
	}
	return err
}

// keepsOpen reports whether Falco keeps its log open, as declared or else as its
// configuration has it.
func keepsOpen(ctx context.Context, sv *survey) bool {
	const key = "file_output.keep_alive"
	for _, d := range sv.Declared() {
		if d.Path == key {
			return falcoconf.AsText(d.Value) == "true" // a string to Falco
		}
	}
	u, err := configUnit(ctx, sv)
	if err != nil {
		return false
	}
	config, err := loadInForce(sv, u)
	return err == nil && config.KeepsLogOpen() // else the step of the configuration says why
}

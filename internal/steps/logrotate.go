// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package steps

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/redact"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/falcoconf"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/logrotate"
)

// logrotateFile is the agent's alone.
const (
	logrotateDir  = "/etc/logrotate.d"
	logrotateFile = logrotateDir + "/falco-bootstrap"
)

// planRotation plans logrotate's file, unless a rule of somebody else's rotates
// the log: logrotate fails as a whole on a log that is named twice.
func planRotation(ctx context.Context, sv *survey, out *converge.Outcome) error {
	log := sv.LogFile()
	if log == "" {
		return nil
	}
	theirs, err := loadRotation(sv, nil)
	if err != nil {
		return err
	}
	if err := unseen(theirs); err != nil {
		return err
	}
	rule, ruled := rotating(theirs.Rules(log))
	switch {
	case sv.Log.Rotate.Keep == 0:
		return removeRotation(sv, out, "log.rotate.keep leaves rotation to others")
	case ruled:
		differs := unlikeDeclared(ctx, sv, rule)
		for _, r := range theirs.Rules(log) {
			if r.Duplicate {
				differs = append(differs, fmt.Sprintf("%s:%d names the log again, on which logrotate fails", r.File, r.Line))
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
	var all []string
	for _, d := range inherited() {
		all = append(all, d.undo)
	}
	ours, err := loadRotation(sv, rotationFile(sv, all))
	if err != nil {
		return err
	}
	mine, effective := rotating(ours.Rules(log))
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
	lines := overrides(mine)
	if isOpen(sv, path.Dir(log)) && !slices.Contains(lines, "su root root") {
		lines = append(lines, "su root root")
	}
	return writeRotation(sv, out, rotationFile(sv, lines))
}

// isOpen reports whether others than root may write to a directory. Without su,
// logrotate skips the logs in it and exits with 1.
func isOpen(sv *survey, dir string) bool {
	info, err := sv.view.Stat(dir)
	return err == nil && info.Mode.IsDir() && (info.Mode.Perm()&0o002 != 0 || info.Mode.Perm()&0o020 != 0 && info.GID != 0)
}

// unseen returns an error if this user may not read a file that logrotate reads.
func unseen(c *logrotate.Config) error {
	for _, p := range c.Problems() {
		if strings.HasSuffix(p.Text, fs.ErrPermission.Error()) {
			return fmt.Errorf("reading %s: %w", p.File, fs.ErrPermission)
		}
	}
	return nil
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

// rotating returns the rule that rotates the log.
func rotating(rules []logrotate.Rule) (logrotate.Rule, bool) {
	for _, r := range rules {
		if r.Effective {
			return r, true
		}
	}
	return logrotate.Rule{}, false
}

// loadRotation reads what logrotate reads, with the agent's own file as content,
// or without it if that is nil. Where logrotate is not installed, its file is
// taken to include [logrotateDir], as the package's does.
func loadRotation(sv *survey, content []byte) (*logrotate.Config, error) {
	return readRotation(sv, logrotate.With(sv.view.Tree(), logrotateFile, content))
}

func readRotation(sv *survey, tree fs.FS) (*logrotate.Config, error) {
	release := map[int]string{7: "3.8.6", 8: "3.14.0", 9: "3.18.0", 10: "3.22.0"}[sv.release.Major]
	c, err := logrotate.Load(tree, logrotate.Main, release)
	if errors.Is(err, fs.ErrNotExist) {
		shipped := logrotate.With(tree, logrotate.Main, []byte("include "+logrotateDir+"\n"))
		return logrotate.Load(shipped, logrotate.Main, release)
	}
	return c, err
}

// rotationFile is the content of the agent's file. logrotate must not create the
// new log: an alert between its rename and its create would make it move that
// alert to a backup. Falco creates the log itself, with the unit's UMask, right
// after the signal or at its next alert.
//
// With keep_alive Falco goes on writing to the renamed file until it gets
// SIGUSR1; without it the signal does no harm.
func rotationFile(sv *survey, more []string) []byte {
	var extra strings.Builder
	for _, line := range more {
		extra.WriteString("    " + line + "\n")
	}
	return []byte("# " + header + `
` + quoted(sv.LogFile()) + ` {
    size ` + sv.Log.Rotate.Size + `
    rotate ` + fmt.Sprint(sv.Log.Rotate.Keep) + `
    missingok
    notifempty
    nocreate
    compress
    delaycompress
` + extra.String() + `    sharedscripts
    postrotate
        for unit in falco-modern-bpf.service falco-kmod.service falco-custom.service falco.service; do
            /usr/bin/systemctl --quiet is-active "$unit" || continue
            /usr/bin/systemctl kill --kill-who=main --signal=USR1 "$unit"
            break
        done
    endscript
}
`)
}

// quoted writes a log's name as logrotate takes it for itself, not a pattern.
func quoted(name string) string {
	if !strings.ContainsAny(name, " \t\"'\\*?[]{}#") {
		return name
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(name) + `"`
}

// inherited lists the directives that a rule may inherit from outside of it and
// that would lose alerts, or logs that are to be kept, and what undoes each.
func inherited() []struct{ name, undo string } {
	return []struct{ name, undo string }{
		{"copytruncate", "nocopytruncate"}, {"copy", "nocopy"}, {"renamecopy", "norenamecopy"}, {"olddir", "noolddir"},
		{"mail", "nomail"}, {"minsize", "minsize 0"}, {"minage", "minage 0"}, {"maxage", "maxage 0"}, {"su", "su root root"},
	}
}

// overrides returns the directives that undo what the agent's rule inherits. A
// file with no need of them stays short.
func overrides(r logrotate.Rule) []string {
	var lines []string
	for _, d := range inherited() {
		if slices.ContainsFunc(r.Directives, func(from logrotate.Directive) bool { return from.Name == d.name && from.File != logrotateFile }) {
			lines = append(lines, d.undo)
		}
	}
	return lines
}

// writeRotation plans the agent's file. One that logrotate ignores because of
// its mode or owner is made anew.
func writeRotation(sv *survey, out *converge.Outcome, content []byte) error {
	w := node.WriteFile{Path: logrotateFile, New: content, Mode: 0o644, Cause: node.Because(node.DriftLogrotate, "Falco never rotates its log")}
	old, err := readOptional(sv.view.Tree(), logrotateFile)
	if err != nil {
		return err
	}
	if old != nil {
		c, err := readRotation(sv, sv.view.Tree())
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
	old, err := readOptional(sv.view.Tree(), logrotateFile)
	if err == nil && old != nil {
		out.Changes = append(out.Changes, node.RemoveFile{Path: logrotateFile, Old: old, Cause: node.Because(node.DriftLogrotate, why)})
	}
	return err
}

// unlikeDeclared says in what a rule of somebody else's rotates the log in
// another way than declared.
func unlikeDeclared(ctx context.Context, sv *survey, r logrotate.Rule) []string {
	var all []string
	if when := whenRotated(r); when != "size "+sv.Log.Rotate.Size && bytesOf(when) != bytesOf("size "+sv.Log.Rotate.Size) {
		all = append(all, when+" instead of size "+sv.Log.Rotate.Size)
	}
	keep, _ := r.Get("rotate")
	if kept := cmp.Or(keep.Value, "0"); kept != strconv.Itoa(sv.Log.Rotate.Keep) {
		all = append(all, fmt.Sprintf("rotate %s instead of %d", kept, sv.Log.Rotate.Keep))
	}
	for _, name := range []string{"copytruncate", "copy"} {
		if r.On(name) {
			all = append(all, name+" can lose alerts")
		}
	}
	if mode, ok := created(r); ok && mode != uint64(sv.LogMode()) {
		all = append(all, fmt.Sprintf("it creates the log with mode %04o instead of %s", mode, sv.Log.Mode))
	}
	if _, ok := r.Get("su"); !ok && isOpen(sv, path.Dir(sv.LogFile())) {
		all = append(all, "logrotate skips a log in a directory that others may write to, unless the rule has su")
	}
	if keepsOpen(ctx, sv) && !r.On("copytruncate") && !r.On("copy") && !signals(r) {
		all = append(all, "with keep_alive Falco needs SIGUSR1, and no script of the rule sends it: Falco goes on writing to the renamed log")
	}
	return all
}

// whenRotated returns the last directive that says when to rotate. Without one
// it is 1 MiB (logrotate's config.c, defConfig).
func whenRotated(r logrotate.Rule) string {
	when := "size 1M"
	for _, d := range r.Directives {
		switch d.Name {
		case "size":
			when = "size " + d.Value
		case "hourly", "daily", "weekly", "monthly", "yearly":
			when = d.Name
		}
	}
	return when
}

// bytesOf returns the bytes of "size 100M", or 0.
func bytesOf(when string) int64 {
	text, ok := strings.CutPrefix(when, "size ")
	shift := map[string]int{"k": 10, "K": 10, "M": 20, "G": 30}[text[max(0, len(text)-1):]]
	n, err := strconv.ParseInt(strings.TrimRight(text, "kKMG"), 0, 64)
	if !ok || err != nil {
		return 0
	}
	return n << shift
}

// created returns the mode of the new log, if a rule sets one.
func created(r logrotate.Rule) (uint64, bool) {
	d, ok := r.Get("create")
	fields := strings.Fields(d.Value)
	if !ok || !r.On("create") || len(fields) == 0 {
		return 0, false
	}
	mode, err := strconv.ParseUint(fields[0], 8, 12)
	return mode, err == nil
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

// signals reports whether a script of a rule tells Falco to open its log anew.
func signals(r logrotate.Rule) bool {
	for _, script := range []string{"postrotate", "lastaction"} {
		if d, ok := r.Get(script); ok && strings.Contains(d.Value, "falco") {
			return true
		}
	}
	return false
}

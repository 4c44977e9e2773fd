// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package inforce

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/logrotate"
)

// RotationFile is logrotate's file that is the agent's alone.
const RotationFile = "/etc/logrotate.d/falco-bootstrap"

// A Rotation is how the alert log is declared to be rotated.
type Rotation struct {
	View    node.View
	Release int // of Oracle Linux, which decides the release of logrotate
	Log     string
	Mode    fs.FileMode
	Size    string // such as "100M"
	Keep    int
}

// Rotating returns the rule that rotates the log.
func Rotating(rules []logrotate.Rule) (logrotate.Rule, bool) {
	for _, r := range rules {
		if r.Effective {
			return r, true
		}
	}
	return logrotate.Rule{}, false
}

// Load reads what logrotate reads, with the agent's own file as content,
// or without it if that is nil. Where logrotate is not installed, its file is
// taken to include /etc/logrotate.d, as the package's does.
func (r Rotation) Load(content []byte) (*logrotate.Config, error) {
	return r.Read(logrotate.With(r.View.Tree(), RotationFile, content))
}

// Read reads what logrotate reads in a tree.
func (r Rotation) Read(tree fs.FS) (*logrotate.Config, error) {
	release := map[int]string{7: "3.8.6", 8: "3.14.0", 9: "3.18.0", 10: "3.22.0"}[r.Release]
	c, err := logrotate.Load(tree, logrotate.Main, release)
	if errors.Is(err, fs.ErrNotExist) {
		shipped := logrotate.With(tree, logrotate.Main, []byte("include "+path.Dir(RotationFile)+"\n"))
		return logrotate.Load(shipped, logrotate.Main, release)
	}
	return c, err
}

// File returns the content of the agent's file. logrotate must not create the
// new log: an alert between its rename and its create would make it move that
// alert to a backup. Falco creates the log itself, with the unit's UMask, right
// after the signal or at its next alert.
//
// With keep_alive Falco goes on writing to the renamed file until it gets
// SIGUSR1; without it the signal does no harm.
func (r Rotation) File(header string, more []string) []byte {
	var extra strings.Builder
	for _, line := range more {
		extra.WriteString("    " + line + "\n")
	}
	return []byte("# " + header + `
` + quoted(r.Log) + ` {
    size ` + r.Size + `
    rotate ` + fmt.Sprint(r.Keep) + `
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
		{"copytruncate", "nocopytruncate"},
		{"copy", "nocopy"},
		{"renamecopy", "norenamecopy"},
		{"olddir", "noolddir"},
		{"mail", "nomail"},
		{"minsize", "minsize 0"},
		{"minage", "minage 0"},
		{"maxage", "maxage 0"},
		{"su", "su root root"},
	}
}

// Undo returns all directives that undo what a rule may inherit.
func Undo() []string {
	var all []string
	for _, d := range inherited() {
		all = append(all, d.undo)
	}
	return all
}

// Overrides returns the directives that undo what the agent's rule inherits. A
// file with no need of them stays short.
func Overrides(r logrotate.Rule) []string {
	var lines []string
	for _, d := range inherited() {
		if slices.ContainsFunc(r.Directives, func(from logrotate.Directive) bool { return from.Name == d.name && from.File != RotationFile }) {
			lines = append(lines, d.undo)
		}
	}
	return lines
}

// IsOpen reports whether others than root may write to the log's directory. Without su,
// logrotate skips the logs in it and exits with 1.
func (r Rotation) IsOpen() bool {
	info, err := r.View.Stat(path.Dir(r.Log))
	return err == nil && info.Mode.IsDir() && (info.Mode.Perm()&0o002 != 0 || info.Mode.Perm()&0o020 != 0 && info.GID != 0)
}

// unknown returns the user or the group of a directive that the tree does not
// know. A directory service may.
func (r Rotation) unknown(d logrotate.Directive) string {
	fields := strings.Fields(d.Value)
	if len(fields) > 0 && strings.Trim(fields[0], "01234567") == "" {
		fields = fields[1:] // the mode
	}
	for i, name := range fields[:min(len(fields), 2)] {
		kind, file := "user", "etc/passwd"
		if i == 1 {
			kind, file = "group", "etc/group"
		}
		if _, err := idOf(r.View.Tree(), file, name); errors.Is(err, errNoID) {
			return kind + " " + name
		}
	}
	return ""
}

// Broken returns what is wrong in files of others that name the log: logrotate
// skips their rules and exits with 1.
func (r Rotation) Broken(c *logrotate.Config) []logrotate.Problem {
	var all []logrotate.Problem
	for _, p := range c.Problems() {
		text, err := fs.ReadFile(r.View.Tree(), strings.TrimPrefix(p.File, "/"))
		isNamed := slices.ContainsFunc(strings.Split(string(text), "\n"), func(line string) bool {
			return strings.Contains(line, r.Log) && !strings.HasPrefix(strings.TrimSpace(line), "#")
		})
		if err == nil && p.File != RotationFile && isNamed {
			all = append(all, p)
		}
	}
	return all
}

// mayRename reports whether the user and the group of a su directive may rename
// files in the log's directory. One that no file of the tree has, as from a
// directory service, may.
func (r Rotation) mayRename(su []string) bool {
	dir, err := r.View.Stat(path.Dir(r.Log))
	if err != nil || len(su) != 2 {
		return true
	}
	uid, userErr := idOf(r.View.Tree(), "etc/passwd", su[0])
	gid, groupErr := idOf(r.View.Tree(), "etc/group", su[1])
	if userErr != nil || groupErr != nil || uid == 0 {
		return true
	}
	switch mode := dir.Mode.Perm(); uid {
	case dir.UID:
		return mode&0o200 != 0
	default:
		return mode&0o002 != 0 || mode&0o020 != 0 && gid == dir.GID
	}
}

// CheckSeen returns an error if this user may not read a file that logrotate reads.
func CheckSeen(c *logrotate.Config) error {
	for _, p := range c.Problems() {
		if strings.HasSuffix(p.Text, fs.ErrPermission.Error()) {
			return fmt.Errorf("reading %s: %w", p.File, fs.ErrPermission)
		}
	}
	return nil
}

// Unlike says in what a rule of somebody else's rotates the log in
// another way than declared.
func (r Rotation) Unlike(rule logrotate.Rule, keepsOpen func() bool) []string {
	var all []string
	if when := whenRotated(rule); when != "size "+r.Size && bytesOf(when) != bytesOf("size "+r.Size) {
		all = append(all, when+" instead of size "+r.Size)
	}
	keep, _ := rule.Get("rotate")
	if kept := cmp.Or(keep.Value, "0"); kept != strconv.Itoa(r.Keep) {
		all = append(all, fmt.Sprintf("rotate %s instead of %d", kept, r.Keep))
	}
	for _, name := range []string{"copytruncate", "copy"} {
		if rule.On(name) {
			all = append(all, name+" can lose alerts")
		}
	}
	if mode, ok := created(rule); ok && mode != uint64(r.Mode) {
		all = append(all, fmt.Sprintf("it creates the log with mode %04o instead of %04o", mode, r.Mode))
	}
	switch su, ok := rule.Get("su"); {
	case !ok && r.IsOpen():
		all = append(all, "logrotate skips a log in a directory that others may write to, unless the rule has su")
	case ok && !r.mayRename(strings.Fields(su.Value)):
		all = append(all, fmt.Sprintf("it rotates as %s (su, %s:%d), who may not rename files in %s", su.Value, su.File, su.Line, path.Dir(r.Log)))
	}
	for _, name := range []string{"su", "create"} {
		if d, ok := rule.Get(name); ok && rule.On(name) {
			if who := r.unknown(d); who != "" {
				all = append(all, fmt.Sprintf("logrotate skips the rule if there is no %s, which no file here has (%s, %s:%d)", who, name, d.File, d.Line))
			}
		}
	}
	if keepsOpen() && !rule.On("copytruncate") && !rule.On("copy") && !signals(rule) {
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

// signals reports whether a script of a rule tells Falco to open its log anew.
func signals(r logrotate.Rule) bool {
	for _, script := range []string{"postrotate", "lastaction"} {
		if d, ok := r.Get(script); ok && strings.Contains(d.Value, "falco") {
			return true
		}
	}
	return false
}

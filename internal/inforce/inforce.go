// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Package inforce says what is in force on a node, whoever has written it: what
// systemd has for Falco's unit, what logrotate does with the alert log, and which
// files of Falco's package are left. It names the file and the line that decide. A
// file of the agent's is only one of those that are read: others may win over it.
//
// The package writes nothing. What is refused is a [*node.Error] with
// [node.CodeConfig]: whoever overrules what is declared meant it.
package inforce

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/falcoconf"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/systemd"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/yamledit"
)

// A Unit is a unit of Falco as systemd has it. The embedded one is zero if the
// machine is not asked, for a tree.
type Unit struct {
	systemd.Unit
	ID    string // its own name
	Falco string // the version that it runs
	View  node.View
}

// CommandLine returns the options with which the unit starts Falco.
func (u Unit) CommandLine() falco.CommandLine {
	return falco.StartOf(u.Unit, u.View.Tree()).CommandLine(u.Falco)
}

// OnDisk returns the unit with the main command and the environment of its files,
// if systemd has not read those: it reads them before it starts the unit again.
func (u Unit) OnDisk() systemd.Unit {
	if !u.Unread(u.View.Tree()) {
		return u.Unit
	}
	files, out := u.files(), u.Unit
	if all := systemd.List(files, "Service", "ExecStart"); len(all) > 0 {
		if words, err := systemd.CommandWords(all[len(all)-1].Value); err == nil && len(words) > 0 {
			words[0] = strings.TrimLeft(words[0], "@-:+!|")
			out.ExecStart = words
		}
	}
	out.Environment = nil
	for _, v := range systemd.Environment(files) {
		out.Environment = append(out.Environment, v.Name+"="+v.Value)
	}
	return out
}

// HasOwnFile reports whether somebody has put a unit file where systemd would
// put the link of a mask or an alias. systemd replaces links only.
func HasOwnFile(view node.View, unit string) bool {
	file, err := view.Stat("/etc/systemd/system/" + unit)
	return err == nil && file.Mode.IsRegular()
}

// files returns the unit's files in the order of their effect. falco.service may
// be another name of the unit.
func (u Unit) files() []systemd.UnitFile {
	named := u.Unit
	named.Name = u.ID
	if HasOwnFile(u.View, falco.AliasUnit) {
		return named.Files(u.View.Tree())
	}
	return named.Files(u.View.Tree(), falco.AliasUnit)
}

// Others returns the unit's files besides the drop-in with a name: those that
// systemd reads before it, and those that it reads after it and that win.
func (u Unit) Others(dropIn string) (below, above []systemd.UnitFile) {
	for _, f := range u.files() {
		name := path.Base(f.Path)
		switch {
		case f.Path == u.Fragment || name < dropIn:
			below = append(below, f)
		case name > dropIn:
			above = append(above, f)
		}
	}
	return below, above
}

// CheckNeeds refuses a unit that gets another value than it needs from one of its
// files, the agent's drop-in among them, or from a file of an environment.
func (u Unit) CheckNeeds(needs falco.UnitNeeds, files []systemd.UnitFile) error {
	fromFiles := u.Unit
	fromFiles.Environment = nil
	if o, bad := needs.Overruled(files, fromFiles.Env(u.View.Tree())); bad {
		return overruled(o.Hint, "%s overrules falco-bootstrap's drop-in with %s: %s", u.place(o.By), o.Says, o.Why)
	}
	return nil
}

// CheckUMask refuses a unit for which systemd has another UMask in force although
// its files are as they should be and have been read.
func (u Unit) CheckUMask(want fs.FileMode) error {
	if u.LoadState != "loaded" || u.UMask < 0 || u.Unread(u.View.Tree()) || falco.SameForFiles(fs.FileMode(u.UMask), want) {
		return nil
	}
	return overruled("`systemctl cat "+u.ID+"` shows the unit's files", "systemd has UMask=%04o in force for %s, and not %04o", u.UMask, u.ID, want)
}

// CheckMainFile refuses a unit that gives Falco another main file: what is
// declared would have no effect.
func (u Unit) CheckMainFile() error {
	file := u.CommandLine().MainFile()
	if path.Clean(file) == falco.ConfigFile {
		return nil
	}
	return overruled("remove the option there, and declare in falco.config what is in "+file,
		"%s has Falco read %s (-c) and not %s", u.Starts(), file, falco.ConfigFile)
}

// CheckEngine refuses a unit whose Falco would use another driver than this one. A
// unit that does not exist yet is the shipped one.
func (u Unit) CheckEngine(config *falcoconf.Config, driver string) error {
	kind, by, known := config.Engine()
	place := by.String()
	if engine := u.CommandLine().Engine; engine != "" {
		kind, known = engine, true
		by.File = falcoconf.CommandLine
	}
	if by.File == falcoconf.CommandLine || by.File == "" {
		place = u.Starts()
	}
	if len(u.ExecStart) == 0 || !known || kind == driver {
		return nil
	}
	hint := "remove it there"
	if kind == falco.Kmod || kind == falco.ModernEBPF {
		hint += ", or declare falco.driver: " + kind
	}
	return overruled(hint, "%s has Falco use the driver %s (engine.kind) and not %s", place, kind, driver)
}

// CheckProgram warns of a unit that starts another Falco than the package's.
func (u Unit) CheckProgram() []node.Warning {
	program := path.Clean(falco.StartOf(u.Unit, u.View.Tree()).Program)
	if slices.Contains([]string{".", falco.Program, "/bin/falco"}, program) {
		return nil
	}
	return []node.Warning{{
		Message: fmt.Sprintf("%s has the unit start %s and not %s, which is the Falco that is kept as declared and checked", u.Starts(), program, falco.Program),
		Hint:    "remove the line there, unless that program starts the same Falco",
	}}
}

// Starts names the line that decides how the unit starts Falco.
func (u Unit) Starts() string {
	all := systemd.List(u.files(), "Service", "ExecStart")
	if len(all) == 0 {
		return u.ID
	}
	return u.place(all[len(all)-1])
}

// CheckStart returns an error if systemd would not start the unit, whatever Falco
// says: a condition that is not met, a path that does not exist, or a start that
// systemd refuses or never sees succeed. A running Falco would be stopped for it.
func (u Unit) CheckStart() error {
	why, hint := u.obstacle()
	if why == "" {
		return nil
	}
	e := &node.Error{
		Code: node.CodeNotRunning, Drift: node.DriftUnitStopped, Err: fmt.Errorf("systemd would not start %s: %s", u.ID, why),
		Hint: hint + "; then run `systemctl daemon-reload` and falco-bootstrap",
	}
	if u.Running() {
		e.Code, e.Drift = node.CodeConfig, node.DriftConfigBroken
		e.Err = fmt.Errorf("%w; the running Falco is left alone", e.Err)
	}
	return e
}

// obstacle says why systemd would not start the unit, and what helps; "" if nothing
// is known.
func (u Unit) obstacle() (why, hint string) {
	says := func(a systemd.Assignment) string { return fmt.Sprintf("%s has %s=%s", u.place(a), a.Key, a.Value) }
	if u.LoadState == "bad-setting" || u.LoadState == "error" {
		return "it cannot load its files", "correct what `systemd-analyze verify " + u.ID + "` names"
	}
	files := u.files()
	if o, found := systemd.FindObstacle(files, u.View.Tree()); found && o.Missing == "" {
		return says(o.Assignment) + ", which is not met", "remove the line, or see to it that it is met"
	} else if found {
		return says(o.Assignment) + ", and there is no " + o.Missing, "make " + o.Missing + ", or remove it from the line"
	}
	a, _ := systemd.Last(files, "Service", "Type")
	_, daemon := u.CommandLine().Option("daemon")
	if a.Value != "" && !slices.Contains([]string{"simple", "exec", "idle"}, a.Value) && (a.Value != "forking" || !daemon) {
		return says(a) + ", and Falco does not tell systemd that it has started", "remove the line, or write Type=simple"
	}
	for _, key := range []string{"RefuseManualStart", "RefuseManualStop"} {
		a, _ := systemd.Last(files, "Unit", key)
		if on, _ := yamledit.ParseBool(a.Value); on || a.Value == "1" {
			return says(a), "remove the line"
		}
	}
	return "", ""
}

// CheckLog refuses an alert log that the unit does not let Falco write where the
// node sees it. A unit that is not there yet is the shipped one.
func (u Unit) CheckLog(log string) error {
	sandbox := u.Sandbox
	if u.LoadState != "loaded" {
		sandbox = falco.ShippedSandbox()
	}
	if target, err := Follow(u.View, log); err == nil {
		log = target
	}
	property, by := sandbox.Hides(log), ""
	if property == "" {
		return nil
	}
	key, _, _ := strings.Cut(property, "=")
	if a, ok := systemd.Last(u.files(), "Service", key); ok {
		by = " (" + u.place(a) + ")"
	}
	return node.Errorf(node.CodeConfig, "declare another file_output.filename, such as /var/log/falco.log",
		"%s cannot write the alert log %s: it has %s%s", u.ID, log, property, by)
}

func overruled(hint, format string, args ...any) error {
	return &node.Error{Code: node.CodeConfig, Drift: node.DriftConfigOverruled, Hint: hint, Err: fmt.Errorf(format, args...)}
}

// place is the file and line of an assignment, or the unit if they are not known.
func (u Unit) place(a systemd.Assignment) string {
	if a.File == "" {
		return u.ID
	}
	return fmt.Sprintf("%s:%d", a.File, a.Line)
}

// GroupID returns the number of a group on the node.
func GroupID(tree fs.FS, name string) (int, error) {
	gid, err := idOf(tree, "etc/group", name)
	switch {
	case errors.Is(err, errNoID):
		return 0, node.Errorf(node.CodeConfig, "create it with `groupadd --system "+name+"`, or declare another log.group",
			"there is no group %s for the alert log", name)
	case err != nil:
		return 0, fmt.Errorf("reading the node: %w", err)
	}
	return gid, nil
}

var errNoID = errors.New("no such user or group")

// idOf returns the number of a name in etc/passwd or etc/group.
func idOf(tree fs.FS, file, name string) (int, error) {
	if id, err := strconv.Atoi(name); err == nil {
		return id, nil
	}
	if name == "root" {
		return 0, nil
	}
	text, err := fs.ReadFile(tree, file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.Split(strings.TrimSpace(line), ":")
		if len(fields) >= 3 && fields[0] == name {
			return strconv.Atoi(fields[2])
		}
	}
	return 0, errNoID
}

// ReadOptional reads a file of the node; nil if there is none.
func ReadOptional(tree fs.FS, path string) ([]byte, error) {
	b, err := fs.ReadFile(tree, strings.TrimPrefix(path, "/"))
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

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package steps

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/settings"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/falcoconf"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/systemd"
)

// A State is what verify knows before it asks for an alert, and with which it
// explains why none came.
type State struct {
	// Running says that Falco's unit runs.
	Running bool
	// Log is where the alert has to come.
	Log string

	unit     systemd.Unit
	check    node.FalcoCheck
	problems []falcoconf.Problem
	silent   []string       // what keeps the alert from being made
	seconds  []node.Warning // other Falcos
	log      error          // why the log cannot be written
	port     string         // who else listens where Falco wants to
}

// Probes reports whether there is an alert to wait for at all.
func (s State) Probes() bool { return s.Running && s.log == nil }

// Check is how the installed Falco is asked why it does not run: its units
// send what it says to /dev/null.
func (s State) Check() node.FalcoCheck { return s.check }

// A Sighting is what came of opening a sensitive file.
type Sighting struct {
	Detected               bool
	First                  time.Duration // until the first alert
	Opens, Alerts, Journal int
	// Full says that the file system of the log has no room.
	Full bool
	// Complaint is what Falco says against its configuration, if it was asked.
	Complaint string
}

// Inspect looks at all that can keep an alert from its log.
func Inspect(ctx context.Context, view node.View, s settings.Settings) (State, error) {
	sv, err := look(ctx, view, s)
	if err != nil {
		return State{}, err
	}
	if sv.falco == nil {
		return State{}, notRunning(errors.New("falco is not installed"), "run falco-bootstrap without arguments")
	}
	state := State{Log: s.LogFile(), check: node.FalcoCheck{Version: sv.falco.Version, Preload: preload(sv, sv.falco.Version)}}
	name := falco.UnitFor(sv.verdict.Driver, sv.falco.Version)
	units, err := view.Units(ctx, name)
	if err != nil {
		return state, err
	}
	state.unit = units[name]
	state.Running = state.unit.Running()
	config, err := falcoconf.Load(view.Tree(), mainConfig, sv.falco.Version, overridesOf(state.unit))
	if err != nil {
		return state, refused(err, hintOf(err, ""))
	}
	state.problems = config.Problems()
	if o := config.Overruled(s.Declared()); len(o) > 0 {
		return state, overruled(o)
	}
	state.log = logProblem(view.Tree(), state.Log)
	state.silent = append(notDeclared(config, s.Declared()), silenced(view.Tree(), config)...)
	if !state.Running {
		state.port = listener(view, config)
	}
	state.seconds, err = preflight{s}.secondFalco(ctx, view)
	return state, err
}

// logProblem says why Falco could not write its log: it makes no folder, and
// says nothing but a line in the journal.
func logProblem(tree fs.FS, log string) error {
	if log == "" {
		return errors.New("no file output is declared")
	}
	if info, err := fs.Stat(tree, inTree(log)); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%s is a %s", log, fileKind(info.Mode()))
	}
	if _, err := fs.Stat(tree, inTree(path.Dir(log))); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the folder %s is not there, and Falco does not make it", path.Dir(log))
	}
	return nil
}

// Verdict turns what was seen into one sentence, or into the reason why there
// was nothing to see.
func (s State) Verdict(seen Sighting) (reason string, warnings []node.Warning, err error) {
	warnings = s.seconds
	switch {
	case !s.Running:
		return "", warnings, s.down(seen.Complaint)
	case seen.Detected:
		if seen.Alerts > seen.Opens {
			warnings = append(warnings, node.Warning{
				Message: fmt.Sprintf("%d opens gave %d alerts: two Falcos write to %s", seen.Opens, seen.Alerts, s.Log),
				Hint:    "`pgrep -a falco` lists them; keep one", Drift: node.DriftSecondFalco,
			})
		}
		return fmt.Sprintf("an alert reached %s after %s", s.Log, seen.First.Round(time.Millisecond)), warnings, nil
	case s.log != nil:
		return "", warnings, notRunning(fmt.Errorf("no alert can reach the log: %w", s.log), "a run of falco-bootstrap makes the log and its folder")
	case seen.Full:
		return "", warnings, notRunning(fmt.Errorf("no alert can reach the log: the file system of %s is full, and Falco says nothing of that", s.Log),
			"make room there; with file_output.keep_alive Falco writes again only after `systemctl restart "+s.unit.Name+"`")
	case seen.Journal > 0:
		return "", warnings, notRunning(fmt.Errorf("falco detects, and its alert is in the journal but not in %s", s.Log),
			"is the file system full or read-only, or does Falco run an older configuration? `systemctl restart "+s.unit.Name+"` has it read it again")
	default:
		return "", warnings, s.blind()
	}
}

// down explains a Falco that does not run: by what this program knows, by what
// Falco says, by who has its port, and else by what systemd saw.
func (s State) down(complaint string) error {
	err := fmt.Errorf("%s is %s (%s), not running", s.unit.Name, s.unit.ActiveState, s.unit.SubState)
	if !s.unit.Exists() {
		err = fmt.Errorf("there is no %s", s.unit.Name)
	}
	for _, p := range s.problems {
		if p.Fatal {
			return notRunning(fmt.Errorf("%w: %s", err, p), p.Hint)
		}
	}
	hint := "a run of falco-bootstrap starts it and says why it does not stand"
	switch {
	case complaint != "":
		return notRunning(fmt.Errorf("%w: Falco says: %s", err, complaint), "mend what it says, then run falco-bootstrap")
	case s.port != "":
		return notRunning(fmt.Errorf("%w: %s, and Falco ends if its web server cannot", err, s.port),
			"stop the other program, or declare another webserver.listen_port in falco.config")
	case s.unit.ActiveState == "failed", s.unit.SubState == "auto-restart":
		err = fmt.Errorf("%w: it has no complaint about its configuration; systemd says: %s, status %d, %d restarts",
			err, s.unit.Result, s.unit.ExecStatus, max(s.unit.NRestarts, 0))
	}
	return notRunning(err, hint)
}

// blind explains a Falco that runs and reports nothing.
func (s State) blind() error {
	err := fmt.Errorf("%s runs, and reported nothing to %s", s.unit.Name, s.Log)
	why := s.silent
	hint := ""
	for _, p := range s.problems {
		why = append(why, p.String())
		if hint == "" {
			hint = p.Hint
		}
	}
	switch {
	case len(s.silent) > 0:
		hint = "a run of falco-bootstrap brings the declared keys back; rules that are turned off have to be turned on where they are named"
	case hint == "":
		hint = "is it older than what is on disk, or stuck at its start? `systemctl restart " + s.unit.Name + "` starts it anew"
	}
	if len(why) > 0 {
		return notRunning(fmt.Errorf("%w: %s", err, strings.Join(why, "; ")), hint)
	}
	return notRunning(err, hint)
}

func notRunning(err error, hint string) error {
	return &node.Error{Code: node.CodeNotRunning, Err: err, Hint: hint}
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Package verify says why Falco does or does not report: it inspects what can
// keep an alert from its log ([Inspect]), gives the verdict on what a probe saw
// ([Inspection.Verdict]), proves a unit that a run has started ([Prove]), and
// reads Falco's own messages ([Reason], [Warnings]).
//
// The package sees the node through a [node.View] and through [Eyes]. It opens
// no file of this machine, runs no program and changes nothing.
package verify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/redact"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/falcoconf"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/systemd"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/yamledit"
)

// An Inspection is what is known before a probe. It explains why no alert appears.
type Inspection struct {
	// Running means that the unit is running.
	Running bool

	subject  node.Subject
	unit     systemd.Unit
	problems []falcoconf.Problem
	silenced []silence      // what keeps Falco from raising the alert
	suspects []string       // what may keep it from that
	noRules  bool           // no rules file that is listed is there
	vitals   node.Vitals    // of the process and its log
	astray   string         // what the process writes instead of its log
	seconds  []node.Warning // other Falcos
	log      error          // why Falco cannot write its log
	port     string         // who else listens on the port of Falco's web server
}

// Inspect looks for everything that can keep an alert from the subject's log.
// It fails if a declared key is overruled, because Falco may then write another
// log.
func Inspect(ctx context.Context, view node.View, s node.Subject, declared []falcoconf.Setting) (Inspection, error) {
	units, err := view.Units(ctx, s.Unit)
	if err != nil {
		return Inspection{}, err
	}
	unit := units[s.Unit]
	i := Inspection{Running: unit.Running(), subject: s, unit: unit, log: logProblem(view, s.Log)}
	isRead := true
	config, err := falcoconf.Load(view.Tree(), falco.MainFile(unit, view.Tree()), falco.ConfigStart(s.Check.Version, unit, view.Tree()))
	if refused, ok := errors.AsType[*falcoconf.Error](err); ok && (errors.Is(err, yamledit.ErrSyntax) || errors.Is(err, yamledit.ErrUnsupported)) {
		// Falco may read it all the same: the log tells.
		i.problems = []falcoconf.Problem{{Origin: falcoconf.Origin{File: falco.ConfigFile, Line: refused.Line}, Message: refused.Reason, Hint: refused.Hint, Fatal: true}}
		declared, isRead = nil, false
		config, err = falcoconf.LoadCandidate(view.Tree(), falco.ConfigFile, nil, falcoconf.Start{})
	} else if err == nil {
		i.problems, err = config.Problems(), config.CheckOverruled(declared, redact.Value)
	}
	if err != nil {
		return Inspection{}, node.ConfigError(err, node.HintConfig)
	}
	line := falco.StartOf(unit, view.Tree()).CommandLine(s.Check.Version)
	i.silenced = append(notDeclared(config, declared), silencers(view.Tree(), config, line, declared)...)
	i.suspects = changes(view.Tree(), config)
	if _, text := blindSyscalls(config); text != "" {
		i.suspects = append(i.suspects, text)
	}
	if property := unit.Sandbox.Hides(s.Log); property != "" && i.log == nil && s.Log != "" {
		i.log = notRunning("declare another file_output.filename, or let the unit write there", "%s cannot write %s: it has %s", s.Unit, s.Log, property)
	}
	i.noRules = isRead && !config.HasRules() && len(line.Rules) == 0
	if !i.Running {
		i.port = listener(view, config)
	} else {
		if i.vitals, err = view.Vitals(unit.MainPID, s.Log); err != nil {
			return i, err
		}
		i.astray = i.vitals.Astray(config.KeepsLogOpen(), config.MetricsFile())
	}
	running, err := view.Falcos(ctx)
	if err != nil && !errors.Is(err, node.ErrNotAsked) {
		return i, err
	}
	i.seconds = node.SecondFalcos(running, func(unit string) bool { return unit == s.Unit })
	return i, nil
}

// Probes reports whether there is an alert to wait for.
func (i Inspection) Probes() bool { return i.Running && i.log == nil }

func (i Inspection) halted() string { return i.vitals.Halted(time.Since(i.unit.Started)) }

// explained reports whether something on the node explains that there is no
// alert, so that to start Falco again would not help.
func (i Inspection) explained() bool {
	return i.log != nil || i.vitals.NoRoom("", "") != nil || i.noRules || len(i.silenced) > 0
}

// off reports whether nothing but the operator's own choice explains that there
// is no alert.
func (i Inspection) off(seen node.Seen) bool {
	i.silenced = slices.DeleteFunc(slices.Clone(i.silenced), func(s silence) bool { return s.chosen })
	return len(i.silenced) == 0 && !i.explained() && seen.Journal == 0
}

var errNoLog = errors.New("no file output is declared")

// logProblem says why Falco cannot write its log. Falco creates no directory, and
// reports the failure only in the journal.
func logProblem(view node.View, log string) error {
	if log == "" {
		return errNoLog
	}
	tree := view.Tree()
	info, err := fs.Stat(tree, inTree(log))
	if err == nil && !info.Mode().IsRegular() {
		return node.Errorf(node.CodeNotRunning, "move it away (`mv "+log+" "+log+".aside`) and run falco-bootstrap, which makes the log and starts Falco again",
			"%s is a %s", log, node.Kind(info.Mode()))
	}
	if link, linkErr := view.Stat(log); linkErr == nil && errors.Is(err, fs.ErrNotExist) && isMissing(tree, path.Dir(beside(log, link.Target))) {
		return node.Errorf(node.CodeNotRunning, "mount or make what it leads to, or remove the link; a run of falco-bootstrap makes the log",
			"%s is a link to %s, whose directory does not exist", log, link.Target)
	}
	if isMissing(tree, path.Dir(log)) {
		return fmt.Errorf("the directory %s does not exist, and Falco does not create it", path.Dir(log))
	}
	return nil
}

// beside returns where a link at a path leads.
func beside(link, target string) string {
	if path.IsAbs(target) {
		return target
	}
	return path.Join(path.Dir(link), target)
}

func isMissing(tree fs.FS, name string) bool {
	_, err := fs.Stat(tree, inTree(name))
	return errors.Is(err, fs.ErrNotExist)
}

// Verdict turns what was seen into one sentence, or into an error with
// [node.CodeNotRunning] that says why no alert appeared. complaint is what Falco
// says is wrong with its configuration, if it was asked.
func (i Inspection) Verdict(seen node.Seen, complaint string) (reason string, warnings []node.Warning, err error) {
	unit, log := i.subject.Unit, i.subject.Log
	restart := "`systemctl restart " + unit + "`"
	switch {
	case !i.Running:
		err = i.down(complaint)
	case seen.Detected():
		if seen.Alerts > seen.Opens {
			i.seconds = append(i.seconds, node.Warning{
				Message: fmt.Sprintf("%d opens gave %d alerts: two Falcos write to %s", seen.Opens, seen.Alerts, log),
				Hint:    "`pgrep -a falco` lists them; keep one", Drift: node.DriftSecondFalco,
			})
		}
		reason = fmt.Sprintf("an alert reached %s after %s", log, seen.First.Round(time.Millisecond))
	case i.log != nil:
		err = notRunning(cmp.Or(node.HintOf(i.log), "run falco-bootstrap: it creates the log and its directory"), "no alert can reach the log: %w", i.log)
	case i.vitals.NoRoom(unit, log) != nil:
		err = i.vitals.NoRoom(unit, log)
	case i.halted() != "":
		err = notRunning("find out who did that; "+restart+", or a run of falco-bootstrap, starts it again",
			"%s is active, but its process %d is %s", unit, i.unit.MainPID, i.halted())
	case i.astray != "":
		err = notRunning(restart+", or a run of falco-bootstrap, makes it open its log again",
			"falco writes to %s, which is not %s any more", i.astray, log)
	case seen.Journal > 0 && len(i.silenced) > 0:
		err = notRunning("run falco-bootstrap: it sets the declared keys again",
			"falco detects, and its alert is in the journal but not in %s: %s", log, strings.Join(i.why(), "; "))
	case seen.Journal > 0:
		err = notRunning("is the file system full or read-only, or does Falco run an older configuration? "+restart+" makes it read the configuration again",
			"falco detects, and its alert is in the journal but not in %s", log)
	default:
		err = i.blind(restart)
	}
	return reason, i.seconds, err
}

// down explains a Falco that is not running: by a known problem, by what Falco
// says, by the program that has its port, or else by what systemd saw.
func (i Inspection) down(complaint string) error {
	u := i.unit
	err := fmt.Errorf("%s is %s (%s), not running", u.Name, u.ActiveState, u.SubState)
	if !u.Exists() {
		err = fmt.Errorf("%s does not exist", u.Name)
	}
	for _, p := range i.problems {
		if p.Fatal && complaint != "" { // Falco is the judge
			return notRunning(p.Hint, "%w: %s", err, p)
		}
	}
	switch {
	case complaint != "":
		return exited(err, complaint, "", u)
	case i.port != "", u.ActiveState == "failed", u.SubState == "auto-restart":
		return exited(err, "", i.port, u)
	}
	return notRunning("run falco-bootstrap: it starts the unit, or says why it does not stay up", "%w", err)
}

// why lists what keeps the alert from the log.
func (i Inspection) why() []string {
	var out []string
	for _, s := range i.silenced {
		out = append(out, s.text)
	}
	return out
}

// blind explains a Falco that is running and reports nothing.
func (i Inspection) blind(restart string) error {
	why, hint := i.why(), ""
	for _, p := range i.problems {
		why = append(why, p.String())
		if hint == "" {
			hint = p.Hint
		}
	}
	why = append(why, i.suspects...)
	switch {
	case len(i.silenced) > 0:
		hint = "run falco-bootstrap to set the declared keys again; enable a disabled rule where it is disabled"
	case hint == "" && len(i.suspects) > 0:
		hint = "take that out, or change it so that the rule matches when a program opens /etc/shadow for reading; then " + restart
	case hint == "":
		hint = "is it older than what is on disk, or stuck at its start? " + restart + " starts it again"
	}
	err := fmt.Errorf("%s is running but wrote no alert to %s", i.subject.Unit, i.subject.Log)
	if len(why) > 0 {
		err = fmt.Errorf("%w: %s", err, strings.Join(why, "; "))
	}
	return notRunning(hint, "%w", err)
}

// exited returns the error about a unit whose Falco exited: Falco's own message, or
// who has its port, or else what systemd saw.
func exited(err error, complaint, port string, u systemd.Unit) error {
	switch {
	case complaint != "":
		return notRunning("correct what it says and run falco-bootstrap; `journalctl -u "+u.Name+"` shows what systemd saw",
			"%w: Falco says: %s", err, complaint)
	case port != "":
		return notRunning("stop the other program, or declare another webserver.listen_port in falco.config",
			"%w: %s, and Falco exits if its web server cannot", err, port)
	}
	return notRunning("`journalctl -u "+u.Name+"` shows how it exited; run falco-bootstrap to start it again",
		"%w: Falco has no complaint about its configuration; systemd says: %s, status %d, %d restarts", err, u.Result, u.ExecStatus, max(u.NRestarts, 0))
}

func notRunning(hint, format string, args ...any) error {
	return node.Errorf(node.CodeNotRunning, hint, format, args...)
}

// inTree turns an absolute path into a name of io/fs.
func inTree(path string) string { return strings.TrimPrefix(path, "/") }

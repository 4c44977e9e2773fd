// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/files"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/program"
)

// candidateName is where a falco.yaml is put before the installed Falco: in
// the state folder, which Falco does not read by itself.
const candidateName = "candidate/falco.yaml"

// falcoConfig is the file that Falco reads.
const falcoConfig = "/etc/falco/falco.yaml"

// A verdict is what Falco says of a configuration.
type verdict struct {
	ok bool
	// reason is Falco's own message if it refuses.
	reason string
	// warnings are its complaints that are no refusal, such as a key that its
	// schema does not know.
	warnings []string
}

// checkCandidate asks the installed Falco about the new content of a
// falco.yaml. A refusal is [node.CodeConfig]; warnings are told.
func (m *Machine) checkCandidate(ctx context.Context, c node.WriteFile) error {
	candidate, err := m.writeCandidate(c.New)
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(candidate) }()
	v, err := askFalco(ctx, m.tools, *c.Check, candidate, c.Path)
	if err != nil {
		return node.Errorf(node.CodeConfig, "run "+m.tools.falco+" --version on this node: the installed Falco itself does not start",
			"checking the new %s: %w", c.Path, err)
	}
	for _, w := range v.warnings {
		m.opts.tell(node.Progress{Message: "falco on the new " + c.Path + ": " + w, Warning: true})
	}
	if !v.ok {
		return node.Errorf(node.CodeConfig, "correct falco.config in the settings, or the file in /etc/falco that the message speaks of; the old "+path.Base(c.Path)+" is still in place",
			"falco would refuse the new %s: %s", c.Path, v.reason)
	}
	return nil
}

func (m *Machine) writeCandidate(content []byte) (string, error) {
	folder, err := files.MakeStateDir(m.tree)
	if err != nil {
		return "", err
	}
	target := filepath.Join(folder, candidateName)
	if err := os.Mkdir(filepath.Dir(target), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", files.Changing(path.Join(files.StateDir, candidateName), err)
	}
	return target, files.Changing(path.Join(files.StateDir, candidateName), writeFresh(target, content))
}

// writeFresh writes a file that is nobody else's and only for a moment.
func writeFresh(path string, content []byte) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Close()); err != nil {
		_ = os.Remove(path)
	}
	return err
}

// askFalco has Falco read a configuration as it would at its start. That needs
// no driver and no port, and writes nothing. Falco's schema warnings go
// through its logger, so it is told to log warnings to standard error, and not
// to syslog. name is the path that messages give instead of file.
func askFalco(ctx context.Context, t tools, check node.FalcoCheck, file, name string) (verdict, error) {
	argv := []string{t.falco, "-c", file, "--dry-run", "-o", "log_stderr=true", "-o", "log_level=warning", "-o", "log_syslog=false"}
	if before035(check.Version) {
		argv = []string{t.falco, "-c", file, "-L"} // lists the rules, having read all
	}
	var env []string
	if check.Preload != "" {
		env = []string{"LD_PRELOAD=" + check.Preload}
	}
	out, err := program.Run(ctx, program.Command{Argv: argv, Env: env, Timeout: time.Minute, Keep: 256 << 10})
	if err != nil {
		return verdict{}, err
	}
	said := strings.ReplaceAll(string(out.Stderr), file, name)
	v := verdict{ok: out.Status == 0, warnings: falcoWarnings(said)}
	switch {
	case v.ok:
	case out.Signal != 0:
		v.reason = "it was ended by signal " + out.Signal.String()
	default:
		v.reason = falcoReason(said)
		if v.reason == "" {
			v.reason = "exit status " + strconv.Itoa(out.Status)
		}
	}
	return v, nil
}

// before035 reports whether a version has no --dry-run (falco 0.35 added it).
// One that cannot be read counts as new.
func before035(version string) bool {
	major, rest, _ := strings.Cut(version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	m, err := strconv.Atoi(minor)
	return major == "0" && err == nil && m < 35
}

// stamp is the date in front of Falco's log lines; its last words have none.
var stamp = regexp.MustCompile(`^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}: `)

// falcoReason finds in Falco's standard error why it would not start: what
// follows its last "Error:", which may be several lines for a rules file, or,
// where that says nothing, the log line that does. The result is one line.
func falcoReason(stderr string) string {
	var last, logged string
	for line := range strings.Lines(stderr) {
		line = strings.TrimRight(line, " \t\r\n")
		text := stamp.ReplaceAllString(line, "")
		switch {
		case strings.HasPrefix(text, "Error: "):
			last = strings.TrimPrefix(text, "Error: ")
		case strings.HasPrefix(text, "Runtime error: "), strings.HasPrefix(text, "Cannot read config file"):
			logged = strings.TrimPrefix(text, "Runtime error: ")
		case last != "" && text == line && text != "":
			last += " " + strings.TrimSpace(text)
		}
	}
	if last == "" || last == "std::exception" {
		last = logged
	}
	if last == "" {
		if lines := program.LastLines([]byte(stderr), 1); len(lines) > 0 {
			last = stamp.ReplaceAllString(lines[0], "")
		}
	}
	return program.Clip(strings.Join(strings.Fields(last), " "))
}

// falcoWarnings finds the log lines that a person should see, each once.
func falcoWarnings(stderr string) []string {
	var found []string
	seen := map[string]bool{}
	for line := range strings.Lines(stderr) {
		text := strings.TrimSpace(stamp.ReplaceAllString(strings.TrimSpace(line), ""))
		lower := strings.ToLower(text)
		if strings.Contains(lower, "validation: failed") || strings.Contains(lower, "deprecat") || strings.Contains(lower, "warning") {
			if !seen[text] && len(found) < 20 {
				found = append(found, program.Clip(text))
			}
			seen[text] = true
		}
	}
	return found
}

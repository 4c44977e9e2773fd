// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"cmp"
	"context"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
	"github.com/falco-bootstrap/falco-bootstrap/internal/files"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/program"
	"github.com/falco-bootstrap/falco-bootstrap/internal/verify"
)

// candidateName is the file in which the installed Falco checks a new
// falco.yaml. It is in the state directory, which Falco does not read by itself.
const candidateName = "candidate/falco.yaml"

// checkCandidate has the installed Falco check the new content of a falco.yaml.
// A refusal is an error with [node.CodeConfig]; warnings are reported as
// progress.
func (m *Machine) checkCandidate(ctx context.Context, c node.WriteFile) error {
	candidate, err := m.writeCandidate(c.New)
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(candidate) }()
	reason, warnings, err := askFalco(ctx, m.tools, *c.Check, candidate, c.Path)
	if err != nil {
		return node.Errorf(node.CodeConfig, "run "+m.tools.falco+" --version on this node: the installed Falco itself does not start",
			"checking the new %s: %w", c.Path, err)
	}
	for _, w := range warnings {
		m.opts.tell(node.Progress{Message: "falco warns about the new " + c.Path + ": " + w, Warning: true})
	}
	if reason != "" {
		return node.Errorf(node.CodeConfig, "correct falco.config in the settings, or the file in /etc/falco that the message names; the old "+path.Base(c.Path)+" is still in place",
			"falco would refuse the new %s: %s", c.Path, reason)
	}
	return nil
}

func (m *Machine) writeCandidate(content []byte) (string, error) {
	dir, err := files.MakeStateDir(m.tree)
	if err != nil {
		return "", err
	}
	target := filepath.Join(dir, candidateName)
	err = os.MkdirAll(filepath.Dir(target), 0o700)
	if err == nil {
		err = files.Overwrite(target, content, 0o600)
	}
	return target, files.Changing(path.Join(files.StateDir, candidateName), err)
}

// askFalco has Falco read a configuration as it does when it starts. reason is
// Falco's own message if it refuses, or "". warnings are the messages of a Falco
// that accepts, such as one about a key that its schema does not have. Messages
// name the path name instead of file.
func askFalco(ctx context.Context, t tools, check node.FalcoCheck, file, name string) (reason string, warnings []string, err error) {
	c := program.Command{
		Argv:    append([]string{t.falco}, falco.CheckArgs(check.Version, file)...),
		Timeout: time.Minute, Keep: 256 << 10,
	}
	if check.Preload != "" {
		c.Env = []string{"LD_PRELOAD=" + check.Preload}
	}
	out, err := program.Run(ctx, c)
	if err != nil {
		return "", nil, err
	}
	said := strings.ReplaceAll(string(out.Stderr), file, name)
	switch {
	case out.Status == 0:
	case out.Signal != 0:
		reason = "it was killed by signal " + out.Signal.String()
	default:
		reason = cmp.Or(verify.Reason(said), "exit status "+strconv.Itoa(out.Status))
	}
	return reason, verify.Warnings(said), nil
}

// Complaint returns, in one line, why the installed Falco refuses its present
// configuration, or "". It changes nothing.
func Complaint(ctx context.Context, opts Options, check node.FalcoCheck) string {
	return complaint(ctx, opts.programs(), check)
}

func complaint(ctx context.Context, t tools, check node.FalcoCheck) string {
	reason, _, err := askFalco(ctx, t, check, falco.ConfigFile, falco.ConfigFile)
	if strings.Contains(reason, "Option 'dry-run' does not exist") { // the version was not known
		check.Version = "0.34.0"
		reason, _, err = askFalco(ctx, t, check, falco.ConfigFile, falco.ConfigFile)
	}
	if err != nil {
		return err.Error()
	}
	return reason
}

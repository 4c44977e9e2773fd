// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
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

// candidateName is where a falco.yaml is put before the installed Falco: in
// the state directory, which Falco does not read by itself.
const candidateName = "candidate/falco.yaml"

// An opinion is what Falco says of a configuration.
type opinion struct {
	ok bool
	// reason is Falco's own message if it refuses.
	reason string
	// warnings are complaints that do not make it refuse, such as one about a
	// key that its schema does not know.
	warnings []string
}

// checkCandidate asks the installed Falco about the new content of a
// falco.yaml. A refusal is an error with [node.CodeConfig];
// warnings are reported as progress.
func (m *Machine) checkCandidate(ctx context.Context, c node.WriteFile) error {
	candidate, err := m.writeCandidate(c.New)
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(candidate) }()
	o, err := askFalco(ctx, m.tools, *c.Check, candidate, c.Path)
	if err != nil {
		return node.Errorf(node.CodeConfig, "run "+m.tools.falco+" --version on this node: the installed Falco itself does not start",
			"checking the new %s: %w", c.Path, err)
	}
	for _, w := range o.warnings {
		m.opts.tell(node.Progress{Message: "falco on the new " + c.Path + ": " + w, Warning: true})
	}
	if !o.ok {
		return node.Errorf(node.CodeConfig, "correct falco.config in the settings, or the file in /etc/falco that the message names; the old "+path.Base(c.Path)+" is still in place",
			"falco would refuse the new %s: %s", c.Path, o.reason)
	}
	return nil
}

func (m *Machine) writeCandidate(content []byte) (string, error) {
	dir, err := files.MakeStateDir(m.tree)
	if err != nil {
		return "", err
	}
	target := filepath.Join(dir, candidateName)
	if err := os.Mkdir(filepath.Dir(target), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", files.Changing(path.Join(files.StateDir, candidateName), err)
	}
	return target, files.Changing(path.Join(files.StateDir, candidateName), writeFresh(target, content))
}

// writeFresh writes a file that did not exist before.
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

// askFalco has Falco read a configuration as it does at its start. name is the
// path that messages give instead of file.
func askFalco(ctx context.Context, t tools, check node.FalcoCheck, file, name string) (opinion, error) {
	var env []string
	if check.Preload != "" {
		env = []string{"LD_PRELOAD=" + check.Preload}
	}
	argv := append([]string{t.falco}, falco.CheckArgs(check.Version, file)...)
	out, err := program.Run(ctx, program.Command{Argv: argv, Env: env, Timeout: time.Minute, Keep: 256 << 10})
	if err != nil {
		return opinion{}, err
	}
	said := strings.ReplaceAll(string(out.Stderr), file, name)
	o := opinion{ok: out.Status == 0, warnings: verify.Warnings(said)}
	switch {
	case o.ok:
	case out.Signal != 0:
		o.reason = "it was ended by signal " + out.Signal.String()
	default:
		o.reason = cmp.Or(verify.Reason(said), "exit status "+strconv.Itoa(out.Status))
	}
	return o, nil
}

// Complaint is what the installed Falco says against its configuration as it is
// on disk, in one line, or "". It changes nothing.
func Complaint(ctx context.Context, opts Options, check node.FalcoCheck) string {
	return complaint(ctx, opts.programs(), check)
}

func complaint(ctx context.Context, t tools, check node.FalcoCheck) string {
	o, err := askFalco(ctx, t, check, falco.ConfigFile, falco.ConfigFile)
	if err == nil && strings.Contains(o.reason, "Option 'dry-run' does not exist") { // the version was not known
		check.Version = "0.34.0"
		o, err = askFalco(ctx, t, check, falco.ConfigFile, falco.ConfigFile)
	}
	if err != nil {
		return err.Error()
	}
	return o.reason
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
	"github.com/falco-bootstrap/falco-bootstrap/internal/files"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/program"
	"github.com/falco-bootstrap/falco-bootstrap/internal/verify"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/systemd"
)

// candidate is the file in which the installed Falco checks a new falco.yaml: the
// first descriptor after the standard ones.
const candidate = "/proc/self/fd/3"

// checkCandidate has the installed Falco check the new content of a falco.yaml.
// A refusal is an error with [node.CodeConfig]; warnings are reported as
// progress.
func (m *Machine) checkCandidate(ctx context.Context, c node.WriteFile) error {
	reason, warnings, err := askFalco(ctx, m.tools, *c.Check, c.New)
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

// checkStart has the installed Falco check what is on disk, before it takes the
// place of a running one.
//
// Restarting a unit stops it before the units that it requires are started. So
// those are started first: for a unit that is active, a start does nothing else.
func (m *Machine) checkStart(ctx context.Context, conn *systemd.Conn, c node.ChangeUnit) error {
	units, err := conn.Units(ctx, c.Unit)
	if err != nil {
		return err
	}
	u := units[c.Unit]
	reason, _, err := askFalco(ctx, m.tools, node.FalcoCheck{Version: c.Check.Version, Args: falco.StartOf(u, m.tree).Args, Env: u.Env(m.tree)}, nil)
	if err != nil {
		return fmt.Errorf("checking what %s would be started with: %w", c.Unit, err)
	}
	if reason != "" || c.Action != node.Restart || !u.Running() {
		return node.Refused(c.Unit, reason)
	}
	var job *systemd.JobError
	if err := conn.Start(ctx, c.Unit); errors.As(err, &job) {
		return &node.Error{
			Code: node.CodeConfig, Drift: node.DriftConfigBroken,
			Err:  fmt.Errorf("systemd would not start %s again%s; the running Falco is left alone", c.Unit, required(ctx, conn, u)),
			Hint: "`systemctl list-dependencies " + c.Unit + "` shows what it requires; mend that, or remove the line that requires it",
		}
	}
	return nil
}

// required says which units that a unit requires have failed or are not there, or
// "".
func required(ctx context.Context, conn systemd.Reader, u systemd.Unit) string {
	units, err := conn.Units(ctx, u.Requires...)
	if err != nil {
		return ""
	}
	text := ""
	for _, name := range u.Requires {
		switch r := units[name]; {
		case r.LoadState != "loaded":
			text += fmt.Sprintf(": it requires %s, which is %s", name, r.LoadState)
		case r.ActiveState == "failed":
			text += fmt.Sprintf(": it requires %s, which is failed", name)
		}
	}
	return text
}

// askFalco has Falco read its configuration as it does when it starts. reason is
// Falco's own message if it refuses, or "". warnings are the messages of a Falco
// that accepts, such as one about a key that its schema does not have. content, if
// not nil, takes the place of falco.yaml, which messages name all the same.
// A Falco whose version is not known may be one before 0.35.
func askFalco(ctx context.Context, t tools, check node.FalcoCheck, content []byte) (reason string, warnings []string, err error) {
	reason, warnings, err = askOnce(ctx, t, check, content)
	if strings.Contains(reason, "Option 'dry-run' does not exist") {
		check.Version = "0.34.0"
		return askOnce(ctx, t, check, content)
	}
	return reason, warnings, err
}

func askOnce(ctx context.Context, t tools, check node.FalcoCheck, content []byte) (reason string, warnings []string, err error) {
	c := program.Command{Env: check.Env, Timeout: time.Minute, Keep: 256 << 10}
	file := ""
	if content != nil {
		f, err := inMemory(content)
		if err != nil {
			return "", nil, err
		}
		defer func() { _ = f.Close() }()
		file, c.Files = candidate, []*os.File{f}
	}
	rules, err := stageRules(check.Rules)
	if err != nil {
		return "", nil, err
	}
	defer rules.remove()
	c.Argv = append([]string{t.falco}, falco.CheckArgs(check.Version, check.Args, file, rules.paths...)...)
	out, err := program.Run(ctx, c)
	if err == nil && out.Status > 0 && verify.Reason(string(out.Stderr)) == "" {
		// The level of its log may hide the reason.
		c.Argv = append(c.Argv, "-o", "log_level=info")
		out, err = program.Run(ctx, c)
	}
	if err != nil {
		return "", nil, err
	}
	said := rules.rename(strings.ReplaceAll(string(out.Stderr), candidate, falco.ConfigFile))
	switch {
	case out.Status == 0:
	case out.Signal != 0:
		reason = "it was killed by signal " + out.Signal.String()
	default:
		if check.Rules != nil {
			reason = verify.RulesReason(said)
		}
		reason = cmp.Or(reason, verify.Reason(said), "exit status "+strconv.Itoa(out.Status))
	}
	if check.Rules != nil {
		return reason, verify.RulesWarnings(said), nil
	}
	return reason, verify.Warnings(said), nil
}

// inMemory returns a file that is on no disk and has no name. Linux before 3.17,
// as on Oracle Linux 7, has no memfd.
func inMemory(content []byte) (*os.File, error) {
	fd, err := unix.MemfdCreate("falco.yaml", unix.MFD_CLOEXEC)
	f := os.NewFile(uintptr(fd), "falco.yaml")
	if errors.Is(err, unix.ENOSYS) {
		f, err = os.CreateTemp("/dev/shm", "falco.yaml")
		if err == nil {
			err = os.Remove(f.Name())
		}
	}
	if err == nil {
		_, err = f.WriteAt(content, 0)
	}
	if err != nil {
		return nil, fmt.Errorf("keeping a falco.yaml in memory: %w", files.Bare(err))
	}
	return f, nil
}

// ConfigSchema has the installed Falco print the schema of its configuration, which
// needs no configuration and no rights (falco 0.44.1 userspace/falco/app/app.cpp).
func (v *View) ConfigSchema(ctx context.Context) ([]byte, error) {
	if v.host.Tree {
		return nil, node.ErrNotAsked
	}
	out, err := program.Run(ctx, program.Command{Argv: []string{v.tools.falco, "--config-schema"}, AsNobody: true, Timeout: time.Minute, Keep: 1 << 20})
	if err == nil && out.Status != 0 {
		err = fmt.Errorf("asking Falco for the schema of falco.yaml: exit status %d", out.Status)
	}
	return out.Stdout, err
}

// Examine asks the installed Falco about its configuration and rules.
func (v *View) Examine(ctx context.Context, check node.FalcoCheck, content []byte) (reason string, warnings []string, err error) {
	if err := v.mayAsk(); err != nil {
		return "", nil, err
	}
	return askFalco(ctx, v.tools, check, content)
}

func (v *View) mayAsk() error {
	switch {
	case v.host.Tree:
		return node.ErrNotAsked
	case !v.host.Root:
		return fmt.Errorf("asking Falco about its configuration: %w", fs.ErrPermission)
	}
	return nil
}

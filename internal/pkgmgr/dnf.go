// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package pkgmgr

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/cavaliergopher/rpm"

	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/program"
	"github.com/falco-bootstrap/falco-bootstrap/internal/redact"
)

const (
	// Kernel headers and compilers are a few hundred megabytes.
	transactionTimeout = 30 * time.Minute
	// transactionGrace is how long dnf has to finish once it is told to stop.
	transactionGrace = 30 * time.Second
)

// await waits until one of the files exists, or the limit is over.
func (m *Manager) await(ctx context.Context, a *node.Await) {
	if a == nil || m.anyExists(a.Files) {
		return
	}
	began := time.Now()
	m.Tell(node.Progress{Message: "waiting for " + a.What})
	for time.Since(began) < a.Limit && sleep(ctx, min(m.FirstPause, time.Second)) {
		if m.anyExists(a.Files) {
			m.Tell(node.Progress{Message: a.What + " is done", Elapsed: time.Since(began)})
			return
		}
	}
	m.Tell(node.Progress{Message: a.What + " is not done; going on without it", Elapsed: time.Since(began), Warning: true})
}

func (m *Manager) anyExists(paths []string) bool {
	return slices.ContainsFunc(paths, func(path string) bool {
		_, err := m.Tree.Lstat(path)
		return err == nil
	})
}

// yumDownloader is what fetches one package on Oracle Linux 7: yum-utils.
const yumDownloader = "/usr/bin/yumdownloader"

// A packageTool is the path of dnf or yum.
type packageTool string

func (t packageTool) name() string { return filepath.Base(string(t)) }

// isYum reports whether the tool is that of Oracle Linux 7. yum of later
// releases is dnf by another name, but unreachable, since dnf is found first.
func (t packageTool) isYum() bool { return t.name() == "yum" }

func (m *Manager) packageTool() (packageTool, error) {
	for _, path := range m.DNF {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return packageTool(path), nil
		}
	}
	return "", node.Errorf(node.CodePackages, "install dnf (yum on Oracle Linux 7)", "installing packages: none of %s exists: %w", strings.Join(m.DNF, ", "), fs.ErrNotExist)
}

// transactions splits a change as the tool needs it. dnf takes it as it is; yum
// has a verb of its own, downgrade, for older versions.
func transactions(tool packageTool, c node.Install) []node.Install {
	if !tool.isYum() || c.Action != "install" {
		return []node.Install{c}
	}
	down, up := c, c
	down.Action, down.Targets, up.Targets = "downgrade", nil, nil
	for _, t := range c.Targets {
		if t.Old != "" && t.New != "" && rpm.CompareVersions(t.New, t.Old) < 0 {
			down.Targets = append(down.Targets, t)
		} else {
			up.Targets = append(up.Targets, t)
		}
	}
	return slices.DeleteFunc([]node.Install{down, up}, func(part node.Install) bool { return len(part.Targets) == 0 })
}

// A part is one run of the tool.
type part struct {
	node.Install
	// conf, if set, is the main file that the tool reads in the place of the
	// node's: it sees no repository but the one in that file.
	conf string
	// into, if set, is a directory: packages are only fetched, into it.
	into string
}

// argv returns the tool's command line. again is true after a failure that stale
// metadata may have caused.
func (t packageTool) argv(c part, again bool) []string {
	argv := []string{string(t), "-y"}
	if t.isYum() && c.Action == "download" {
		return append([]string{yumDownloader, "-y", "-c", c.conf, "--disablerepo=*", "--enablerepo=" + c.Declared, "--destdir=" + c.into}, c.Targets[0].Spec)
	}
	if c.conf != "" {
		argv = append(argv, "-c", c.conf)
	}
	if c.conf != "" && c.into == "" {
		argv = append(argv, "--noplugins") // there is nothing left to choose or to fetch
	}
	if c.conf != "" || len(c.Repositories) > 0 {
		argv = append(argv, "--disablerepo=*")
	}
	for _, id := range c.Repositories {
		argv = append(argv, "--enablerepo="+id)
	}
	argv = append(argv, t.setopts()...)
	for _, id := range c.Repositories {
		// A repository that cannot be read must fail for that reason, and not be
		// skipped, which ends in "No match".
		argv = append(argv, "--setopt="+id+".gpgcheck=1", "--setopt="+id+".skip_if_unavailable=0")
	}
	if c.Declared != "" {
		// A version may be asked for that was published a minute ago.
		argv = append(argv, "--setopt="+c.Declared+".metadata_expire=1")
	}
	if again && !t.isYum() && c.Action != "remove" {
		argv = append(argv, "--refresh")
	}
	if c.Unneeded {
		argv = append(argv, "--setopt=clean_requirements_on_remove=1") // the last one counts
	}
	if c.NoScripts {
		argv = append(argv, "--setopt=tsflags=noscripts")
	}
	for _, pattern := range c.Exclude {
		argv = append(argv, "--exclude="+pattern)
	}
	switch {
	case c.into == "":
	case c.Action == "download":
		argv = append(argv, "--destdir="+c.into)
	default:
		argv = append(argv, "--downloadonly", "--downloaddir="+c.into)
	}
	argv = append(argv, c.Action)
	for _, target := range c.Targets {
		argv = append(argv, t.argument(target))
	}
	return argv
}

// argument is what the tool is asked for: the file that was checked, if there is
// one. dnf takes the boolean dependencies of rpm, and so finds the one of several
// names that a repository has, without a question before the transaction.
func (t packageTool) argument(target node.Target) string {
	if target.File != "" {
		return target.File
	}
	if len(target.Provides) == 0 || t.isYum() {
		return target.Spec
	}
	return "(" + strings.Join(target.Provides, " or ") + ")"
}

// maxFetched bounds a file that is fetched, in bytes: dnf itself would write metadata
// without end until the disk is full. Oracle's largest has some 200 MB.
const maxFetched = 1 << 30

func (m *Manager) run(ctx context.Context, argv []string, maxFile uint64) (program.Result, error) {
	return program.Run(ctx, program.Command{
		Argv: argv, Env: environment(), Timeout: transactionTimeout, Grace: transactionGrace, Keep: 64 << 10, Combined: true, MaxFile: maxFile,
		Heartbeat: func(message string, elapsed time.Duration) {
			m.Tell(node.Progress{Message: redact.Text(message), Elapsed: elapsed})
		},
	})
}

// environment keeps Falco's scriptlets from choosing a driver or asking
// questions, and passes on the proxies.
func environment() []string {
	// An alias may give dnf's verbs another meaning.
	env := append(falco.InstallEnvironment(), "HOME=/root", "DNF_DISABLE_ALIASES=1")
	for _, name := range proxyVariables() {
		if value := variable(name); value != "" {
			env = append(env, name+"="+value, strings.ToUpper(name)+"="+value)
		}
	}
	return env
}

// transact runs the tool until it succeeds, fails for good, or runs out of tries
// or time.
func (m *Manager) transact(ctx context.Context, tool packageTool, p part) error {
	c := p.Install
	var limit uint64
	if p.into != "" {
		limit = maxFetched
	}
	pause := m.pauses()
	var last diagnosis
	for try := 1; ; try++ {
		out, err := m.run(ctx, slices.Insert(tool.argv(p, try > 1), 2, m.pluginConf(tool)...), limit)
		skipped := tool.isYum() && skippedName.Match(out.Stdout)
		if err == nil && out.Status == 0 && !skipped {
			return nil
		}
		d := m.place(m.unlessPortal(ctx, diagnose(tool, c, out), c), c)
		if err != nil && out.Signal == 0 && len(out.Stdout) == 0 {
			return node.Errorf(node.CodePackages, "", "%s: %w", c, err)
		}
		if err == nil {
			err = ctx.Err()
		}
		if errors.Is(err, os.ErrDeadlineExceeded) || ctx.Err() != nil {
			return d.outOfTime(tool, out, last).err(tool, c, out, err)
		}
		if d.row == keptOld && m.replaced(ctx, c) {
			m.warn(fmt.Sprintf("%s: done, but %s; the next transaction skips its scripts", c, d.what))
			return nil
		}
		if try >= d.tries {
			return d.err(tool, c, out, nil)
		}
		last = d
		m.warn(fmt.Sprintf("%s: %s; trying again", c, d.what))
		if !pause(ctx) {
			return d.err(tool, c, out, ctx.Err())
		}
	}
}

// replaced reports whether the new package is installed although the old
// package's %preun failed, which is what rpm does.
func (m *Manager) replaced(ctx context.Context, c node.Install) bool {
	have, err := m.Packages(ctx)
	return err == nil && c.Action == "install" && len(have.Installed["falco"]) > 1
}

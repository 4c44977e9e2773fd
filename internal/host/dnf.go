// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/cavaliergopher/rpm"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

const (
	// transactionTimeout bounds one run of dnf where the context does not:
	// kernel headers and compilers are some hundred megabytes.
	transactionTimeout = 30 * time.Minute
	// transactionGrace is how long dnf may take to leave a transaction in
	// order once it is told to stop.
	transactionGrace = 30 * time.Second
	heartbeat        = 15 * time.Second
)

// Install implements [node.Machine]: one transaction, by dnf, or by yum
// where there is no dnf (Oracle Linux 7). What can pass is tried again within
// ctx; what cannot is an error at once, of [node.CodeTrust] for keys and
// signatures and [node.CodePackages] else.
//
// With -y dnf imports, unasked, whatever key it finds at a repository's
// gpgkey, into rpm's database for packages and into a keyring of its own for
// metadata (repo_gpgcheck). That is safe here because the repositories used
// are named one by one, and Falco's has gpgkey=file://, the copy of the key
// that was checked against the pinned fingerprints before it was written.
func (m *Machine) install(ctx context.Context, c node.Install) error {
	if err := m.asked(); err != nil {
		return err
	}
	if err := m.vetLocal(c); err != nil {
		return err
	}
	tool, err := m.packageTool()
	if err != nil {
		return err
	}
	m.await(ctx, c.Await)
	for _, part := range transactions(tool, c) {
		if err := m.transact(ctx, tool, part); err != nil {
			return err
		}
	}
	return nil
}

// A packageTool is dnf or yum.
type packageTool struct {
	path string
	yum3 bool
}

func (t packageTool) name() string { return filepath.Base(t.path) }

func (m *Machine) packageTool() (packageTool, error) {
	for _, path := range m.tools.dnf {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			// yum of Oracle Linux 8 and later is dnf by another name; it is
			// never come to there, since dnf stands first.
			return packageTool{path: path, yum3: filepath.Base(path) == "yum"}, nil
		}
	}
	return packageTool{}, failed(node.CodePackages, "install dnf (yum on Oracle Linux 7)", "installing packages: none of %s is there: %w", strings.Join(m.tools.dnf, ", "), fs.ErrNotExist)
}

// transactions is the change as the tool can do it: dnf as it is; yum needs
// the word downgrade for what goes to an older version, which makes two of a
// mixed one.
func transactions(tool packageTool, c node.Install) []node.Install {
	if !tool.yum3 || c.Action != "install" {
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
	var parts []node.Install
	for _, part := range []node.Install{down, up} {
		if len(part.Targets) > 0 {
			parts = append(parts, part)
		}
	}
	return parts
}

// argv is the tool's command line. again is for a try after a failure that
// stale metadata may have caused.
func (t packageTool) argv(c node.Install, again bool) []string {
	argv := []string{t.path, "-y"}
	if len(c.Repositories) > 0 {
		argv = append(argv, "--disablerepo=*")
	}
	for _, id := range c.Repositories {
		argv = append(argv, "--enablerepo="+id)
	}
	// A server that does not answer takes a minute, not the default's five.
	argv = append(argv, "--setopt=timeout=20", "--setopt=retries=3")
	if t.yum3 {
		// yum goes on without a package that it does not know.
		argv = append(argv, "--setopt=skip_missing_names_on_install=False")
	} else {
		argv = append(argv, "--setopt=install_weak_deps=False")
	}
	// A package file is installed without a look at its signature otherwise.
	argv = append(argv, "--setopt=localpkg_gpgcheck=1")
	for _, id := range c.Repositories {
		// A repository that cannot be read is a failure that says so, not one
		// that is left out until "No match" is all there is to say.
		argv = append(argv, "--setopt="+id+".gpgcheck=1", "--setopt="+id+".skip_if_unavailable=0")
	}
	switch {
	case c.Action == "remove" && !t.yum3:
		// What was installed for it stays: it may have got other users.
		argv = append(argv, "--setopt=clean_requirements_on_remove=False")
	case again && !t.yum3 && c.Action != "remove":
		argv = append(argv, "--refresh")
	}
	if c.NoScripts {
		argv = append(argv, "--setopt=tsflags=noscripts")
	}
	for _, pattern := range c.Exclude {
		argv = append(argv, "--exclude="+pattern)
	}
	argv = append(argv, c.Action)
	for _, target := range c.Targets {
		argv = append(argv, target.Spec)
	}
	return argv
}

// packageEnvironment keeps Falco's scriptlets from asking at the terminal,
// from choosing a driver and from starting falcoctl (falco 0.44.1
// scripts/rpm/postinstall.in), and hands on the proxies.
func packageEnvironment() []string {
	env := []string{"HOME=/root", "FALCO_FRONTEND=noninteractive", "FALCO_DRIVER_CHOICE=none", "FALCOCTL_ENABLED=no"}
	for _, name := range []string{"http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// transact runs the tool until it succeeds, or fails for good, or the tries
// or the time are used up.
func (m *Machine) transact(ctx context.Context, tool packageTool, c node.Install) error {
	wait := m.tools.pause.first
	for try := 1; ; try++ {
		out, err := m.runTool(ctx, tool, c, try > 1)
		skipped := tool.yum3 && skippedName(string(out.stdout)) != ""
		if err == nil && out.status == 0 && !skipped {
			return nil
		}
		f := diagnose(tool, out)
		if err != nil && out.signal == 0 && len(out.stdout) == 0 {
			return failed(node.CodePackages, "", "%s: %w", c, err)
		}
		if err == nil {
			err = ctx.Err()
		}
		if errors.Is(err, os.ErrDeadlineExceeded) || ctx.Err() != nil {
			return f.err(tool, c, out, err)
		}
		if f.what == whatKept && m.replaced(ctx, c) {
			m.opts.tell(Progress{Message: fmt.Sprintf("%s: done, but %s; its scripts are left out next", c, f.what), Warning: true})
			return nil
		}
		if try >= f.tries {
			return f.err(tool, c, out, nil)
		}
		m.opts.tell(Progress{Message: fmt.Sprintf("%s: %s; trying again", c, f.what), Warning: true})
		if !sleep(ctx, jitter(wait)) {
			return f.err(tool, c, out, ctx.Err())
		}
		wait = min(2*wait, m.tools.pause.most)
	}
}

// replaced reports whether a transaction that failed since the old package's
// %preun did has put the new one in place all the same, as rpm does.
func (m *Machine) replaced(ctx context.Context, c node.Install) bool {
	have, err := queryPackages(ctx, m.tools)
	return err == nil && c.Action == "install" && len(have.Installed["falco"]) > 1
}

// runTool runs the tool once, with a sign of life every now and then.
func (m *Machine) runTool(ctx context.Context, tool packageTool, c node.Install, again bool) (outcome, error) {
	pulse := m.startPulse(tool.name())
	defer pulse.stop()
	return run(ctx, command{
		argv: tool.argv(c, again), env: packageEnvironment(),
		timeout: transactionTimeout, grace: transactionGrace,
		keep: 64 << 10, joined: true, watch: pulse.heard,
	})
}

// A pulse tells that a program is still at work, and what it said last.
type pulse struct {
	mu   sync.Mutex
	last string
	quit chan struct{}
	done chan struct{}
}

func (m *Machine) startPulse(name string) *pulse {
	p := &pulse{quit: make(chan struct{}), done: make(chan struct{})}
	began := time.Now()
	go func() {
		defer close(p.done)
		tick := time.NewTicker(heartbeat)
		defer tick.Stop()
		for {
			select {
			case <-p.quit:
				return
			case <-tick.C:
				m.opts.tell(Progress{Message: p.message(name), Elapsed: time.Since(began)})
			}
		}
	}()
	return p
}

func (p *pulse) message(name string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.last == "" {
		return name + " is at work"
	}
	return name + " is at work: " + p.last
}

// heard remembers the last line of some output.
func (p *pulse) heard(output []byte) {
	lines := lastLines(output, 1)
	if len(lines) == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = clip(redact(strings.TrimSpace(lines[0])))
}

func (p *pulse) stop() {
	close(p.quit)
	<-p.done
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

// BuildModule implements [node.Machine]. A build that fails carries the end
// of the compiler's output, which dkms keeps in a file and does not show.
func (m *Machine) buildModule(ctx context.Context, c node.BuildModule) error {
	if err := m.asked(); err != nil {
		return err
	}
	began := time.Now()
	for _, argv := range c.Commands {
		if len(argv) == 0 || !filepath.IsAbs(argv[0]) {
			return fmt.Errorf("%s: %q is no absolute path", c, argv)
		}
		pulse := m.startPulse(filepath.Base(argv[0]))
		out, err := run(ctx, command{
			argv: argv, env: buildEnvironment(c.Path), timeout: c.Timeout, grace: 5 * time.Second,
			keep: 64 << 10, joined: true, watch: pulse.heard,
		})
		pulse.stop()
		if err != nil || out.status != 0 {
			return m.buildError(c, argv, out, err, began)
		}
	}
	return nil
}

func buildEnvironment(prefix string) []string {
	env := []string{"HOME=/root"}
	if prefix != "" { // the toolset that the kernel was built with
		env = append(env, "PATH="+prefix+":/usr/sbin:/usr/bin:/sbin:/bin")
	}
	return env
}

func (m *Machine) buildError(c node.BuildModule, argv []string, out outcome, err error, began time.Time) error {
	if err == nil {
		err = fmt.Errorf("%s failed with exit status %d", strings.Join(argv, " "), out.status)
		if out.signal != 0 {
			err = fmt.Errorf("%s was ended by a signal (%v)", strings.Join(argv, " "), out.signal)
		}
	}
	log, lines := m.makeLog(began)
	if len(lines) == 0 {
		log, lines = filepath.Base(argv[0]), lastLines(out.stdout, 20)
	}
	return failed(node.CodeFailed,
		"see whether the devel package is that of the kernel "+c.Kernel+" and which compiler it was built with; the modern_ebpf driver needs no module",
		"%s: %w; the end of %s: %s", c, err, log, redact(strings.Join(lines, "\n")))
}

// makeLog is the end of dkms' newest make.log, if this build wrote it: while a
// build fails it is in build/, and is filed under the kernel's name later.
func (m *Machine) makeLog(began time.Time) (path string, lines []string) {
	logs := m.tree.glob("/var/lib/dkms/falco/*/build/make.log")
	logs = append(logs, m.tree.glob("/var/lib/dkms/falco/*/*/*/log/make.log")...)
	newest := slices.MaxFunc(append(logs, ""), func(a, b string) int {
		return m.modified(a).Compare(m.modified(b))
	})
	// File times may lag behind the clock by a tick.
	if newest == "" || m.modified(newest).Before(began.Add(-time.Second)) {
		return "", nil
	}
	content, err := m.tree.ReadFile(newest[1:])
	if err != nil {
		return "", nil
	}
	return newest, lastLines(content, 20)
}

func (m *Machine) modified(path string) time.Time {
	file, err := m.tree.stat(path)
	if path == "" || err != nil {
		return time.Time{}
	}
	return file.ModTime
}

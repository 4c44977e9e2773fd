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
	"github.com/falco-bootstrap/falco-bootstrap/internal/program"
	"github.com/falco-bootstrap/falco-bootstrap/internal/redact"
)

// buildModule builds Falco's kernel module. The error of a failed build has the
// end of the compiler's output, which dkms keeps in a file and does not show.
func (m *Machine) buildModule(ctx context.Context, c node.BuildModule) error {
	env := []string{"HOME=/root"}
	if c.Path != "" {
		env = append(env, "PATH="+c.Path+":/usr/sbin:/usr/bin:/sbin:/bin")
	}
	began := time.Now()
	for _, argv := range c.Commands {
		if len(argv) == 0 || !filepath.IsAbs(argv[0]) {
			return fmt.Errorf("%s: %q is not an absolute path", c, argv)
		}
		out, err := program.Run(ctx, program.Command{
			Argv: argv, Env: env, Timeout: c.Timeout, Grace: 5 * time.Second, Keep: 64 << 10, Combined: true,
			Heartbeat: func(message string, elapsed time.Duration) {
				m.opts.tell(node.Progress{Message: redact.Text(message), Elapsed: elapsed})
			},
		})
		if err != nil || out.Status != 0 {
			return m.buildError(c, argv, out, err, began)
		}
	}
	return nil
}

func (m *Machine) buildError(c node.BuildModule, argv []string, out program.Result, err error, began time.Time) error {
	command := strings.Join(argv, " ")
	switch {
	case err != nil:
	case out.Signal != 0:
		err = fmt.Errorf("%s was killed by a signal (%v)", command, out.Signal)
	default:
		err = fmt.Errorf("%s failed with exit status %d", command, out.Status)
	}
	log, lines := m.makeLog(began)
	if len(lines) == 0 {
		log, lines = filepath.Base(argv[0]), program.LastLines(out.Stdout, 20)
	}
	return node.Errorf(node.CodeFailed,
		"check that the devel package is that of the kernel "+c.Kernel+" and which compiler it was built with; the modern_ebpf driver needs no module",
		"%s: %w; the end of %s: %s", c, err, log, redact.Text(strings.Join(lines, "\n")))
}

// makeLog returns the end of dkms' newest make.log, if this build wrote it. It
// is in build/ while a build fails, and below the kernel's name later.
func (m *Machine) makeLog(began time.Time) (path string, lines []string) {
	logs := m.tree.Glob("/var/lib/dkms/falco/*/build/make.log")
	logs = append(logs, m.tree.Glob("/var/lib/dkms/falco/*/*/*/log/make.log")...)
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
	return newest, program.LastLines(content, 20)
}

func (m *Machine) modified(path string) time.Time {
	file, err := m.tree.Lstat(path)
	if path == "" || err != nil {
		return time.Time{}
	}
	return file.ModTime
}

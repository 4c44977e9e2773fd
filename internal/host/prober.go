// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// ProbeCommand is the first argument with which the agent starts itself as a
// probe; the second is the file to open. The command line has to hand such a
// process to [RunProbe] before anything else. It is no command for people.
const ProbeCommand = "probe-open"

// RunProbe is the probe's whole life: for every byte of in it opens the file
// for reading, closes it, and answers with a byte, '.' or '!'. It reads nothing
// of the file, since the open is what Falco sees. It ends, with the exit
// status that it returns, when in does, and so with the process that began it.
func RunProbe(in io.Reader, out io.Writer, file string) int {
	order := make([]byte, 1)
	for {
		if _, err := io.ReadFull(in, order); err != nil {
			return 0
		}
		answer := byte('.')
		if f, err := os.Open(file); err != nil {
			answer = '!'
		} else {
			_ = f.Close()
		}
		if _, err := out.Write([]byte{answer}); err != nil {
			return 1
		}
	}
}

// A prober is a process with a name of its own that opens the sensitive file
// on demand.
//
// Falco names a process by what the kernel took from the path that it was
// executed by, 15 characters at most; it takes no notice of a name that a
// thread gives itself later. So the agent executes itself by a link that bears
// the name, which needs no copy of the program and no second program, and a
// folder that is mounted noexec does no harm, for a link is not what is
// executed. Another program opening the same file, or another agent, then
// cannot be taken for the probe.
type prober struct {
	marker string
	file   string
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    io.ReadCloser
	opens  int
}

// newMarker is a process name that is nobody else's: 15 characters.
func newMarker() string {
	return "fb-probe-" + rand.Text()[:6]
}

// startProber starts the process; folder is where its link lies for a moment.
func startProber(ctx context.Context, folder, file, marker string) (*prober, error) {
	link := filepath.Join(folder, marker)
	// The program's file may have been replaced or removed since it started.
	if err := os.Symlink("/proc/"+strconv.Itoa(os.Getpid())+"/exe", link); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("starting the probe: %w", err)
	}
	defer func() { _ = os.Remove(link) }()
	// A query that ran as nobody has left this process undumpable: its child
	// shared our memory while it changed its user. Without CAP_SYS_PTRACE, as
	// in a container, /proc/PID/exe would then be closed to our own child.
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0); err != nil {
		return nil, fmt.Errorf("starting the probe: %w", err)
	}
	cmd := exec.CommandContext(ctx, link, ProbeCommand, file)
	cmd.Env, cmd.Dir = []string{"LC_ALL=C"}, "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = time.Second
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the probe: %w", bare(err))
	}
	p := &prober{marker: marker, file: file, cmd: cmd, in: in, out: out}
	// The first open also waits until the link has served its purpose.
	if err := p.open(); err != nil {
		p.stop()
		return nil, err
	}
	return p, nil
}

// open has the process open the file once. The context that the prober was
// started with bounds it.
func (p *prober) open() error {
	if _, err := p.in.Write([]byte{'o'}); err != nil {
		return fmt.Errorf("asking the probe to open %s: %w", p.file, err)
	}
	answer := make([]byte, 1)
	if _, err := io.ReadFull(p.out, answer); err != nil {
		return fmt.Errorf("asking the probe to open %s: %w", p.file, err)
	}
	if answer[0] != '.' {
		return fmt.Errorf("the probe cannot open %s for reading", p.file)
	}
	p.opens++
	return nil
}

// stop ends the process.
func (p *prober) stop() {
	_ = p.in.Close()
	_ = p.cmd.Wait()
}

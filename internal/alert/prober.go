// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package alert

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

	"github.com/falco-bootstrap/falco-bootstrap/internal/files"
)

// ProbeCommand is the first argument when the agent starts itself as a probe;
// the second is the file to open. Such a process must call [RunProbe] before
// anything else. Users do not run this command.
const ProbeCommand = "probe-open"

// RunProbe is all that the probe does. For every byte of in it opens the file for
// reading, closes it, and answers with a byte: '.', or '!' if it cannot. It
// reads nothing, since Falco sees the open. It returns the exit status when in
// ends, which it does when the process that started the probe exits.
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

// A prober is a process with a name of its own that opens the sensitive file on
// demand.
//
// Falco names a process after the path it was executed by, at most 15
// characters, and ignores a name that a thread gives itself later. So the agent
// executes itself through a symbolic link with that name. That needs no second
// program, and works on a file system mounted noexec, since the link itself is
// not executed. No other program that opens the file, and no other agent, can be
// mistaken for the probe.
type prober struct {
	marker string
	file   string
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    io.ReadCloser
	opens  int
}

// newMarker returns a random process name of 15 characters.
func newMarker() string {
	return "fb-probe-" + rand.Text()[:6]
}

// startProber starts the process; its link is in dir for a moment.
func startProber(ctx context.Context, dir, file, marker string) (*prober, error) {
	link := filepath.Join(dir, marker)
	// The program's file may have been replaced since this process started.
	if err := os.Symlink("/proc/"+strconv.Itoa(os.Getpid())+"/exe", link); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("starting the probe: %w", err)
	}
	defer func() { _ = os.Remove(link) }()
	// A query that ran as nobody leaves this process undumpable, because its
	// child shared our memory while it changed its user. Then a child without
	// CAP_SYS_PTRACE, as in a container, could not read /proc/PID/exe.
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
		return nil, fmt.Errorf("starting the probe: %w", files.Bare(err))
	}
	p := &prober{marker: marker, file: file, cmd: cmd, in: in, out: out}
	// The link is needed until the first open is answered.
	if err := p.open(); err != nil {
		p.stop()
		return nil, err
	}
	return p, nil
}

// open makes the process open the file once. It is bounded by the context that
// the prober was started with.
func (p *prober) open() error {
	answer := make([]byte, 1)
	_, err := p.in.Write([]byte{'o'})
	if err == nil {
		_, err = io.ReadFull(p.out, answer)
	}
	switch {
	case err != nil:
		return fmt.Errorf("asking the probe to open %s: %w", p.file, err)
	case answer[0] != '.':
		return fmt.Errorf("the probe cannot open %s for reading", p.file)
	}
	p.opens++
	return nil
}

func (p *prober) stop() {
	_ = p.in.Close()
	_ = p.cmd.Wait()
}

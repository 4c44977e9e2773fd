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

// MarkerPrefix begins the name of every process that opens the sensitive file,
// so that its alerts can be told from others: docs/logging.md.
const MarkerPrefix = "fb-probe-"

// lifetime is how long one process opens the file before the next one does.
const lifetime = time.Second

// A prober is a process with a name of its own that opens the sensitive file on
// demand. It is replaced every second: a Falco in a pid namespace of its own does
// not know the name of a process that is older than its capture.
//
// Falco names a process after the path it was executed by, at most 15
// characters, and ignores a name that a thread gives itself later. So the agent
// executes itself through a symbolic link with that name. That needs no second
// program, and works on a file system mounted noexec, since the link itself is
// not executed. No other program that opens the file, and no other agent, can be
// mistaken for the probe.
type prober struct {
	dir    string // where the link lies
	marker string
	file   string
	opens  int

	started time.Time
	cmd     *exec.Cmd
	in      io.WriteCloser
	out     io.ReadCloser
}

// newMarker returns a random process name of 15 characters.
func newMarker() string {
	return MarkerPrefix + rand.Text()[:6]
}

// Sweep removes the links that killed agents left in their directory. A link names
// the process that made it and is there for a moment, so that of a process which is
// alive is in use, unless its number has come round again.
func Sweep(dir string) {
	links, _ := files.Glob(dir, MarkerPrefix+"*")
	for _, link := range links {
		exe, err := os.Readlink(link)
		if err != nil {
			continue
		}
		_, dead := os.Lstat(filepath.Dir(exe))
		if info, err := os.Lstat(link); err == nil && (dead != nil || time.Since(info.ModTime()) > time.Minute) {
			_ = os.Remove(link)
		}
	}
}

// start starts the process, whose link is in dir for a moment, and has it open the
// file once. ctx ends the process.
func (p *prober) start(ctx context.Context) error {
	link := filepath.Join(p.dir, p.marker)
	// The program's file may have been replaced since this process started.
	if err := os.Symlink("/proc/"+strconv.Itoa(os.Getpid())+"/exe", link); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("starting the probe: %w", err)
	}
	defer func() { _ = os.Remove(link) }()
	// A query that ran as nobody leaves this process undumpable, because its
	// child shared our memory while it changed its user. Then a child without
	// CAP_SYS_PTRACE, as in a container, could not read /proc/PID/exe.
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("starting the probe: %w", err)
	}
	p.cmd, p.started = exec.CommandContext(ctx, link, ProbeCommand, p.file), time.Now()
	p.cmd.Env, p.cmd.Dir = []string{"LC_ALL=C"}, "/"
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.cmd.WaitDelay = time.Second
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return err
	}
	if p.out, err = p.cmd.StdoutPipe(); err != nil {
		return err
	}
	if err := p.cmd.Start(); err != nil {
		return fmt.Errorf("starting the probe: %w", files.Bare(err))
	}
	// The link is needed until the first open is answered.
	err = p.ask()
	if err != nil {
		p.stop()
	}
	return err
}

// open has the file opened once, by a process that is not older than a lifetime.
func (p *prober) open(ctx context.Context) error {
	if p.cmd != nil && time.Since(p.started) < lifetime {
		return p.ask()
	}
	p.stop()
	return p.start(ctx)
}

// ask makes the process open the file once. It is bounded by the context that
// the process was started with.
func (p *prober) ask() error {
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

// stop ends the process, if there is one.
func (p *prober) stop() {
	if p.cmd == nil {
		return
	}
	_ = p.in.Close()
	_ = p.cmd.Wait()
	p.cmd = nil
}

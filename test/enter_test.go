// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// An entrance is a way into a running node.
type entrance struct {
	pid string // of the node's init, in this machine's PID namespace
	// bounds are the capabilities of the node, one bit for each.
	bounds uint64
}

// nodePath and nodeEnv are the PATH and environment that `docker exec` sets.
const nodePath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

var nodeEnv = []string{"PATH=" + nodePath, "HOSTNAME=node", "HOME=/root", "container=docker"}

// entrance returns a way into the node for root on the docker daemon's own machine.
// `docker exec` would take a third of a second of processor time for each program,
// more than most programs themselves. On another machine it is the only way.
func (n *Node) entrance() (entrance, bool) {
	if os.Geteuid() != 0 || os.Getenv("DOCKER_HOST") != "" {
		return entrance{}, false
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if bounds, ok := n.bounds(n.pid); ok {
		return entrance{n.pid, bounds}, true
	}
	// A node that was booted again has another init.
	r, err := run(nil, "docker", "inspect", "--format", "{{.State.Pid}}", n.id)
	if err != nil || r.Exit != 0 {
		return entrance{}, false
	}
	n.pid = strings.TrimSpace(r.Stdout)
	bounds, ok := n.bounds(n.pid)
	return entrance{n.pid, bounds}, ok
}

// bounds returns the capabilities of a process, if it belongs to this node.
func (n *Node) bounds(pid string) (uint64, bool) {
	cgroup, err := os.ReadFile("/proc/" + pid + "/cgroup")
	if err != nil || pid == "" || !bytes.Contains(cgroup, []byte(n.id)) {
		return 0, false
	}
	status, err := os.ReadFile("/proc/" + pid + "/status")
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "CapBnd:"); ok {
			bounds, err := strconv.ParseUint(strings.TrimSpace(value), 16, 64)
			return bounds, err == nil
		}
	}
	return 0, false
}

func (e entrance) start(cmd *exec.Cmd) error {
	started := make(chan error)
	go func() {
		// The thread stays in the node, so it is never unlocked and ends with
		// this goroutine.
		runtime.LockOSThread()
		err := e.enter()
		if err == nil {
			// exec.Command looked the program up on this machine.
			cmd.Path, cmd.Err, cmd.Env = inNodePath(cmd.Args[0]), nil, nodeEnv
			err = cmd.Start()
		}
		started <- err
	}()
	return <-started
}

// enter moves the calling thread, and all that it starts later, into the node's
// namespaces, and bounds its capabilities to those of the node.
func (e entrance) enter() error {
	// Threads share their root and working directory unless they unshare them.
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		return err
	}
	var open []int
	for _, kind := range []string{"cgroup", "ipc", "uts", "net", "pid", "mnt"} {
		fd, err := unix.Open("/proc/"+e.pid+"/ns/"+kind, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("the node's %s namespace: %w", kind, err)
		}
		defer func() { _ = unix.Close(fd) }()
		open = append(open, fd)
	}
	for _, fd := range open {
		if err := unix.Setns(fd, 0); err != nil {
			return fmt.Errorf("entering the node: %w", err)
		}
	}
	for capability := range unix.CAP_LAST_CAP + 1 {
		if e.bounds&(1<<capability) == 0 {
			if err := unix.Prctl(unix.PR_CAPBSET_DROP, uintptr(capability), 0, 0, 0); err != nil {
				return fmt.Errorf("dropping capability %d: %w", capability, err)
			}
		}
	}
	return nil
}

// inNodePath looks a program up in the file tree of the calling thread.
func inNodePath(program string) string {
	if strings.Contains(program, "/") {
		return program
	}
	for _, dir := range strings.Split(nodePath, ":") {
		if info, err := os.Stat(dir + "/" + program); err == nil && info.Mode()&0o111 != 0 {
			return dir + "/" + program
		}
	}
	return "/usr/bin/" + program
}

// run runs a command of this machine.
func run(stdin []byte, argv ...string) (Result, error) {
	return runBy((*exec.Cmd).Start, stdin, argv)
}

// runBy runs a command for at most five minutes. A command that a signal ends, or
// that does not exist, has the exit status that a shell gives it.
func runBy(start func(*exec.Cmd) error, stdin []byte, argv []string) (Result, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(stdin), &stdout, &stderr
	cmd.WaitDelay = 5 * time.Second
	began := time.Now()
	err := start(cmd)
	if errors.Is(err, fs.ErrNotExist) {
		return Result{Exit: 127, Stderr: err.Error()}, nil
	}
	if err != nil {
		return Result{}, err
	}
	err = cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) && ctx.Err() == nil {
		err = nil
	}
	status := cmd.ProcessState.ExitCode()
	if ws, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		status = 128 + int(ws.Signal())
	}
	return Result{status, stdout.String(), stderr.String(), time.Since(began)}, err
}

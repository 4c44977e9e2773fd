// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// enter is the command that runs a program in the node. `docker exec` takes a
// third of a second of processor time for each, more than most of what is run
// by it; root on the daemon's own machine enters the node's namespaces itself,
// with the node's capabilities and environment. Elsewhere it is `docker exec`.
func (n *Node) enter(args []string) []string {
	if pid, bounds, ok := n.init(); ok {
		return append([]string{
			"nsenter", "--target", pid, "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--",
			"/usr/bin/env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOSTNAME=node", "HOME=/root", "container=docker",
			"/usr/bin/setpriv", "--bounding-set", bounds,
		}, args...)
	}
	return append([]string{"docker", "exec", "-i", n.id}, args...)
}

// init is the node's PID 1 as this machine sees it, and its capabilities. A node
// that was booted again has another.
func (n *Node) init() (pid, bounds string, ok bool) {
	if os.Geteuid() != 0 || os.Getenv("DOCKER_HOST") != "" {
		return "", "", false
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if bounds, ok = n.bounds(n.pid); ok {
		return n.pid, bounds, true
	}
	r, err := run(nil, "docker", "inspect", "--format", "{{.State.Pid}}", n.id)
	if err != nil || r.Exit != 0 {
		return "", "", false
	}
	n.pid = strings.TrimSpace(r.Stdout)
	bounds, ok = n.bounds(n.pid)
	return n.pid, bounds, ok
}

// bounds are the capabilities of a process for setpriv(1), if it is one of this
// node's.
func (n *Node) bounds(pid string) (string, bool) {
	cgroup, err := os.ReadFile("/proc/" + pid + "/cgroup")
	if err != nil || pid == "" || !bytes.Contains(cgroup, []byte(n.id)) {
		return "", false
	}
	status, err := os.ReadFile("/proc/" + pid + "/status")
	if err != nil {
		return "", false
	}
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(line, ":")
		if name != "CapBnd" {
			continue
		}
		set, err := strconv.ParseUint(strings.TrimSpace(value), 16, 64)
		if err != nil {
			return "", false
		}
		list := "-all"
		for bit := range 64 {
			if set&(1<<bit) != 0 {
				list += fmt.Sprintf(",+cap_%d", bit)
			}
		}
		return list, true
	}
	return "", false
}

// run runs a command of this machine for at most five minutes. One that was
// ended by a signal has the exit status that a shell would give it.
func run(stdin []byte, argv ...string) (Result, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(stdin), &stdout, &stderr
	cmd.WaitDelay = 5 * time.Second
	began := time.Now()
	err := cmd.Run()
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

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

// findFalcos lists the processes whose name is falco, lowest PID first. It fails
// with [fs.ErrPermission] where this user cannot see the processes of others
// (hidepid of proc(5)).
func findFalcos(proc string) ([]node.Process, error) {
	entries, err := os.ReadDir(proc)
	if err != nil {
		return nil, fmt.Errorf("listing processes: %w", err)
	}
	if _, err := os.Stat(filepath.Join(proc, "1/comm")); err != nil && os.Geteuid() != 0 {
		return nil, fmt.Errorf("listing processes: those of other users are hidden: %w", fs.ErrPermission)
	}
	var found []node.Process
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil || firstLine(filepath.Join(proc, entry.Name(), "comm")) != "falco" {
			continue
		}
		found = append(found, readProcess(proc, pid))
	}
	return found, nil
}

// readProcess describes one process. What cannot be read, because the process is
// another user's or has ended, stays empty.
func readProcess(proc string, pid int) node.Process {
	dir := filepath.Join(proc, strconv.Itoa(pid))
	p := node.Process{PID: pid}
	if exe, err := os.Readlink(filepath.Join(dir, "exe")); err == nil {
		p.Exe = exe
	}
	if content, err := os.ReadFile(filepath.Join(dir, "cgroup")); err == nil {
		p.Cgroup = parseCgroup(string(content))
	}
	p.Container = inContainer(p.Cgroup)
	return p
}

// parseCgroup finds the path in /proc/PID/cgroup, lines of
// "ID:CONTROLLERS:PATH": that of systemd's own hierarchy (cgroup v1), or of the
// unified one (v2), or the longest.
func parseCgroup(content string) string {
	var unified, named, longest string
	for line := range strings.Lines(content) {
		f := strings.SplitN(strings.TrimRight(line, "\n"), ":", 3)
		if len(f) != 3 {
			continue
		}
		switch {
		case f[0] == "0" && f[1] == "":
			unified = f[2]
		case f[1] == "name=systemd":
			named = f[2]
		}
		if len(f[2]) > len(longest) {
			longest = f[2]
		}
	}
	// In a hybrid set-up the unified hierarchy may hold only "/".
	for _, path := range []string{named, unified} {
		if len(path) > 1 {
			return path
		}
	}
	return longest
}

// container matches the names that container runtimes give their cgroups:
// Kubernetes' pods, CRI-O, containerd, Docker and Podman.
var container = regexp.MustCompile(`kubepods|(^|[/-])(crio|cri-containerd|containerd|docker|libpod|podman|lxc|machine)[-/.]`)

// inContainer reports whether a cgroup is a container's. A service of the node's
// own is not, whatever its name (such as docker.service).
func inContainer(cgroup string) bool {
	if unit, ok := strings.CutPrefix(cgroup, "/system.slice/"); ok {
		name, _, below := strings.Cut(unit, "/")
		if strings.HasSuffix(name, ".service") && !below {
			return false
		}
		if strings.HasPrefix(name, "falco") {
			return false
		}
	}
	return container.MatchString(cgroup)
}

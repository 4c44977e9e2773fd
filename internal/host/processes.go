// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

// findFalcos lists the processes that are a falco which watches the node, lowest
// PID first. It fails with [fs.ErrPermission] where this user cannot see the
// processes of others (hidepid of proc(5)).
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
		if err != nil {
			continue
		}
		if p, ok := readFalco(proc, pid); ok {
			found = append(found, p)
		}
	}
	return found, nil
}

// readFalco describes a process, and reports whether it is a Falco that watches:
// one that checks or prints something ends by itself, and one that has ended has
// no command line. What cannot be read, because the process is another user's,
// stays empty.
func readFalco(proc string, pid int) (node.Process, bool) {
	dir := filepath.Join(proc, strconv.Itoa(pid))
	p := node.Process{PID: pid}
	if exe, err := os.Readlink(filepath.Join(dir, "exe")); err == nil {
		p.Exe = strings.TrimSuffix(exe, " (deleted)") // as after an upgrade
	}
	if firstLine(filepath.Join(dir, "comm")) != "falco" && path.Base(p.Exe) != "falco" {
		return p, false
	}
	line, err := os.ReadFile(filepath.Join(dir, "cmdline"))
	if err != nil || len(line) == 0 {
		return p, false
	}
	argv := strings.Split(strings.TrimSuffix(string(line), "\x00"), "\x00")
	if content, err := os.ReadFile(filepath.Join(dir, "cgroup")); err == nil {
		p.Cgroup = parseCgroup(string(content))
	}
	p.Unit, p.Container = unitOf(p.Cgroup), inContainer(p.Cgroup)
	return p, falco.ParseCommandLine("", argv).Exits == ""
}

// unitOf returns the unit of the system's manager that a cgroup is of, such as
// "sshd.service" or "session-3.scope", or "".
func unitOf(cgroup string) string {
	for name := range strings.SplitSeq(strings.Trim(cgroup, "/"), "/") {
		switch path.Ext(name) {
		case ".slice":
		case ".service", ".scope":
			return name
		default:
			return ""
		}
	}
	return ""
}

// parseCgroup returns the path from the content of /proc/PID/cgroup, lines of
// "ID:CONTROLLERS:PATH". It prefers systemd's own hierarchy (cgroup v1), then
// the unified one (v2), then the longest path.
func parseCgroup(content string) string {
	paths, longest := map[string]string{}, ""
	for line := range strings.Lines(content) {
		if f := strings.SplitN(strings.TrimRight(line, "\n"), ":", 3); len(f) == 3 {
			paths[f[1]] = f[2]
			if len(f[2]) > len(longest) {
				longest = f[2]
			}
		}
	}
	// In a hybrid set-up the unified hierarchy may hold only "/".
	for _, controllers := range []string{"name=systemd", ""} {
		if path := paths[controllers]; len(path) > 1 {
			return path
		}
	}
	return longest
}

// container matches the names that container runtimes give to cgroups:
// Kubernetes' pods, CRI-O, containerd, Docker and Podman.
var container = regexp.MustCompile(`kubepods|(^|[/-])(crio|cri-containerd|containerd|docker|libpod|podman|lxc|machine)[-/.]`)

// inContainer reports whether a cgroup belongs to a container. That of a service
// of the node, such as docker.service, does not.
func inContainer(cgroup string) bool {
	unit := unitOf(cgroup)
	_, below, _ := strings.Cut(cgroup, unit)
	if strings.HasSuffix(unit, ".service") && (below == "" || strings.HasPrefix(unit, "falco")) && !strings.Contains(cgroup, "kubepods") {
		return false
	}
	return container.MatchString(cgroup)
}

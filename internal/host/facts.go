// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/falco-bootstrap/falco-bootstrap/internal/files"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

// readHost describes the machine; for a tree it returns only what was declared.
// What cannot be read stays empty; a step that needs it says so.
func readHost(t tools, tr files.Tree, kernel string) node.Host {
	h := node.Host{
		Kernel: kernel, KernelGiven: kernel != "", Arch: machineArch(kernel),
		Root: os.Geteuid() == 0, Tree: !tr.IsMachine(),
	}
	if h.Tree {
		return h
	}
	if kernel == "" {
		h.Kernel = runningKernel()
		h.Arch = machineArch(h.Kernel)
	}
	h.BTF = exists(filepath.Join(t.sys, "kernel/btf/vmlinux"))
	h.Systemd = exists(t.booted)
	h.BootID = firstLine(filepath.Join(t.proc, "sys/kernel/random/boot_id"))
	h.FIPS = firstLine(filepath.Join(t.proc, "sys/crypto/fips_enabled")) == "1"
	h.Booted = bootTime(filepath.Join(t.proc, "stat"))
	return h
}

func runningKernel() string {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return ""
	}
	return unix.ByteSliceToString(name.Release[:])
}

// machineArch returns the architecture that a kernel release such as
// "5.14.0-570.12.1.el9_6.x86_64" names, or this program's own if it names none.
func machineArch(release string) string {
	for _, arch := range []string{"x86_64", "aarch64"} {
		if strings.HasSuffix(release, "."+arch) {
			return arch
		}
	}
	return cmp.Or(map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[runtime.GOARCH], runtime.GOARCH)
}

// bootTime reads the line "btime SECONDS" of /proc/stat.
func bootTime(path string) time.Time {
	content, _ := os.ReadFile(path)
	_, rest, _ := strings.Cut(string(content), "\nbtime ")
	seconds, _, _ := strings.Cut(rest, "\n")
	n, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.Unix(n, 0)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// firstLine returns the first line of a file, trimmed, or "" if it cannot be read.
func firstLine(path string) string {
	content, _ := os.ReadFile(path)
	line, _, _ := strings.Cut(string(content), "\n")
	return strings.TrimSpace(line)
}

// findFalcos lists the processes whose name is falco. It fails with
// [fs.ErrPermission] if this user cannot see the processes of others (hidepid
// in proc(5)).
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
		dir := filepath.Join(proc, entry.Name())
		if pid, err := strconv.Atoi(entry.Name()); err == nil && firstLine(filepath.Join(dir, "comm")) == "falco" {
			found = append(found, readProcess(dir, pid))
		}
	}
	return found, nil
}

// readProcess describes one process. What cannot be read, because the process is
// another user's or has ended, stays empty.
func readProcess(dir string, pid int) node.Process {
	exe, _ := os.Readlink(filepath.Join(dir, "exe"))
	content, _ := os.ReadFile(filepath.Join(dir, "cgroup"))
	cgroup := parseCgroup(string(content))
	return node.Process{PID: pid, Exe: exe, Cgroup: cgroup, Container: inContainer(cgroup)}
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

// inContainer reports whether a cgroup belongs to a container. That of a system
// service, such as docker.service, does not.
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

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"cmp"
	"os"
	"path/filepath"
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

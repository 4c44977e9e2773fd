// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A process is what an alert says about the opener. The kernel truncates names to 15
// bytes.
type process struct {
	name, command, exe string
	ancestors          []string // parent first, up to four
	uid, loginuid, tty int
	user               string
	container          string
}

// newProcess reads a process from /proc; it returns nil if the process is gone.
func newProcess(pid int) *process {
	name := proc(pid, "comm")
	if name == "" {
		return nil
	}
	p := &process{name: name, command: command(pid, name), loginuid: -1, container: "host"}
	p.exe, _ = os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	p.tty, _ = strconv.Atoi(statField(pid, 7))
	if n, err := strconv.ParseUint(proc(pid, "loginuid"), 10, 32); err == nil {
		p.loginuid = int(int32(uint32(n)))
	}
	if m := regexp.MustCompile(`(?m)^Uid:\s+\d+\s+(\d+)`).FindStringSubmatch(proc(pid, "status")); m != nil {
		p.uid, _ = strconv.Atoi(m[1])
	}
	// Any other name would have to be read from /etc while an opener waits.
	p.user = "root"
	if p.uid != 0 {
		p.user = "<NA>"
	}
	if id := regexp.MustCompile(`[0-9a-f]{64}`).FindString(proc(pid, "cgroup")); id != "" {
		p.container = id[:12]
	}
	for parent := pid; len(p.ancestors) < 4; {
		n, err := strconv.Atoi(statField(parent, 4))
		if err != nil || n == 0 {
			break
		}
		parent = n
		p.ancestors = append(p.ancestors, proc(parent, "comm"))
	}
	return p
}

// proc returns the content of a file of /proc/PID without the line end, or "".
func proc(pid int, file string) string {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
	return strings.TrimSpace(string(text))
}

// command returns the command line as Falco shows it, with the process's name in
// place of its first argument.
func command(pid int, name string) string {
	args := strings.Split(strings.TrimRight(proc(pid, "cmdline"), "\x00"), "\x00")
	return strings.Join(append([]string{name}, args[1:]...), " ")
}

// statField returns field n of /proc/PID/stat, counted from 1 as in proc(5).
func statField(pid, n int) string {
	_, rest, _ := strings.Cut(proc(pid, "stat"), ") ")
	fields := strings.Fields(rest)
	if n-3 >= len(fields) {
		return ""
	}
	return fields[n-3]
}

// ancestor returns the name of the nth ancestor; 0 is the parent.
func (p *process) ancestor(n int) string {
	if n < len(p.ancestors) && p.ancestors[n] != "" {
		return p.ancestors[n]
	}
	return "<NA>"
}

// trusted reports whether the default rule lets the program read the file.
func (p *process) trusted() bool {
	programs := []string{
		"bash", "sh", "dash", "systemd", "su", "login", "cron", "ps", "passwd", "chpasswd", "useradd", "usermod",
		"userdel", "groupadd", "unix_chkpwd", "rpm", "dnf", "yum", "dpkg", "apt-get",
	}
	return slices.Contains(programs, p.name) || strings.HasPrefix(p.name, "systemd-") || strings.HasPrefix(p.name, "dnf-")
}

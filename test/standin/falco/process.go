// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"os/user"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A process is what an alert says about the opener. Names are cut to 15 bytes
// by the kernel.
type process struct {
	name, command, exe string
	ancestors          []string // parent first, up to four
	uid, loginuid, tty int
	user               string
	container          string
}

// look reads a process from /proc; it returns nil when it is gone.
func look(pid int) *process {
	name := comm(pid)
	if name == "" {
		return nil
	}
	p := &process{name: name, uid: -1, loginuid: -1, container: "host"}
	p.exe, _ = os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	p.command = command(pid, name)
	p.tty, _ = strconv.Atoi(statField(pid, 7))
	if text, err := os.ReadFile(fmt.Sprintf("/proc/%d/loginuid", pid)); err == nil {
		if n, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 32); err == nil {
			p.loginuid = int(int32(uint32(n)))
		}
	}
	if info, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid)); err == nil {
		if m := regexp.MustCompile(`(?m)^Uid:\s+\d+\s+(\d+)`).FindSubmatch(info); m != nil {
			p.uid, _ = strconv.Atoi(string(m[1]))
		}
	}
	p.user = userName(p.uid)
	if text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid)); err == nil {
		if id := regexp.MustCompile(`[0-9a-f]{64}`).Find(text); id != nil {
			p.container = string(id[:12])
		}
	}
	for parent := pid; len(p.ancestors) < 4; {
		n, err := strconv.Atoi(statField(parent, 4))
		if err != nil || n == 0 {
			break
		}
		parent = n
		p.ancestors = append(p.ancestors, comm(parent))
	}
	return p
}

// userName is root's name alone: any other would mean to read below /etc while
// an opener waits.
func userName(uid int) string {
	if uid == 0 {
		return "root"
	}
	return user.UnknownUserIdError(uid).Error()
}

func comm(pid int) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

// command returns the command line as Falco shows it: the process's name in the
// place of its first argument.
func command(pid int, name string) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		return name
	}
	args := strings.Split(strings.TrimRight(string(text), "\x00"), "\x00")
	return strings.Join(append([]string{name}, args[1:]...), " ")
}

// statField returns field n of /proc/PID/stat, counted from 1 as in proc(5).
func statField(pid, n int) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	_, rest, ok := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	if !ok || n-3 >= len(fields) {
		return ""
	}
	return fields[n-3]
}

// ancestor returns the name of the nth ancestor, 0 being the parent.
func (p *process) ancestor(n int) string {
	if n < len(p.ancestors) && p.ancestors[n] != "" {
		return p.ancestors[n]
	}
	return "<NA>"
}

// trusted reports whether the default rule lets the program read the file.
func (p *process) trusted() bool {
	programs := []string{
		"ash", "bash", "csh", "ksh", "sh", "tcsh", "zsh", "dash", "systemd", "sshd", "sudo", "su", "login", "cron",
		"crond", "ps", "file", "passwd", "chage", "chpasswd", "useradd", "usermod", "userdel", "groupadd", "unix_chkpwd",
		"rpm", "dnf", "yum", "dpkg", "apt", "apt-get", "in.proftpd", "mandb", "salt-minion", "mysqld",
	}
	return slices.Contains(programs, p.name) || strings.HasPrefix(p.name, "systemd-") || strings.HasPrefix(p.name, "dnf-")
}

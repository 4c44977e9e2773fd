// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

// Vitals describes a running process and the log that it should write to.
func (v *View) Vitals(pid int, log string) (node.Vitals, error) {
	if v.host.Tree {
		return node.Vitals{}, node.ErrNotAsked
	}
	dir := filepath.Join(v.tools.proc, strconv.Itoa(pid))
	vitals := node.Vitals{State: processState(filepath.Join(dir, "stat"))}
	vitals.Appends, vitals.HasLog = appends(dir, log)
	if log != "" {
		vitals.Full, vitals.ReadOnly = room(filepath.Join(dir, "root"), log)
	}
	return vitals, nil
}

// processState reads the state that follows the name of the program, which is in
// parentheses and may hold some: proc_pid_stat(5).
func processState(path string) string {
	text := firstLine(path)
	fields := strings.Fields(text[strings.LastIndex(text, ")")+1:])
	if len(fields) == 0 {
		return ""
	}
	return fields[0]
}

// appends lists the regular files that a process has open for appending, and
// reports whether one of them is log. dir is the process's in /proc.
func appends(dir, log string) (names []string, hasLog bool) {
	want, _ := os.Stat(log)
	entries, _ := os.ReadDir(filepath.Join(dir, "fd"))
	for _, entry := range entries {
		fd := filepath.Join(dir, "fd", entry.Name())
		info, err := os.Stat(fd)
		if err != nil || !info.Mode().IsRegular() || !isAppended(filepath.Join(dir, "fdinfo", entry.Name())) {
			continue
		}
		name, err := os.Readlink(fd)
		if err == nil {
			names = append(names, name)
			hasLog = hasLog || want != nil && os.SameFile(want, info)
		}
	}
	return names, hasLog
}

// isAppended reads the line "flags:\tOCTAL" of /proc/PID/fdinfo/FD.
func isAppended(path string) bool {
	content, err := os.ReadFile(path)
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(content)) {
		if text, ok := strings.CutPrefix(line, "flags:"); ok {
			flags, err := strconv.ParseInt(strings.TrimSpace(text), 8, 64)
			return err == nil && flags&unix.O_APPEND != 0 && flags&unix.O_ACCMODE != unix.O_RDONLY
		}
	}
	return false
}

// room says whether the file system of a file is full, even for root: it has no
// free block, or no free inode for a file that does not exist yet. Falco runs as
// root, which may use the reserved blocks. root is the root directory of Falco's
// process: its unit may mount for it read-only what is not for others.
func room(root, path string) (full, readOnly bool) {
	var fs unix.Statfs_t
	file := filepath.Join(root, path)
	_, err := os.Stat(file)
	if unix.Statfs(file, &fs) != nil && unix.Statfs(filepath.Dir(file), &fs) != nil {
		return false, false
	}
	full = fs.Blocks > 0 && fs.Bfree == 0 || os.IsNotExist(err) && fs.Files > 0 && fs.Ffree == 0
	return full, fs.Flags&unix.ST_RDONLY != 0
}

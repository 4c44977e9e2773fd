// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package inforce

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

// reloadTime is how long Falco needs at most to read a change by itself: a tenth
// of a second of quiet, a dry run, and a new start within the process.
const reloadTime = 3 * time.Second

// Newest describes the file that a path leads to. If the path is a link that
// was changed after the file, the time is that of the link.
func Newest(view node.View, name string) (node.File, error) {
	target, err := Follow(view, name)
	if err != nil {
		return node.File{}, err
	}
	file, err := view.Stat(target)
	if link, linkErr := view.Stat(name); err == nil && linkErr == nil && link.ModTime.After(file.ModTime) {
		file.ModTime = link.ModTime
	}
	return file, err
}

// IsReread reports whether the running Falco has noticed a change of a file and
// had the time to read it: Falco watches files that it names for writes, and
// directories of fragments for new names only. It watches the file that is there
// now, which after a replacement it does not before it has read it again (falco
// 0.44.1 userspace/falco/app/restart_handler.cpp). A write to a fragment long
// after it was made is not noticed.
func IsReread(view node.View, name string, file node.File, watched map[uint64]bool) bool {
	if view.Now().Sub(file.ModTime) < reloadTime {
		return false
	}
	if watched[file.Inode] {
		return true
	}
	dir, err := Newest(view, path.Dir(name))
	return err == nil && watched[dir.Inode] && !file.Created.IsZero() && file.ModTime.Sub(file.Created) < reloadTime
}

// WatchedInodes returns the inodes of what a process watches with inotify
// (proc_pid_fdinfo(5)). It is empty, not nil, if none can be seen.
func WatchedInodes(tree fs.FS, pid int) map[uint64]bool {
	found := map[uint64]bool{}
	names, _ := fs.Glob(tree, "proc/"+strconv.Itoa(pid)+"/fdinfo/*")
	for _, name := range names {
		text, _ := fs.ReadFile(tree, name)
		for line := range strings.Lines(string(text)) {
			if !strings.HasPrefix(line, "inotify ") {
				continue
			}
			for field := range strings.FieldsSeq(line) {
				hex, ok := strings.CutPrefix(field, "ino:")
				if inode, err := strconv.ParseUint(hex, 16, 64); ok && err == nil {
					found[inode] = true
				}
			}
		}
	}
	return found
}

// maxLinks is how many links the kernel follows for one path (path_resolution(7)).
const maxLinks = 40

// Follow returns where a path leads, as Falco opens it: with all links followed,
// also one that leads to nothing yet.
func Follow(view node.View, name string) (string, error) {
	at, links := "/", 0
	rest := strings.Split(path.Clean(name), "/")
	for len(rest) > 0 {
		next := path.Join(at, rest[0])
		rest = rest[1:]
		file, err := view.Stat(next)
		switch {
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return "", fmt.Errorf("following %s: %w", name, err)
		case err != nil || file.Mode&fs.ModeSymlink == 0:
			at = next
			continue
		}
		if links++; links > maxLinks {
			return "", fmt.Errorf("following %s: too many links", name)
		}
		if path.IsAbs(file.Target) {
			at = "/"
		}
		rest = append(strings.Split(path.Clean(file.Target), "/"), rest...)
	}
	return at, nil
}

// LeadsNowhere says that a path leads through a link to a directory that does not
// exist, or returns nil. The agent makes no directory there: what is meant to be
// behind the link, such as a mount, may come back.
func LeadsNowhere(view node.View, what, name, target string) error {
	if target == path.Clean(name) {
		return nil
	}
	if _, err := fs.Stat(view.Tree(), strings.TrimPrefix(path.Dir(target), "/")); !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return node.Errorf(node.CodeConfig, "mount or make "+path.Dir(target)+", or remove the link",
		"%s %s is a link to %s, whose directory does not exist", what, name, target)
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package steps

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/systemd"
)

// reloadTime is how long Falco needs at most to read a change by itself: a tenth
// of a second of quiet, a dry run, and a new start within the process.
const reloadTime = 3 * time.Second

// staleInput names something that has changed since the running Falco was
// started from it: its package, a drop-in of its unit, or a file that it reads.
// A time in the future is ignored: if a clock was set back, every run would
// restart Falco.
//
// A file that Falco has read again by itself is not stale. If Falco refuses it,
// its old state is still in force, and that is an error.
func staleInput(ctx context.Context, sv *survey, u systemd.Unit, out *converge.Outcome) (string, error) {
	newer := func(t time.Time) bool { return t.After(u.Started) && !t.After(sv.view.Now()) }
	if newer(sv.installed.Installed.Add(-time.Second)) { // rpm's times are whole seconds, of the transaction's start
		return "the package " + sv.installed.NEVRA(), nil
	}
	inputs := []string{falco.ConfigFile}
	config, err := loadInForce(sv, u)
	if err == nil { // else the config step reports it
		inputs = config.Inputs()
	}
	var watched map[uint64]bool
	for i, name := range append(u.DropIns[:len(u.DropIns):len(u.DropIns)], inputs...) {
		file, err := newest(sv.view, name)
		switch {
		case errors.Is(err, fs.ErrNotExist) || err == nil && !newer(file.ModTime):
			continue
		case err != nil:
			return "", fmt.Errorf("checking what Falco reads: %w", err)
		case i < len(u.DropIns):
			return name, nil
		case watched == nil:
			watched = watchedInodes(sv.view.Tree(), u.MainPID)
		}
		if !isReread(sv.view, name, file, watched) {
			return name, nil
		}
	}
	if watched == nil {
		return "", nil
	}
	reason, err := sv.complaint(ctx, u, nil, out)
	if err != nil {
		return "", err
	}
	return "", node.Refused(u.Name, reason)
}

// newest describes the file that a path leads to. If the path is a link that
// was changed after the file, the time is that of the link.
func newest(view node.View, name string) (node.File, error) {
	target, err := follow(view, name)
	if err != nil {
		return node.File{}, err
	}
	file, err := view.Stat(target)
	if link, linkErr := view.Stat(name); err == nil && linkErr == nil && link.ModTime.After(file.ModTime) {
		file.ModTime = link.ModTime
	}
	return file, err
}

// isReread reports whether the running Falco has noticed a change of a file and
// had the time to read it: Falco watches files that it names for writes, and
// directories of fragments for new names only. It watches the file that is there
// now, which after a replacement it does not before it has read it again (falco
// 0.44.1 userspace/falco/app/restart_handler.cpp). A write to a fragment long
// after it was made is not noticed.
func isReread(view node.View, name string, file node.File, watched map[uint64]bool) bool {
	if view.Now().Sub(file.ModTime) < reloadTime {
		return false
	}
	if watched[file.Inode] {
		return true
	}
	dir, err := newest(view, path.Dir(name))
	return err == nil && watched[dir.Inode] && !file.Created.IsZero() && file.ModTime.Sub(file.Created) < reloadTime
}

// watchedInodes returns the inodes of what a process watches with inotify
// (proc_pid_fdinfo(5)). It is empty, not nil, if none can be seen.
func watchedInodes(tree fs.FS, pid int) map[uint64]bool {
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

// follow returns where a path leads, as Falco opens it: with all links followed,
// also one that leads to nothing yet.
func follow(view node.View, name string) (string, error) {
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

// leadsNowhere says that a path leads through a link to a directory that does not
// exist, or returns nil. The agent makes no directory there: what is meant to be
// behind the link, such as a mount, may come back.
func leadsNowhere(view node.View, what, name, target string) error {
	if target == path.Clean(name) {
		return nil
	}
	if _, err := fs.Stat(view.Tree(), inTree(path.Dir(target))); !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return node.Errorf(node.CodeConfig, "mount or make "+path.Dir(target)+", or remove the link",
		"%s %s is a link to %s, whose directory does not exist", what, name, target)
}

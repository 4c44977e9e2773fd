// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package systemd

import (
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
)

// Files returns the unit's file and its drop-ins in the order of their effect, as
// systemd reads them the next time: those that it has read, and others that are
// on disk by now, also for other names of the unit. tree holds the machine's
// files with names of io/fs. A file that is gone or empty, or a link to
// /dev/null, has no effect and is left out.
func (u Unit) Files(tree fs.FS, aliases ...string) []UnitFile {
	paths := map[string]string{} // of drop-ins, by their name: the last directory wins
	for _, p := range u.DropIns {
		paths[path.Base(p)] = p
	}
	// Those of systemctl set-property, of a generator and the like stay.
	dirs := []string{"/usr/lib/systemd/system", "/usr/local/lib/systemd/system", "/run/systemd/system", "/etc/systemd/system"}
	for _, dir := range dirs {
		for _, name := range append(aliases, u.Name) {
			names, _ := fs.Glob(tree, strings.TrimPrefix(path.Join(dir, name+".d/*.conf"), "/"))
			for _, n := range names {
				if old, ok := paths[path.Base(n)]; !ok || slices.Contains(dirs, path.Dir(path.Dir(old))) {
					paths[path.Base(n)] = "/" + n
				}
			}
		}
	}
	var files []UnitFile
	for _, p := range append([]string{u.Fragment}, inOrder(paths)...) {
		content, err := fs.ReadFile(tree, strings.TrimPrefix(p, "/"))
		if p != "" && err == nil && len(content) > 0 {
			files = append(files, UnitFile{p, content})
		}
	}
	return files
}

// inOrder returns the paths in the order of their keys.
func inOrder(paths map[string]string) []string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(paths)) {
		all = append(all, paths[name])
	}
	return all
}

// Unread reports whether files of the unit have changed since systemd read them.
// systemd itself does not report a need to reload when the first drop-in of a
// unit appears, since it remembers which directories existed (systemd 252,
// src/core/unit.c unit_need_daemon_reload). A drop-in that is empty, or a link to
// /dev/null, is a mask.
func (u Unit) Unread(tree fs.FS) bool {
	if u.NeedReload {
		return true
	}
	if u.LoadState != "loaded" {
		return false
	}
	return slices.ContainsFunc(append([]string{u.Name}, u.Names...), func(name string) bool {
		return u.unreadDropIns(tree, "/etc/systemd/system/"+name+".d/")
	})
}

// unreadDropIns reports whether a directory has other drop-ins than systemd has read
// there. One of the same name in a directory that comes later hides one of it.
func (u Unit) unreadDropIns(tree fs.FS, dir string) bool {
	names, _ := fs.Glob(tree, strings.TrimPrefix(dir, "/")+"*.conf")
	onDisk := map[string]bool{}
	isRead := func(name string) bool {
		return slices.ContainsFunc(u.DropIns, func(d string) bool {
			return path.Base(d) == path.Base(name) && (d == name || strings.HasPrefix(d, "/etc/"))
		})
	}
	for _, name := range names {
		info, err := fs.Stat(tree, name)
		onDisk["/"+name] = err == nil && info.Mode().IsRegular() && info.Size() > 0
		if onDisk["/"+name] && !isRead("/"+name) {
			return true
		}
	}
	return slices.ContainsFunc(u.DropIns, func(d string) bool { return strings.HasPrefix(d, dir) && !onDisk[d] })
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

// readWhole reports whether no temporary file may ever lie in a folder, since
// every regular file there is read, whatever its name: Falco loads all of
// config.d and reloads when one appears (falco 0.44.1,
// userspace/falco/configuration.cpp, merge_config_files), and logrotate all of
// logrotate.d but for a list of endings (logrotate 3.21, config.c).
func readWhole(folder string) bool {
	return folder == "/etc/falco/config.d" || folder == "/etc/logrotate.d"
}

// WriteFile implements [node.Machine]. A file that holds the new content
// already is not touched. One that holds neither old nor new is an error, and
// so is anything that is not a regular file. With a check, Falco's verdict
// comes first: [node.CodeConfig], and the old file is as it was.
func (m *Machine) writeFile(ctx context.Context, c node.WriteFile) error {
	path, err := m.tree.locate(c.Path)
	if err != nil {
		return changing(c.Path, err)
	}
	now, err := readRegular(path)
	missing := errors.Is(err, fs.ErrNotExist)
	switch {
	case err != nil && !missing:
		return changing(c.Path, err)
	case !missing && bytes.Equal(now, c.New):
		return nil
	case !bytes.Equal(now, c.Old): // an empty file is worth no more than none
		return meanwhile(c.Path)
	}
	if c.Check != nil && m.tree.own() {
		if err := m.checkCandidate(ctx, c); err != nil {
			return err
		}
	}
	if missing {
		if err := m.makeFolder(ctx, filepath.Dir(c.Path)); err != nil {
			return err
		}
	}
	if err := m.replaceFile(path, c, now); err != nil {
		return err
	}
	if missing {
		m.relabel(ctx, path)
	}
	return nil
}

// replaceFile replaces what holds now; nil is a file that is not there.
func (m *Machine) replaceFile(path string, c node.WriteFile, now []byte) error {
	scratch := filepath.Dir(path)
	if readWhole(filepath.Dir(filepath.Clean(c.Path))) {
		scratch = filepath.Dir(scratch)
	}
	err := replacement{path: path, scratch: scratch, old: now, new: c.New, mode: c.Mode}.replace()
	if errors.Is(err, errChanged) {
		return meanwhile(c.Path)
	}
	return changing(c.Path, err)
}

// makeFolder makes the folders that are missing above a file, each of mode
// 0755 whatever the umask.
func (m *Machine) makeFolder(ctx context.Context, name string) error {
	path, err := m.tree.follow(name)
	if err != nil {
		return changing(name, err)
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil
	}
	if parent := filepath.Dir(filepath.Clean(name)); parent != name {
		if err := m.makeFolder(ctx, parent); err != nil {
			return err
		}
	}
	err = os.Mkdir(path, 0o755)
	if err == nil {
		err = os.Chmod(path, 0o755)
	}
	if err == nil {
		err = syncFolder(filepath.Dir(path))
	}
	if err != nil {
		return changing(name, err)
	}
	m.relabel(ctx, path)
	return nil
}

// relabel gives a new file the SELinux label that the policy has for its path;
// a file that was there keeps its own. Nothing is done where SELinux is off or
// the tree is another's: it is labelled when it first boots. A failure is no
// more than a warning: the label of the folder is most often right.
func (m *Machine) relabel(ctx context.Context, path string) {
	if !m.tree.own() || !exists(filepath.Join(m.tools.sys, "fs/selinux/enforce")) || !exists(m.tools.restorecon) {
		return
	}
	out, err := run(ctx, command{argv: []string{m.tools.restorecon, path}, timeout: 30 * time.Second})
	if err != nil || out.status != 0 {
		m.opts.tell(Progress{Message: "restorecon " + path + " failed" + because(out.stderr), Warning: true})
	}
}

// RemoveFile implements [node.Machine]. A file that holds something else
// than it is known to hold stays.
func (m *Machine) removeFile(c node.RemoveFile) error {
	path, err := m.tree.locate(c.Path)
	if err != nil {
		return changing(c.Path, err)
	}
	now, err := readRegular(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return changing(c.Path, err)
	case c.Old != nil && !bytes.Equal(now, c.Old):
		return meanwhile(c.Path)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return changing(c.Path, err)
	}
	return changing(c.Path, syncFolder(filepath.Dir(path)))
}

// Chmod implements [node.Machine]. A link is not followed.
func (m *Machine) chmod(c node.Chmod) error {
	return m.withFile(c.Path, func(f *os.File) error { return f.Chmod(c.New) })
}

// Chgrp implements [node.Machine]. A link is not followed.
func (m *Machine) chgrp(c node.Chgrp) error {
	return m.withFile(c.Path, func(f *os.File) error { return f.Chown(-1, c.GID) })
}

// withFile changes what a file is, not what it holds.
func (m *Machine) withFile(name string, change func(*os.File) error) error {
	path, err := m.tree.locate(name)
	if err != nil {
		return changing(name, err)
	}
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, syscall.ELOOP) {
		err = ErrNotRegular
	}
	if err != nil {
		return changing(name, err)
	}
	defer func() { _ = f.Close() }()
	return changing(name, change(f))
}

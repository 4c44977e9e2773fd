// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package inforce

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

// Record describes the files of these paths for [node.Proof]. What cannot be read is
// left out, and counts as changed later.
func Record(view node.View, paths []string) map[string]node.Input {
	all := map[string]node.Input{}
	for _, name := range paths {
		if file, err := Newest(view, name); err == nil {
			if sum, err := hash(view, name); err == nil {
				all[name] = node.Input{Inode: file.Inode, Size: file.Size, ModTime: file.ModTime.UTC(), SHA256: sum, Created: file.Created.UTC()}
			}
		}
	}
	return all
}

// A Process is Falco's, with what is known of what it has read.
type Process struct {
	View    node.View
	PID     int
	Started time.Time
	// Package is the installed Falco.
	Package node.Package
	// Proof is that of this very process, or the zero value.
	Proof node.Proof

	watched map[uint64]bool
}

// Stale names what has changed since the process read it: its package, one of its
// unit's drop-ins, or a file. reread means that nothing has, but that Falco has read
// something again by itself: if it refuses that, its old state is still in force.
//
// Where a proof has recorded what the process was started from, that is compared, and
// no clock matters. Elsewhere it goes by times. A time in the future is ignored then:
// if a clock was set back, every run would restart Falco.
func (p *Process) Stale(dropIns, files []string) (what string, reread bool, err error) {
	if p.newPackage() {
		return "the package " + p.Package.NEVRA(), false, nil
	}
	for i, name := range append(dropIns[:len(dropIns):len(dropIns)], files...) {
		file, err := Newest(p.View, name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return "", false, fmt.Errorf("checking what Falco reads: %w", err)
		case !p.changed(name, file):
			continue
		case i < len(dropIns):
			return name, false, nil
		}
		if reread = true; p.watched == nil {
			p.watched = WatchedInodes(p.View.Tree(), p.PID)
		}
		if !IsReread(p.View, name, file, p.watched) {
			return name, false, nil
		}
	}
	return "", reread, nil
}

// newPackage goes by rpm's times, which are whole seconds, of the transaction's start,
// where there is no record.
func (p *Process) newPackage() bool {
	if p.Proof.Package != "" {
		return p.Proof.Package != p.Package.NEVRA()
	}
	return p.newer(p.Package.Installed.Add(-time.Second))
}

func (p *Process) newer(t time.Time) bool { return t.After(p.Started) && !t.After(p.View.Now()) }

// changed reports whether a file is another than the one that the process has read. One
// that was replaced by the same content is: Falco may have read by itself what was there
// in between.
func (p *Process) changed(name string, file node.File) bool {
	if p.Proof.Inputs == nil {
		return p.newer(file.ModTime)
	}
	was, known := p.Proof.Inputs[name]
	if known && was.Inode == file.Inode && was.Size == file.Size && was.ModTime.Equal(file.ModTime) {
		return false
	}
	sum, err := hash(p.View, name)
	return err != nil || sum != was.SHA256 || file.Inode != was.Inode || isReplaced(was, file)
}

// isReplaced reports whether a file is another than the one that had its inode number.
// File systems give the number of a removed file to the next one.
func isReplaced(was node.Input, file node.File) bool {
	return !was.Created.IsZero() && !file.Created.IsZero() && !file.Created.Equal(was.Created)
}

func hash(view node.View, name string) (string, error) {
	content, err := fs.ReadFile(view.Tree(), strings.TrimPrefix(name, "/"))
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:]), err
}

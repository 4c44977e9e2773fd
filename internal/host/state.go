// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"syscall"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

// proofName is the file of the last verdict, in [StateDir].
const proofName = "proof.json"

var errNoFolder = errors.New("not a folder")

// readProof reads the last verdict. One that is missing or no JSON is none: it
// is only a memory, and the proof can be made again. The folder is root's, so
// to anybody else the verdict is hidden, which is not the same.
func readProof(t tree) node.Proof {
	content, err := t.ReadFile(path.Join(StateDir, proofName)[1:])
	if err != nil {
		return node.Proof{Hidden: errors.Is(err, fs.ErrPermission)}
	}
	var p node.Proof
	if json.Unmarshal(content, &p) != nil {
		return node.Proof{}
	}
	return p
}

// ReadState reads a file of the state folder, such as "last-run.json". One
// that is not there is [fs.ErrNotExist].
func ReadState(opts Options, name string) ([]byte, error) {
	t, err := newTree(opts.Root)
	if err != nil {
		return nil, err
	}
	return t.ReadFile(path.Join(StateDir, name)[1:])
}

// WriteState replaces a file of the state folder whole; the folder is made, for
// root alone, if it is not there. It needs not the run's lock, so that a run
// which did not get that can leave its report too: writers of the folder take
// turns, and the last one wins.
func WriteState(opts Options, name string, content []byte) error {
	t, err := newTree(opts.Root)
	if err != nil {
		return err
	}
	folder, err := stateFolder(t)
	if err != nil {
		return err
	}
	return changing(path.Join(StateDir, name), writeInTurn(folder, name, content))
}

// writeInTurn replaces a file of the state folder while it holds a lock on the
// folder, which a process that is killed loses.
func writeInTurn(folder, name string, content []byte) error {
	turn, err := os.Open(folder)
	if err != nil {
		return err
	}
	defer func() { _ = turn.Close() }()
	if err := flock(turn, syscall.LOCK_EX); err != nil {
		return err
	}
	target := path.Join(folder, name)
	old, err := readRegular(target)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return replacement{path: target, scratch: folder, old: old, new: content, mode: 0o600}.replace()
}

// stateFolder makes the state folder, and is its path seen from outside.
func stateFolder(t tree) (string, error) {
	folder, err := t.locate(StateDir)
	if err != nil {
		return "", changing(StateDir, err)
	}
	if err := os.MkdirAll(filepath.Dir(folder), 0o755); err != nil {
		return "", changing(StateDir, err)
	}
	if err := os.Mkdir(folder, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", changing(StateDir, err)
	}
	info, err := os.Lstat(folder)
	if err == nil && !info.IsDir() {
		err = errNoFolder
	}
	return folder, changing(StateDir, err)
}

// writeProof records a verdict.
func (m *Machine) writeProof(p node.Proof) error {
	content, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return WriteState(m.opts, proofName, append(content, '\n'))
}

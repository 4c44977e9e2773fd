// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"io/fs"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/systemd"
)

// A lostView is the view of a tree that is not there any more: every answer is
// why.
type lostView struct{ err error }

var _ node.View = lostView{}

func (v lostView) Tree() fs.FS                    { return lostTree(v) }
func (v lostView) Stat(string) (node.File, error) { return node.File{}, v.err }

func (v lostView) Host() node.Host { return node.Host{Tree: true} }

func (v lostView) Proof() node.Proof                                   { return node.Proof{} }
func (v lostView) Now() time.Time                                      { return time.Now() }
func (v lostView) Altered(context.Context) ([]node.AlteredFile, error) { return nil, v.err }
func (v lostView) Falcos(context.Context) ([]node.Process, error)      { return nil, v.err }

func (v lostView) Packages(context.Context) (node.Packages, error) {
	return node.Packages{}, v.err
}

func (v lostView) Units(context.Context, ...string) (map[string]systemd.Unit, error) {
	return nil, v.err
}

func (v lostView) Module(context.Context, string) (node.Module, error) {
	return node.Module{}, v.err
}

type lostTree struct{ err error }

func (t lostTree) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: t.err}
}

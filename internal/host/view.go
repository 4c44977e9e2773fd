// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"sync"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/systemd"
)

// A View is the node as it is seen once. It implements [node.View].
type View struct {
	opts     Options
	tools    tools
	tree     tree
	now      time.Time
	host     node.Host
	packages *answer[node.Packages]
	altered  *answer[[]node.AlteredFile]
	falcos   *answer[[]node.Process]
	bus      busSource

	mu    sync.Mutex // guards units
	units map[string]systemd.Unit
}

var _ node.View = (*View)(nil)

// A busSource gives the connection to systemd.
type busSource interface {
	conn(ctx context.Context) (*systemd.Conn, error)
}

// OpenView looks at the node. The questions that take time are begun at once,
// side by side; ctx bounds them, so it must live as long as the View. The
// caller closes the View.
func OpenView(ctx context.Context, opts Options) (*View, error) {
	bus := &ownBus{ctx: ctx}
	v, err := newView(ctx, opts, bus)
	if err != nil {
		return nil, err
	}
	if v.tree.own() {
		v.packages.begin()
		v.altered.begin()
		bus.begin()
	}
	return v, nil
}

// newView makes a View that asks nothing until it is asked.
func newView(ctx context.Context, opts Options, bus busSource) (*View, error) {
	t, err := newTree(opts.Root)
	if err != nil {
		return nil, err
	}
	v := &View{
		opts: opts, tools: opts.programs(), tree: t, now: time.Now(), bus: bus,
		units: map[string]systemd.Unit{},
	}
	v.host = readHost(v.tools, t, opts.Kernel)
	v.packages = newAnswer(func() (node.Packages, error) { return queryPackages(ctx, v.tools) })
	v.altered = newAnswer(func() ([]node.AlteredFile, error) { return verifyPackage(ctx, v.tools) })
	v.falcos = newAnswer(func() ([]node.Process, error) { return findFalcos(v.tools.proc) })
	return v, nil
}

// Close ends the View's connection to systemd.
func (v *View) Close() {
	if own, ok := v.bus.(*ownBus); ok {
		own.close()
	}
}

// Tree implements [node.View].
func (v *View) Tree() fs.FS { return v.tree }

// Stat implements [node.View].
func (v *View) Stat(path string) (node.File, error) { return v.tree.stat(path) }

// Host implements [node.View].
func (v *View) Host() node.Host { return v.host }

// Now implements [node.View].
func (v *View) Now() time.Time { return v.now }

// Packages implements [node.View].
func (v *View) Packages(ctx context.Context) (node.Packages, error) {
	if !v.tree.own() {
		return node.Packages{}, node.ErrNotAsked
	}
	return v.packages.get(ctx)
}

// Altered implements [node.View].
func (v *View) Altered(ctx context.Context) ([]node.AlteredFile, error) {
	if !v.tree.own() {
		return nil, node.ErrNotAsked
	}
	return v.altered.get(ctx)
}

// Falcos implements [node.View].
func (v *View) Falcos(ctx context.Context) ([]node.Process, error) {
	if !v.tree.own() {
		return nil, node.ErrNotAsked
	}
	return v.falcos.get(ctx)
}

// Units implements [node.View]. A name is asked about once.
func (v *View) Units(ctx context.Context, names ...string) (map[string]systemd.Unit, error) {
	if !v.tree.own() {
		return nil, node.ErrNotAsked
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	var fresh []string
	for _, name := range names {
		if _, known := v.units[name]; !known {
			fresh = append(fresh, name)
		}
	}
	if len(fresh) > 0 {
		conn, err := v.bus.conn(ctx)
		if err != nil {
			return nil, err
		}
		units, err := conn.Units(ctx, fresh...)
		if err != nil {
			return nil, err
		}
		maps.Copy(v.units, units)
	}
	answer := make(map[string]systemd.Unit, len(names))
	for _, name := range names {
		answer[name] = v.units[name]
	}
	return answer, nil
}

// Module implements [node.View].
func (v *View) Module(_ context.Context, kernel string) (node.Module, error) {
	return findModule(v.tree, kernel)
}

// Proof implements [node.View].
func (v *View) Proof() node.Proof { return readProof(v.tree) }

// ownBus connects to systemd once.
type ownBus struct {
	ctx context.Context

	mu      sync.Mutex // guards pending
	pending *answer[*systemd.Conn]
}

func (b *ownBus) begin() { b.start().begin() }

func (b *ownBus) start() *answer[*systemd.Conn] {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.pending == nil {
		b.pending = newAnswer(func() (*systemd.Conn, error) { return systemd.Connect(b.ctx) })
	}
	return b.pending
}

// conn is the connection. One that broke, as when the bus was restarted by a
// transaction, is made anew.
func (b *ownBus) conn(ctx context.Context) (*systemd.Conn, error) {
	conn, err := b.start().get(ctx)
	if err == nil && !conn.Connected() {
		conn.Close()
		b.mu.Lock()
		b.pending = nil
		b.mu.Unlock()
		conn, err = b.start().get(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("connecting to systemd: %w", err)
	}
	return conn, nil
}

// close ends the connection, also one that is still being made.
func (b *ownBus) close() {
	b.mu.Lock()
	pending := b.pending
	b.mu.Unlock()
	if pending == nil {
		return
	}
	if conn, err := pending.get(b.ctx); err == nil {
		conn.Close()
	}
}

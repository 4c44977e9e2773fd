// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"sync"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/files"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/pkgmgr"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/systemd"
)

// A View is the node at one moment. It keeps every answer.
type View struct {
	tree     files.Tree
	now      time.Time
	host     node.Host
	packages *answer[node.Packages]
	altered  *answer[[]node.AlteredFile]
	falcos   *answer[[]node.Process]
	bus      *bus
	tools    tools
	manager  *pkgmgr.Manager

	mu    sync.Mutex // guards units
	units map[string]systemd.Unit
}

var _ node.View = (*View)(nil)

// OpenView looks at the node. It starts the slow queries at once, concurrently;
// ctx bounds them, so it must live as long as the View. The caller closes the
// View.
func OpenView(ctx context.Context, opts Options) (*View, error) {
	t, err := files.NewTree(opts.Root)
	if err != nil {
		return nil, err
	}
	v := newView(ctx, opts, t, &bus{ctx: ctx})
	if t.IsMachine() {
		v.packages.begin()
		v.altered.begin()
		v.bus.connecting().begin()
	}
	return v, nil
}

// newView returns a View that asks nothing until it is used.
func newView(ctx context.Context, opts Options, t files.Tree, b *bus) *View {
	tools, packages := opts.programs(), opts.packages(t)
	return &View{
		tree: t, now: time.Now(), bus: b, tools: tools, units: map[string]systemd.Unit{},
		manager:  packages,
		host:     readHost(tools, t, opts.Kernel),
		packages: newAnswer(func() (node.Packages, error) { return packages.Packages(ctx) }),
		altered:  newAnswer(func() ([]node.AlteredFile, error) { return packages.Altered(ctx) }),
		falcos:   newAnswer(func() ([]node.Process, error) { return findFalcos(tools.proc) }),
	}
}

// Close closes the connection to systemd.
func (v *View) Close() { v.bus.close() }

// Tree returns the node's files.
func (v *View) Tree() fs.FS { return v.tree }

// Stat describes a file; a link is not followed.
func (v *View) Stat(path string) (node.File, error) { return v.tree.Lstat(path) }

// Host describes the machine.
func (v *View) Host() node.Host { return v.host }

// Now returns the time of the View.
func (v *View) Now() time.Time { return v.now }

// HasStage reports whether a run has left packages behind that it checked.
func (v *View) HasStage() bool { return files.HasStage(v.tree) }

// Packages returns what rpm's database says.
func (v *View) Packages(ctx context.Context) (node.Packages, error) { return live(ctx, v, v.packages) }

// Requirers names the installed packages that require a package by its name.
func (v *View) Requirers(ctx context.Context, name string) ([]string, error) {
	if !v.tree.IsMachine() {
		return nil, node.ErrNotAsked
	}
	return v.manager.Requirers(ctx, name)
}

// Transaction returns the package transaction that runs on the node.
func (v *View) Transaction() (node.Transaction, error) {
	if !v.tree.IsMachine() {
		return node.Transaction{}, node.ErrNotAsked
	}
	return transaction(v.tree, v.tools.proc)
}

// Altered returns what rpm -V says of Falco's files.
func (v *View) Altered(ctx context.Context) ([]node.AlteredFile, error) {
	return live(ctx, v, v.altered)
}

// Falcos returns the running processes whose name is falco.
func (v *View) Falcos(ctx context.Context) ([]node.Process, error) { return live(ctx, v, v.falcos) }

// live returns the answer to a question that only a running machine can answer.
func live[T any](ctx context.Context, v *View, a *answer[T]) (T, error) {
	if !v.tree.IsMachine() {
		var none T
		return none, node.ErrNotAsked
	}
	return a.get(ctx)
}

// Units returns what systemd says about the named units. It asks once about each.
func (v *View) Units(ctx context.Context, names ...string) (map[string]systemd.Unit, error) {
	if !v.tree.IsMachine() {
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

// Fetch returns what is at a URL.
func (v *View) Fetch(ctx context.Context, url, repository string, insecure bool) ([]byte, error) {
	return v.manager.Fetch(ctx, url, repository, insecure)
}

// Module looks for Falco's kernel module.
func (v *View) Module(_ context.Context, kernel string) (node.Module, error) {
	return findModule(v.tree, kernel)
}

// proofName is the file of the last proof, in [files.StateDir].
const proofName = "proof.json"

// Proof reads the last proof. A malformed one counts as missing, since it can be
// made again. Only root can read the directory: to others the proof is hidden,
// not missing.
func (v *View) Proof() node.Proof {
	content, err := files.ReadState(v.tree, proofName)
	if err != nil {
		return node.Proof{Hidden: errors.Is(err, fs.ErrPermission)}
	}
	var p node.Proof
	if json.Unmarshal(content, &p) != nil {
		return node.Proof{}
	}
	return p
}

func (m *Machine) writeProof(p node.Proof) error {
	content, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return files.WriteState(m.tree, proofName, append(content, '\n'))
}

// A bus connects to systemd when it is first needed.
type bus struct {
	ctx context.Context

	mu      sync.Mutex // guards pending
	pending *answer[*systemd.Conn]
}

func (b *bus) connecting() *answer[*systemd.Conn] {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.pending == nil {
		b.pending = newAnswer(func() (*systemd.Conn, error) { return systemd.Connect(b.ctx) })
	}
	return b.pending
}

// conn returns the connection. It connects again if the connection broke, as
// when a transaction restarts the bus.
func (b *bus) conn(ctx context.Context) (*systemd.Conn, error) {
	conn, err := b.connecting().get(ctx)
	if err == nil && !conn.Connected() {
		conn.Close()
		b.mu.Lock()
		b.pending = nil
		b.mu.Unlock()
		conn, err = b.connecting().get(ctx)
	}
	if err != nil {
		return nil, node.Errorf(node.CodeFailed, "see with `ps -C dbus-daemon,dbus-broker -o pid,stat,args` whether the bus runs: T in STAT is a process that was stopped, and `kill -CONT PID` lets it go on",
			"connecting to systemd: %w", err)
	}
	return conn, nil
}

// close closes the connection, even one that is still being made.
func (b *bus) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.pending != nil {
		if conn, err := b.pending.get(b.ctx); err == nil {
			conn.Close()
		}
	}
}

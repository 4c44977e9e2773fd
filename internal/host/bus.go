// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"fmt"
	"sync"

	"github.com/falco-bootstrap/falco-bootstrap/pkg/systemd"
)

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
		return nil, fmt.Errorf("connecting to systemd: %w", err)
	}
	return conn, nil
}

// close closes the connection, also one that is still being made.
func (b *bus) close() {
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

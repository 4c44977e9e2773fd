// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

// await waits until one of the files is there, or the limit is over.
func (m *Machine) await(ctx context.Context, a *node.Await) {
	if a == nil || m.anyThere(a.Files) {
		return
	}
	began := time.Now()
	m.opts.tell(Progress{Message: "waiting for " + a.What})
	for time.Since(began) < a.Limit && sleep(ctx, min(m.tools.pause.first, time.Second)) {
		if m.anyThere(a.Files) {
			m.opts.tell(Progress{Message: a.What + " is done", Elapsed: time.Since(began)})
			return
		}
	}
	m.opts.tell(Progress{Message: a.What + " is not done; going on without", Elapsed: time.Since(began), Warning: true})
}

func (m *Machine) anyThere(files []string) bool {
	for _, f := range files {
		if _, err := m.tree.stat(f); err == nil {
			return true
		}
	}
	return false
}

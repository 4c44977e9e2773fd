// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"fmt"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

// Apply implements [node.Machine].
func (m *Machine) Apply(ctx context.Context, c node.Change) error {
	switch c := c.(type) {
	case node.WriteFile:
		return m.writeFile(ctx, c)
	case node.RemoveFile:
		return m.removeFile(c)
	case node.Chmod:
		return m.chmod(c)
	case node.Chgrp:
		return m.chgrp(c)
	case node.Install:
		return m.install(ctx, c)
	case node.ImportKey:
		return m.importKey(ctx, c)
	case node.RemoveKey:
		return m.removeOldKey(ctx, c)
	case node.BuildModule:
		return m.buildModule(ctx, c)
	case node.ChangeUnit:
		return m.changeUnit(ctx, c)
	case node.Prove:
		return m.prove(ctx, c)
	}
	return fmt.Errorf("applying %T: unknown kind of change", c)
}

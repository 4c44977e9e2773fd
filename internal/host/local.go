// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/trust"
)

// vetLocal checks the packages of a transaction that are files against the
// pinned keys, which the step before has put into the key file, before dnf is
// called with them. dnf checks them again against rpm's database, where other
// keys may be.
func (m *Machine) vetLocal(c node.Install) error {
	if len(c.Fingerprints) == 0 {
		return nil
	}
	content, err := m.tree.ReadFile(strings.TrimPrefix(c.KeyFile, "/"))
	if err != nil {
		return failed(node.CodeTrust, "run without --falco-rpm on a connected node to see the key step, or name the key with --repository-gpgkey", "reading the verified key: %w", err)
	}
	keys, _, err := pinnedKeys(content, c.Fingerprints)
	if err != nil {
		return distrust(c.KeyFile, err)
	}
	for _, t := range c.Targets {
		if !strings.HasPrefix(t.Spec, "/") {
			continue
		}
		if _, err := verifyFile(t.Spec, keys); err != nil {
			return err
		}
	}
	return nil
}

// verifyFile checks one package and returns its NEVRA.
func verifyFile(path string, keys []trust.Key) (string, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return "", changing(path, err)
	}
	nevra, err := trust.VerifyRPM(bytes.NewReader(content), keys, time.Now())
	if err != nil {
		hint := ""
		if refused, ok := errors.AsType[*trust.Error](err); ok {
			hint = refused.Hint
		}
		return "", failed(node.CodeTrust, hint, "checking %s: %w", path, err)
	}
	return nevra, nil
}

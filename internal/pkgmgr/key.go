// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package pkgmgr

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/files"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/redact"
	"github.com/falco-bootstrap/falco-bootstrap/internal/trust"
)

// keyPackage matches rpm's name for a signing key. Nothing else is ever removed.
var keyPackage = regexp.MustCompile(`^gpg-pubkey-[0-9a-f]{8,40}-[0-9a-f]{8}$`)

// ImportKey writes signing keys to disk and imports them into rpm's database,
// but only those that are pinned and still valid. Other keys that the source
// serves are left out, since dnf and rpm would trust them too. If there is no
// such key it fails with [node.CodeTrust] and changes nothing.
func (m *Manager) ImportKey(ctx context.Context, c node.ImportKey) error {
	served, err := m.fetch(ctx, c.URL, c.Repository, c.Insecure)
	if err != nil {
		return err
	}
	keys, unserved, err := pinnedKeys(c.URL, served, c.Fingerprints)
	if err != nil {
		return err
	}
	old, err := m.Tree.ReadFile(strings.TrimPrefix(c.Path, "/"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return files.Changing(c.Path, err)
	}
	if err := m.Write(ctx, node.WriteFile{Path: c.Path, Old: old, New: trust.FormatKeyFile(keys, unserved), Mode: 0o644}); err != nil {
		return err
	}
	if err := m.removeOutdated(ctx, keys); err != nil {
		return err
	}
	return m.change(ctx, "importing "+c.Path+" into rpm's database", "--import", c.Path)
}

// pinnedKeys selects the valid pinned keys from what a source served, and the
// pins that none of them matches.
func pinnedKeys(source string, served []byte, pinned []string) (keys []trust.Key, unserved []string, err error) {
	all, err := trust.ParseKeys(served)
	if err == nil {
		keys, err = trust.Select(all, pinned, time.Now())
	}
	if err != nil {
		source = redact.Text(source)
		return nil, nil, untrusted("the key from "+source, "check what "+source+" serves: it must be an armored OpenPGP public key", err)
	}
	for _, pin := range pinned {
		fingerprint, _ := trust.NormalizeFingerprint(pin) // Select has refused malformed pins
		if !slices.ContainsFunc(keys, func(k trust.Key) bool { return k.Fingerprint == fingerprint }) {
			unserved = append(unserved, fingerprint)
		}
	}
	return keys, unserved, nil
}

// untrusted returns the error of a refused key or package, with the hint of err
// if it has one.
func untrusted(what, hint string, err error) error {
	if refused, ok := errors.AsType[*trust.Error](err); ok {
		hint = refused.Hint
	}
	return node.Errorf(node.CodeTrust, hint, "checking %s: %w", what, err)
}

// removeOutdated removes old copies of the keys from rpm's database, such as one
// with an earlier expiry: rpm does not import a key whose ID it already has
// (kubernetes/release#3840).
func (m *Manager) removeOutdated(ctx context.Context, keys []trust.Key) error {
	known, err := m.Packages(ctx)
	if err != nil {
		return err
	}
	for _, old := range known.Keys {
		had, err := trust.ParseKeys(old.Armored)
		if err != nil {
			continue // not a kind of key that Falco uses
		}
		if slices.ContainsFunc(keys, func(key trust.Key) bool { return isOutdated(had, key) }) {
			if err := m.RemoveKey(ctx, node.RemoveKey{Package: old.Package}); err != nil {
				return err
			}
		}
	}
	return nil
}

// isOutdated reports whether had holds the key with another expiry or state.
func isOutdated(had []trust.Key, key trust.Key) bool {
	return slices.ContainsFunc(had, func(h trust.Key) bool {
		return h.Fingerprint == key.Fingerprint && (!h.Expires.Equal(key.Expires) || h.Revoked != key.Revoked)
	})
}

// RemoveKey removes a signing key from rpm's database. A missing key is no
// error.
func (m *Manager) RemoveKey(ctx context.Context, c node.RemoveKey) error {
	if !keyPackage.MatchString(c.Package) {
		return fmt.Errorf("removing %s: it is not a key", c.Package)
	}
	return m.change(ctx, "removing "+c.Package, "-e", "--allmatches", c.Package)
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/trust"
)

// importTimeout bounds one change of rpm's database, which waits for the lock
// of a transaction that is under way.
const importTimeout = 2 * time.Minute

// keyPackage is what rpm calls a public key. Nothing else is ever removed.
var keyPackage = regexp.MustCompile(`^gpg-pubkey-[0-9a-f]{8,40}-[0-9a-f]{8}$`)

// ImportKey implements [node.Machine]. Only keys that are pinned and alive
// reach the disk and rpm's database; whatever else the source serves is left
// out, since dnf and rpm would believe it as much. It fails with
// [node.CodeTrust] if no such key is there, and changes nothing then.
func (m *Machine) importKey(ctx context.Context, c node.ImportKey) error {
	if err := m.asked(); err != nil {
		return err
	}
	served, err := m.fetch(ctx, c.URL, c.Insecure)
	if err != nil {
		return err
	}
	keys, unserved, err := pinnedKeys(served, c.Fingerprints)
	if err != nil {
		return distrust(c.URL, err)
	}
	if err := m.writeKey(ctx, c.Path, trust.FormatKeyFile(keys, unserved)); err != nil {
		return err
	}
	if err := m.dropOutdated(ctx, keys); err != nil {
		return err
	}
	return m.rpmChange(ctx, "importing "+c.Path+" into rpm's database", "--import", c.Path)
}

// pinnedKeys picks the pinned keys that live out of what was served, and the
// pins that none of them answers to.
func pinnedKeys(served []byte, pinned []string) (keys []trust.Key, unserved []string, err error) {
	all, err := trust.ParseKeys(served)
	if err != nil {
		return nil, nil, err
	}
	keys, err = trust.Select(all, pinned, time.Now())
	if err != nil {
		return nil, nil, err
	}
	for _, pin := range pinned {
		fingerprint, err := trust.NormalizeFingerprint(pin)
		if err != nil {
			return nil, nil, err
		}
		if !slices.ContainsFunc(keys, func(k trust.Key) bool { return k.Fingerprint == fingerprint }) {
			unserved = append(unserved, fingerprint)
		}
	}
	return keys, unserved, nil
}

// distrust is the refusal of what a source serves, with the hint of its cause.
func distrust(source string, err error) error {
	hint := "see what " + redact(source) + " serves: it must be an armored OpenPGP public key"
	if refused, ok := errors.AsType[*trust.Error](err); ok {
		hint = refused.Hint
	}
	return failed(node.CodeTrust, hint, "checking the key from %s: %w", redact(source), err)
}

// writeKey writes the verified copy that the repository's gpgkey names.
func (m *Machine) writeKey(ctx context.Context, path string, content []byte) error {
	change := node.WriteFile{Path: path, New: content, Mode: 0o644}
	located, err := m.tree.locate(path)
	if err != nil {
		return changing(path, err)
	}
	change.Old, err = readRegular(located)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return changing(path, err)
	}
	return m.writeFile(ctx, change)
}

// dropOutdated removes from rpm's database the copies of keys that are about
// to be imported with another content, such as a later expiry: rpm takes a key
// whose id it knows for imported and keeps the old one
// (kubernetes/release#3840).
func (m *Machine) dropOutdated(ctx context.Context, keys []trust.Key) error {
	known, err := queryPackages(ctx, m.tools)
	if err != nil {
		return err
	}
	for _, old := range known.Keys {
		had, err := trust.ParseKeys(old.Armored)
		if err != nil {
			continue // a key of a kind that is not Falco's
		}
		for _, key := range keys {
			if outdated(had, key) {
				if err := m.removeKey(ctx, old.Package); err != nil {
					return err
				}
				break
			}
		}
	}
	return nil
}

// outdated reports whether had holds the key with another expiry or state.
func outdated(had []trust.Key, key trust.Key) bool {
	return slices.ContainsFunc(had, func(h trust.Key) bool {
		return h.Fingerprint == key.Fingerprint && (!h.Expires.Equal(key.Expires) || h.Revoked != key.Revoked)
	})
}

// RemoveKey implements [node.Machine]. A key that is gone is success.
func (m *Machine) removeOldKey(ctx context.Context, c node.RemoveKey) error {
	if err := m.asked(); err != nil {
		return err
	}
	return m.removeKey(ctx, c.Package)
}

func (m *Machine) removeKey(ctx context.Context, name string) error {
	if !keyPackage.MatchString(name) {
		return fmt.Errorf("removing %s: it is not a key", name)
	}
	return m.rpmChange(ctx, "removing "+name, "-e", "--allmatches", name)
}

// rpmChange runs rpm as root. Its lock may be held for a while by somebody
// else's transaction.
func (m *Machine) rpmChange(ctx context.Context, what string, args ...string) error {
	wait := m.tools.pause.first
	for try := 1; ; try++ {
		out, err := run(ctx, command{argv: m.tools.rpmArgs(args...), timeout: importTimeout, grace: 10 * time.Second})
		switch {
		case err != nil:
			return fmt.Errorf("%s: %w", what, err)
		case out.status == 0, strings.Contains(string(out.stdout)+string(out.stderr), "is not installed"):
			return nil
		}
		locked := strings.Contains(string(out.stderr), "transaction lock")
		if !locked || try == 10 || !sleep(ctx, jitter(wait)) {
			hint := ""
			if locked {
				hint = "another program changes packages at the same time: wait for it to end"
			}
			return failed(node.CodePackages, hint, "%s: rpm failed with exit status %d%s", what, out.status, because(out.stderr))
		}
		wait = min(2*wait, m.tools.pause.most)
	}
}

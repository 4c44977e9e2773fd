// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package pkgmgr

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

// A gpgKey is a key in a keyring of its own, made by gpg: rpm's own parser
// refuses keys with critical subpackets, which go-crypto makes.
type gpgKey struct {
	t                 *testing.T
	home, fingerprint string
}

// newKey makes a key that expires in two days.
func newKey(t *testing.T, name string) gpgKey {
	t.Helper()
	if !exists("/usr/bin/gpg") {
		t.Skip("gpg is not on this machine")
	}
	k := gpgKey{t: t, home: t.TempDir()}
	k.gpg("--quick-gen-key", name+"@example.com", "rsa2048", "sign", "2d")
	for line := range strings.Lines(k.gpg("--with-colons", "--list-keys")) {
		if f := strings.Split(line, ":"); f[0] == "fpr" {
			k.fingerprint = f[9]
		}
	}
	return k
}

func (k gpgKey) gpg(args ...string) string {
	k.t.Helper()
	cmd := exec.Command("/usr/bin/gpg", append([]string{"--homedir", k.home, "--batch", "--passphrase", ""}, args...)...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		k.t.Fatalf("gpg %v: %v\n%s", args, err, stderr.String())
	}
	return string(out)
}

// extend gives the key a later expiry with a new self-signature.
func (k gpgKey) extend() { k.gpg("--quick-set-expire", k.fingerprint, "20d") }

func (k gpgKey) armored() string { return k.gpg("--armor", "--export") }

// keyManager returns a manager with a real rpm and an empty database.
func keyManager(t *testing.T) *Manager {
	t.Helper()
	if !exists("/usr/bin/rpm") {
		t.Skip("rpm is not on this machine")
	}
	db := t.TempDir()
	openUp(t, db)
	for _, args := range [][]string{{"/usr/bin/rpm", "--dbpath", db, "--initdb"}, {"/bin/chmod", "-R", "a+rX", db}} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v %s", args, err, out)
		}
	}
	m, _ := newManager(t)
	m.RPM = []string{"/usr/bin/rpm", "--dbpath", db}
	return m
}

func keysOf(t *testing.T, m *Manager) []string {
	t.Helper()
	p, err := m.Packages(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, k := range p.Keys {
		names = append(names, k.Package)
	}
	return names
}

func TestImportKey(t *testing.T) {
	m := keyManager(t)
	dir := t.TempDir()
	pinned, stranger := newKey(t, "pinned"), newKey(t, "stranger")
	path := dir + "/RPM-GPG-KEY"
	c := node.ImportKey{URL: put(t, dir, "bundle", stranger.armored()+pinned.armored()), Fingerprints: []string{pinned.fingerprint}, Path: path}
	if err := m.ImportKey(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	first := keysOf(t, m)
	id := strings.ToLower(pinned.fingerprint[32:])
	if len(first) != 1 || !strings.HasPrefix(first[0], "gpg-pubkey-"+id+"-") {
		t.Fatalf("rpm has %v, want the pinned key %s alone", first, id)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o644 {
		t.Errorf("%s: %v, %v; want 0644", path, info, err)
	}

	// A later expiry of the same key reaches the database.
	pinned.extend()
	put(t, dir, "bundle", pinned.armored())
	before, _ := m.Packages(t.Context())
	if err := m.ImportKey(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	after, _ := m.Packages(t.Context())
	if len(after.Keys) != 1 || bytes.Equal(before.Keys[0].Armored, after.Keys[0].Armored) {
		t.Errorf("rpm has %d keys, the same as before: %v; want the new copy alone", len(after.Keys), bytes.Equal(before.Keys[0].Armored, after.Keys[0].Armored))
	}

	for range 2 { // a missing key is no error
		if err := m.RemoveKey(t.Context(), node.RemoveKey{Package: first[0]}); err != nil {
			t.Fatal(err)
		}
	}
	if left := keysOf(t, m); len(left) > 0 {
		t.Errorf("rpm has %v, want none", left)
	}
}

func TestImportKeyRefuses(t *testing.T) {
	m := keyManager(t)
	dir := t.TempDir()
	pinned, stranger := newKey(t, "pinned"), newKey(t, "stranger")
	const notAKey = "it must be an armored OpenPGP public key"
	for name, served := range map[string]string{"another key": stranger.armored(), "no key": "<html>404</html>", "half a key": pinned.armored()[:300]} {
		path := dir + "/RPM-GPG-KEY"
		c := node.ImportKey{URL: put(t, dir, "bundle", served), Fingerprints: []string{pinned.fingerprint}, Path: path}
		err := m.ImportKey(t.Context(), c)
		wantCode(t, err, node.CodeTrust)
		if name == "no key" && !strings.Contains(node.HintOf(err), notAKey) {
			t.Errorf("%s: hint %q, want %q in it", name, node.HintOf(err), notAKey)
		}
		if node.HintOf(err) == "" || exists(path) || len(keysOf(t, m)) > 0 {
			t.Errorf("%s: ImportKey = %v (hint %q), file written: %v; want a hint and nothing done", name, err, node.HintOf(err), exists(path))
		}
	}
}

func TestRemoveKeyRefuses(t *testing.T) {
	m, _ := newManager(t)
	for _, name := range []string{"falco", "gpg-pubkey", "gpg-pubkey-*", "gpg-pubkey-b35b1b1f-693adef9 falco", "-a"} {
		if err := m.RemoveKey(t.Context(), node.RemoveKey{Package: name}); err == nil || !strings.Contains(err.Error(), "not a key") {
			t.Errorf("RemoveKey(%q) = %v, want it refused", name, err)
		}
	}
}

// A failure of rpm has a hint, whatever it is.
func TestRemoveKeyFails(t *testing.T) {
	m, _ := newManager(t)
	for script, hint := range map[string]string{
		"kill -XFSZ $$":                     "raise the limit on the size of files",
		"echo 'error: no room' >&2; exit 1": "whether the file system of rpm's database is full or read-only",
	} {
		m.RPM = []string{"/bin/sh", "-c", script}
		err := m.RemoveKey(t.Context(), node.RemoveKey{Package: "gpg-pubkey-b35b1b1f-693adef9"})
		wantCode(t, err, node.CodePackages)
		if !strings.Contains(node.HintOf(err), hint) {
			t.Errorf("%s: hint %q, want %q in it", script, node.HintOf(err), hint)
		}
	}
}

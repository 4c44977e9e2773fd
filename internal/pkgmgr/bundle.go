// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package pkgmgr

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/files"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/trust"
)

// A BundleOrder says what to collect for a node without a network.
type BundleOrder struct {
	// Dir is created if it is missing; files of the same names are replaced.
	Dir string
	// Spec is the package to download, such as "falco-0.44.1", from Repository
	// only, without what matches Exclude. BaseURL and RepoGPGCheck are as in
	// [node.Install].
	Spec         string
	Repository   string
	BaseURL      string
	RepoGPGCheck bool
	Exclude      []string
	// KeyFile is this node's verified copy of the keys with Fingerprints.
	KeyFile      string
	Fingerprints []string
	// Extra are more files by name, such as rules.
	Extra map[string][]byte
}

// packageLimit bounds a file that is read whole, in bytes. Falco's packages have some
// 30 MB.
const packageLimit = 1 << 30

// SettingsName is the file of a bundle with the settings that its package needs:
// the pinned fingerprints. A run reads it only if it is told to (--config).
const SettingsName = "falco-bootstrap.yaml"

// Collect fills a directory with the package, the key that signed it, the pinned
// fingerprints, this program, and a manifest of hashes. Every package is checked
// against the pinned keys before it is listed. It uses this node's copy of the
// key, so the agent must have run here.
func (m *Manager) Collect(ctx context.Context, o BundleOrder) (node.Bundle, error) {
	tool, err := m.packageTool()
	if err != nil {
		return node.Bundle{}, err
	}
	keyRing, err := files.ReadFile(o.KeyFile, 1<<20)
	if err != nil {
		return node.Bundle{}, node.Errorf(node.CodeTrust, "run falco-bootstrap on this node first: it fetches and checks the key", "reading the verified key: %w", err)
	}
	keys, _, err := pinnedKeys(o.KeyFile, keyRing, o.Fingerprints)
	if err != nil {
		return node.Bundle{}, err
	}
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return node.Bundle{}, files.Changing(o.Dir, err)
	}
	if err := m.fetchInto(ctx, tool, o); err != nil {
		return node.Bundle{}, err
	}
	return assemble(o, keyRing, keys)
}

// fetchInto fetches the package. It installs nothing.
func (m *Manager) fetchInto(ctx context.Context, tool packageTool, o BundleOrder) error {
	stage, err := files.MakeStage(filepath.Join(o.Dir, ".falco-bootstrap"))
	if err != nil {
		return err
	}
	defer func() { _ = stage.Close() }()
	c := node.Install{
		Action: "download", Repositories: []string{o.Repository}, Declared: o.Repository, BaseURL: o.BaseURL, RepoGPGCheck: o.RepoGPGCheck,
		Exclude: o.Exclude, Targets: []node.Target{{Name: "falco", Spec: o.Spec}}, KeyFile: o.KeyFile,
	}
	conf, err := (&supply{Manager: m, stage: stage}).configure(c)
	if err == nil {
		err = m.download(ctx, tool, part{c, conf, o.Dir})
	}
	if errors.Is(err, errNoDownload) {
		return node.Errorf(node.CodePackages, "install dnf-plugins-core (yum-utils on Oracle Linux 7), which has that command", "downloading %s: %w", o.Spec, err)
	}
	return err
}

// assemble checks the packages, adds the key and this program, and writes the
// manifest last.
func assemble(o BundleOrder, keyRing []byte, keys []trust.Key) (node.Bundle, error) {
	b := node.Bundle{Created: time.Now().UTC().Truncate(time.Second)}
	packages, err := files.Glob(o.Dir, "*.rpm")
	if err != nil || len(packages) == 0 {
		return b, node.Errorf(node.CodePackages, hintPin, "collecting %s: no package was fetched", o.Spec)
	}
	for _, path := range packages {
		nevra, err := verifyPackage(path, keys)
		if err != nil {
			return b, err
		}
		content, err := files.ReadFile(path, packageLimit)
		if err != nil {
			return b, files.Changing(path, err)
		}
		list(&b, path, content, nevra)
	}
	self, err := os.Executable()
	var agent []byte
	if err == nil {
		agent, err = files.ReadFile(self, packageLimit)
	}
	if err != nil {
		return b, fmt.Errorf("reading this program: %w", err)
	}
	key := filepath.Base(o.KeyFile)
	if err := replaceFile(filepath.Join(o.Dir, key), keyRing, 0o644); err != nil {
		return b, err
	}
	if err := replaceFile(filepath.Join(o.Dir, "falco-bootstrap"), agent, 0o755); err != nil {
		return b, err
	}
	for _, name := range slices.Sorted(maps.Keys(o.Extra)) {
		if err := replaceFile(filepath.Join(o.Dir, name), o.Extra[name], 0o644); err != nil {
			return b, err
		}
		list(&b, name, o.Extra[name], "")
	}
	pins := settings(o.Fingerprints)
	if err := replaceFile(filepath.Join(o.Dir, SettingsName), pins, 0o644); err != nil {
		return b, err
	}
	list(&b, key, keyRing, "")
	list(&b, SettingsName, pins, "")
	list(&b, "falco-bootstrap", agent, "")
	manifest, err := json.MarshalIndent(b, "", "  ")
	if err != nil {
		return b, fmt.Errorf("writing the manifest: %w", err)
	}
	return b, replaceFile(filepath.Join(o.Dir, node.ManifestName), append(manifest, '\n'), 0o644)
}

// settings returns a settings file with the fingerprints.
func settings(fingerprints []string) []byte {
	return []byte("# The keys that may sign the packages of this bundle.\nrepository:\n  fingerprints: [" + strings.Join(fingerprints, ", ") + "]\n")
}

// replaceFile replaces a file of the bundle, including its mode.
func replaceFile(path string, content []byte, mode os.FileMode) error {
	err := os.Remove(path)
	if err == nil || os.IsNotExist(err) {
		err = files.Overwrite(path, content, mode)
	}
	return files.Changing(path, err)
}

func list(b *node.Bundle, path string, content []byte, nevra string) {
	sum := sha256.Sum256(content)
	b.Files = append(b.Files, node.BundledFile{Name: filepath.Base(path), SHA256: hex.EncodeToString(sum[:]), Size: int64(len(content)), NEVRA: nevra})
}

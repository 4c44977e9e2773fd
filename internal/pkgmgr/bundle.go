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
	"github.com/falco-bootstrap/falco-bootstrap/internal/program"
	"github.com/falco-bootstrap/falco-bootstrap/internal/trust"
)

// A BundleOrder says what to collect for a node without a network.
type BundleOrder struct {
	// Dir is created if it is missing; files of the same names are replaced.
	Dir string
	// Spec is the package to download, such as "falco-0.44.1", from Repository
	// only, without what matches Exclude.
	Spec       string
	Repository string
	Exclude    []string
	// KeyFile is this node's verified copy of the keys with Fingerprints.
	KeyFile      string
	Fingerprints []string
	// Extra are more files by name, such as rules.
	Extra map[string][]byte
}

// A Bundle is what was collected: the content of its manifest.json.
type Bundle struct {
	Created time.Time     `json:"created"`
	Files   []BundledFile `json:"files"`
}

// A BundledFile is one file with its hash.
type BundledFile struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"`
	// NEVRA is set for a package.
	NEVRA string `json:"nevra,omitempty"`
}

// Collect fills a directory with the package, the key that signed it, this
// program, and a manifest of hashes. Every package is checked against the
// pinned keys before it is listed. It uses this node's repository file, so the
// agent must have run here.
func (m *Manager) Collect(ctx context.Context, o BundleOrder) (Bundle, error) {
	tool, err := m.packageTool()
	if err != nil {
		return Bundle{}, err
	}
	keyRing, err := files.ReadFile(o.KeyFile, 1<<20)
	if err != nil {
		return Bundle{}, node.Errorf(node.CodeTrust, "run falco-bootstrap on this node first: it fetches and checks the key", "reading the verified key: %w", err)
	}
	keys, _, err := pinnedKeys(o.KeyFile, keyRing, o.Fingerprints)
	if err != nil {
		return Bundle{}, err
	}
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return Bundle{}, files.Changing(o.Dir, err)
	}
	if err := m.download(ctx, tool, o); err != nil {
		return Bundle{}, err
	}
	return assemble(o, keyRing, keys)
}

// download fetches the package. It installs nothing.
func (m *Manager) download(ctx context.Context, tool packageTool, o BundleOrder) error {
	argv := append([]string{string(tool), "-y", "--disablerepo=*", "--enablerepo=" + o.Repository}, tool.setopts()...)
	for _, pattern := range o.Exclude {
		argv = append(argv, "--exclude="+pattern)
	}
	argv = append(argv, "download", "--destdir="+o.Dir, o.Spec)
	if tool.isYum() {
		argv = []string{"/usr/bin/yumdownloader", "--disablerepo=*", "--enablerepo=" + o.Repository, "--destdir=" + o.Dir, o.Spec}
	}
	out, err := m.run(ctx, argv)
	switch {
	case err == nil && out.Status == 0:
		return nil
	case err == nil:
		c := node.Install{Action: "download", Repositories: []string{o.Repository}, Declared: o.Repository, Targets: []node.Target{{Name: "falco", Spec: o.Spec}}}
		if d := diagnose(tool, c, out); d.row != "" {
			return d.err(tool, c, out, nil)
		}
		err = errors.New(out.Failure(tool.name()))
	}
	return node.Errorf(node.CodePackages,
		"check that the repository is reachable from here and that falco-bootstrap ran on this node; `dnf download` comes with dnf-plugins-core",
		"downloading %s: %w: %s", o.Spec, err, strings.Join(program.LastLines(out.Stdout, 3), "; "))
}

// assemble checks the packages, adds the key and this program, and writes the
// manifest last.
func assemble(o BundleOrder, keyRing []byte, keys []trust.Key) (Bundle, error) {
	b := Bundle{Created: time.Now().UTC().Truncate(time.Second)}
	packages, err := files.Glob(o.Dir, "*.rpm")
	if err != nil || len(packages) == 0 {
		return b, node.Errorf(node.CodePackages, "", "collecting %s: no package was fetched", o.Spec)
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
		b.list(path, content, nevra)
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
		b.list(name, o.Extra[name], "")
	}
	b.list(key, keyRing, "")
	b.list("falco-bootstrap", agent, "")
	manifest, err := json.MarshalIndent(b, "", "  ")
	if err != nil {
		return b, fmt.Errorf("writing the manifest: %w", err)
	}
	return b, replaceFile(filepath.Join(o.Dir, "manifest.json"), append(manifest, '\n'), 0o644)
}

// replaceFile replaces a file of the bundle, including its mode.
func replaceFile(path string, content []byte, mode os.FileMode) error {
	err := os.Remove(path)
	if err == nil || os.IsNotExist(err) {
		err = files.Overwrite(path, content, mode)
	}
	return files.Changing(path, err)
}

func (b *Bundle) list(path string, content []byte, nevra string) {
	sum := sha256.Sum256(content)
	b.Files = append(b.Files, BundledFile{Name: filepath.Base(path), SHA256: hex.EncodeToString(sum[:]), Size: int64(len(content)), NEVRA: nevra})
}

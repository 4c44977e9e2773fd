// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/trust"
)

// A BundleOrder says what a node without a network is to be given.
type BundleOrder struct {
	// Folder is made if it is missing; files of the same name are replaced.
	Folder string
	// Spec is what dnf is asked for, such as "falco-0.44.1", out of Repository
	// alone, without what matches Exclude.
	Spec       string
	Repository string
	Exclude    []string
	// KeyFile is this node's verified copy of the keys with Fingerprints.
	KeyFile      string
	Fingerprints []string
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

// manifestName is the list of a bundle's files.
const manifestName = "manifest.json"

// Collect fills a folder with the package, the key that signed it, this
// program, and a manifest of hashes. Every package is checked against the
// pinned keys before it is listed. It uses the repository as this node has it,
// so a run of the agent comes first.
func Collect(ctx context.Context, opts Options, o BundleOrder) (Bundle, error) {
	tool, err := (&Machine{tools: opts.programs()}).packageTool()
	if err != nil {
		return Bundle{}, err
	}
	keyRing, err := os.ReadFile(o.KeyFile)
	if err != nil {
		return Bundle{}, failed(node.CodeTrust, "run falco-bootstrap on this node first: it fetches and checks the key", "reading the verified key: %w", err)
	}
	keys, _, err := pinnedKeys(keyRing, o.Fingerprints)
	if err != nil {
		return Bundle{}, distrust(o.KeyFile, err)
	}
	if err := os.MkdirAll(o.Folder, 0o755); err != nil {
		return Bundle{}, changing(o.Folder, err)
	}
	if err := download(ctx, tool, o); err != nil {
		return Bundle{}, err
	}
	return assemble(o, keyRing, keys)
}

// download has dnf fetch the package. It installs nothing.
func download(ctx context.Context, tool packageTool, o BundleOrder) error {
	argv := []string{tool.path, "-y", "--disablerepo=*", "--enablerepo=" + o.Repository}
	for _, pattern := range o.Exclude {
		argv = append(argv, "--exclude="+pattern)
	}
	argv = append(argv, "download", "--destdir="+o.Folder, o.Spec)
	if tool.yum3 {
		argv = []string{"/usr/bin/yumdownloader", "--disablerepo=*", "--enablerepo=" + o.Repository, "--destdir=" + o.Folder, o.Spec}
	}
	out, err := run(ctx, command{argv: argv, env: packageEnvironment(), timeout: transactionTimeout, grace: transactionGrace, keep: 16 << 10, joined: true})
	if err == nil && out.status == 0 {
		return nil
	}
	text := strings.Join(lastLines(append(out.stdout, out.stderr...), 3), "; ")
	hint := "is the repository reachable from here, and did falco-bootstrap run on this node? `dnf download` comes with dnf-plugins-core"
	if err == nil {
		err = fmt.Errorf("%s ended with status %d", tool.name(), out.status)
	}
	return failed(node.CodePackages, hint, "downloading %s: %w: %s", o.Spec, err, text)
}

// assemble checks what was fetched, adds key and program, and writes the
// manifest last.
func assemble(o BundleOrder, keyRing []byte, keys []trust.Key) (Bundle, error) {
	b := Bundle{Created: time.Now().UTC().Truncate(time.Second)}
	packages, err := filepath.Glob(filepath.Join(escape(o.Folder), "*.rpm"))
	if err != nil || len(packages) == 0 {
		return b, failed(node.CodePackages, "", "collecting %s: no package was fetched", o.Spec)
	}
	for _, path := range packages {
		nevra, err := verifyFile(path, keys)
		if err != nil {
			return b, err
		}
		if err := b.add(path, nevra); err != nil {
			return b, err
		}
	}
	self, err := os.Executable()
	if err != nil {
		return b, fmt.Errorf("finding this program: %w", err)
	}
	program, err := os.ReadFile(self)
	if err != nil {
		return b, changing(self, err)
	}
	for _, f := range []struct {
		name    string
		content []byte
		mode    os.FileMode
	}{{filepath.Base(o.KeyFile), keyRing, 0o644}, {"falco-bootstrap", program, 0o755}} {
		path := filepath.Join(o.Folder, f.name)
		if err := putFile(path, f.content, f.mode); err != nil {
			return b, err
		}
		if err := b.add(path, ""); err != nil {
			return b, err
		}
	}
	manifest, err := json.MarshalIndent(b, "", "  ")
	if err != nil {
		return b, fmt.Errorf("writing the manifest: %w", err)
	}
	return b, putFile(filepath.Join(o.Folder, manifestName), append(manifest, '\n'), 0o644)
}

// putFile replaces a file of the bundle.
func putFile(path string, content []byte, mode os.FileMode) error {
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return changing(path, err)
	}
	return changing(path, replacement{path: path, scratch: filepath.Dir(path), new: content, mode: mode}.replace())
}

func (b *Bundle) add(path, nevra string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return changing(path, err)
	}
	sum := sha256.Sum256(content)
	b.Files = append(b.Files, BundledFile{Name: filepath.Base(path), SHA256: hex.EncodeToString(sum[:]), Size: int64(len(content)), NEVRA: nevra})
	return nil
}

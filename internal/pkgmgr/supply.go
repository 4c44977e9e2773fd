// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package pkgmgr

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/files"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/trust"
)

// Install makes one transaction, with dnf, or with yum where there is no dnf
// (Oracle Linux 7). A transient failure is tried again within ctx; any other is
// an error at once, [node.CodeTrust] for keys and signatures and
// [node.CodePackages] otherwise.
//
// Nothing is taken on dnf's word. Local packages are copied and Falco is fetched
// into a directory of root's alone, each file is checked there against the pinned
// fingerprints, and those very files are installed.
//
// With -y, dnf imports any key that it finds at a repository's gpgkey without
// asking: into rpm's database for packages, and into a keyring of its own for
// metadata (repo_gpgcheck). Falco's repository has gpgkey=file:// with the copy of
// the key that was checked before it was written; of others only the packages that
// a kernel module is built with are taken.
func (m *Manager) Install(ctx context.Context, c node.Install) error {
	if len(c.Fingerprints) == 0 {
		tool, err := m.packageTool()
		if err != nil {
			return err
		}
		if c.Action == "remove" {
			if err := writable(c, "/etc", "/usr/bin"); err != nil {
				return err
			}
		}
		m.await(ctx, c.Await)
		return m.transactAll(ctx, tool, part{Install: c})
	}
	stage, err := files.NewStage(m.Tree)
	if err != nil {
		return err
	}
	s := supply{Manager: m, stage: stage}
	err = s.install(ctx, c)
	if left := stage.Close(); left != nil {
		m.warn("packages that were checked are left behind, and the next run removes them: " + left.Error())
	}
	return err
}

// writable fails if a directory of a package's files is on a read-only file system.
// rpm would only warn, and forget a package whose files are still there (rpm 4.18,
// lib/fsm.c rpmPackageFilesRemove).
func writable(c node.Install, dirs ...string) error {
	for _, dir := range dirs {
		if files.IsReadOnly(dir) {
			return node.Errorf(node.CodePackages, hintReadOnly, "%s: %s is on a read-only file system", c, dir)
		}
	}
	return nil
}

func (m *Manager) transactAll(ctx context.Context, tool packageTool, p part) error {
	for _, c := range transactions(tool, p.Install) {
		if err := m.transact(ctx, tool, part{c, p.conf, p.into}); err != nil {
			return err
		}
	}
	return nil
}

// A supply is what a transaction is given, and where it is checked.
type supply struct {
	*Manager
	stage files.Stage
	keys  []trust.Key
	tool  packageTool
	// conf is the main file that configure has written.
	conf string
}

func (s *supply) install(ctx context.Context, c node.Install) (err error) {
	if s.keys, err = s.pinned(c); err != nil {
		return err
	}
	if c.Targets, err = s.local(c.Targets); err != nil {
		return err
	}
	if s.tool, err = s.packageTool(); err != nil {
		return err
	}
	s.await(ctx, c.Await)
	if c.Targets, err = s.falco(ctx, c); err != nil {
		return err
	}
	p := part{Install: c}
	p.Repositories = without(c.Repositories, c.Declared)
	p.Exclude = nil // what it was about is chosen
	toChoose := slices.ContainsFunc(c.Targets, func(t node.Target) bool { return t.File == "" })
	if !toChoose && len(p.Repositories) == 0 && (c.Declared != "" || len(c.Targets) == 1) {
		if p.conf, err = s.configure(c); err != nil {
			return err
		}
	}
	return s.transactAll(ctx, s.tool, p)
}

// pinned reads the keys that may sign, which an earlier step has written to the
// key file.
func (m *Manager) pinned(c node.Install) ([]trust.Key, error) {
	content, err := m.Tree.ReadFile(strings.TrimPrefix(c.KeyFile, "/"))
	if err != nil {
		return nil, node.Errorf(node.CodeTrust, "run falco-bootstrap again without excluding its key step, which writes it; without a network, give the key with --repository-gpgkey", "reading the verified key: %w", err)
	}
	keys, _, err := pinnedKeys(c.KeyFile, content, c.Fingerprints)
	return keys, err
}

// local copies the local packages of a transaction and checks the copies. The
// headers were read when the change was planned, from files that others may be able
// to write, so the copy must still be that package.
func (s *supply) local(targets []node.Target) ([]node.Target, error) {
	targets = slices.Clone(targets)
	for i, t := range targets {
		if !filepath.IsAbs(t.Spec) {
			continue
		}
		file, err := s.stage.Copy(t.Spec)
		if errors.Is(err, files.ErrNoRoom) {
			err = node.Errorf(node.CodePackages, hintSpace, "%w", err)
		}
		if err != nil {
			return nil, err
		}
		got, err := verifyFile(file, s.keys)
		if err == nil {
			err = requireIs(t, got, "find out who changes that file, and fetch the package again")
		}
		if err != nil {
			return nil, untrusted(t.Spec, "", err)
		}
		targets[i].File = file
	}
	return targets, nil
}

// falco fetches what the target of that name asks for, from the declared
// repository alone, and checks it. It returns the targets of the transaction.
func (s *supply) falco(ctx context.Context, c node.Install) ([]node.Target, error) {
	i := slices.IndexFunc(c.Targets, func(t node.Target) bool { return t.Name == "falco" && t.File == "" })
	if i < 0 {
		return c.Targets, nil
	}
	others := slices.Delete(slices.Clone(c.Targets), i, i+1)
	only := c
	only.Repositories, only.Targets = []string{c.Declared}, []node.Target{c.Targets[i]}
	conf, err := s.configure(only)
	if err != nil {
		return nil, err
	}
	get := part{Install: only, conf: conf, into: s.stage.Path("files")}
	if c.NeedsOthers && len(others) > 0 {
		err = s.download(ctx, s.tool, get)
		if errors.Is(err, errNoDownload) { // the others first, so that dnf can resolve Falco alone
			c.Targets, c.Repositories, others = others, without(c.Repositories, c.Declared), nil
			if err := s.transactAll(ctx, s.tool, part{Install: c}); err != nil {
				return nil, err
			}
			err = s.transactAll(ctx, s.tool, get)
		}
	} else {
		err = s.transactAll(ctx, s.tool, get)
	}
	if err != nil {
		return nil, err
	}
	return s.fetched(get, others)
}

// fetched checks what was fetched, and puts it in front of the other targets.
func (s *supply) fetched(get part, others []node.Target) ([]node.Target, error) {
	asked := get.Targets[0]
	paths, err := files.Glob(get.into, "*.rpm")
	if err != nil {
		return nil, files.Changing(get.into, err)
	}
	var targets []node.Target
	found := false
	for _, path := range paths {
		got, err := verifyFile(path, s.keys)
		t := node.Target{Name: nameOf(got), Spec: got}
		if t.Name == asked.Name && err == nil {
			t, found = asked, true
			err = requireIs(asked, got, hintMirror.own)
		}
		if err != nil {
			return nil, node.Errorf(node.CodeTrust, hintKeys, "checking %s of the repository %s: %w", filepath.Base(path), get.Declared, err)
		}
		t.File = path
		targets = append(targets, t)
	}
	if !found {
		return nil, node.Errorf(node.CodePackages, hintPin, "fetching %s from %s: it did not come", asked.Spec, get.Declared)
	}
	return append(targets, others...), nil
}

// errNoDownload means that the tool has no command that fetches one package
// without what it requires: dnf has it from dnf-plugins-core, yum from yum-utils.
var errNoDownload = errors.New("there is no download command")

// download fetches the package of a part, and not what it requires.
func (m *Manager) download(ctx context.Context, tool packageTool, p part) error {
	p.Action = "download"
	if _, err := os.Stat(yumDownloader); tool.isYum() && err != nil {
		return errNoDownload
	}
	err := m.transact(ctx, tool, p)
	if err != nil && strings.Contains(err.Error(), "No such command: download") {
		return errNoDownload
	}
	return err
}

func without(ids []string, id string) []string {
	return slices.DeleteFunc(slices.Clone(ids), func(other string) bool { return other == id })
}

// verifyFile checks a package file and returns its NEVRA.
func verifyFile(path string, keys []trust.Key) (string, error) {
	f, err := files.OpenRegular(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	return trust.VerifyRPM(f, keys, time.Now())
}

// verifyPackage is verifyFile with the whole error of a package that is refused.
func verifyPackage(path string, keys []trust.Key) (string, error) {
	nevra, err := verifyFile(path, keys)
	if err != nil {
		return "", untrusted(path, "", err)
	}
	return nevra, nil
}

// requireIs fails unless a package is what a target asks for: by name, and by
// version if the target has one.
func requireIs(t node.Target, nevra, hint string) error {
	rest, ok := strings.CutPrefix(nevra, t.Name+"-")
	if _, after, epoch := strings.Cut(rest, ":"); epoch {
		rest = after
	}
	if ok && (t.New == "" || strings.HasPrefix(rest, t.New+"-")) {
		return nil
	}
	return &trust.Error{Err: fmt.Errorf("it is %s, and not %s %s", nevra, t.Name, t.New), Hint: hint}
}

// nameOf returns the name of a package from name-[epoch:]version-release.arch.
func nameOf(nevra string) string {
	for range 2 {
		nevra = nevra[:max(0, strings.LastIndexByte(nevra, '-'))]
	}
	return nevra
}

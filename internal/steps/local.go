// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package steps

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"

	"github.com/cavaliergopher/rpm"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

// localPins are the fingerprints that local packages are checked against
// before dnf sees them; a repository's are checked by dnf itself.
func (p packages) localPins() []string {
	if p.Falco.RPM == "" {
		return nil
	}
	return p.Repository.Fingerprints
}

// local turns --falco-rpm into targets: the file itself, or from a folder the
// newest Falco that fits with every other package that lies beside it.
func (p packages) local(sv *survey, t node.Target) ([]node.Target, error) {
	found, err := localPackages(sv.view.Tree(), p.Falco.RPM, sv.host.Arch)
	if err != nil {
		return nil, err
	}
	var best *localPackage
	var others []node.Target
	for i, q := range found {
		switch {
		case q.name != "falco":
			others = append(others, node.Target{Name: q.name, Spec: q.path, New: q.version})
		case (p.Falco.Version == "" || q.version == p.Falco.Version) && sv.verdict.Allows(q.version) && (best == nil || rpm.CompareVersions(q.version, best.version) > 0):
			best = &found[i]
		}
	}
	if best == nil {
		return nil, &node.Error{
			Code: node.CodePackages, Err: fmt.Errorf("%s holds no Falco that is wanted here", p.Falco.RPM),
			Hint: "`falco-bootstrap explain` says which versions this host can run; `falco-bootstrap bundle DIR` collects them on a connected node",
		}
	}
	t.Spec, t.New = best.path, best.version
	return append([]node.Target{t}, others...), nil
}

// A localPackage is an .rpm file on the node.
type localPackage struct{ path, name, version string }

// localPackages reads the headers of a file, or of all packages in a folder.
// Nothing here is trusted yet.
func localPackages(tree fs.FS, name, arch string) ([]localPackage, error) {
	info, err := fs.Stat(tree, inTree(name))
	if err != nil {
		return nil, &node.Error{Code: node.CodePackages, Err: fmt.Errorf("reading --falco-rpm: %w", err)}
	}
	paths := []string{name}
	if info.IsDir() {
		matches, err := fs.Glob(tree, path.Join(inTree(name), "*.rpm"))
		if err != nil {
			return nil, fmt.Errorf("reading --falco-rpm: %w", err)
		}
		paths = nil
		for _, m := range matches {
			paths = append(paths, "/"+m)
		}
	}
	var out []localPackage
	for _, p := range paths {
		q, itsArch, err := readHeader(tree, p)
		if err != nil {
			return nil, err
		}
		if itsArch == arch || itsArch == "noarch" || arch == "" {
			out = append(out, q)
		}
	}
	return out, nil
}

func readHeader(tree fs.FS, name string) (localPackage, string, error) {
	bad := func(err error) (localPackage, string, error) {
		return localPackage{}, "", &node.Error{
			Code: node.CodePackages, Err: fmt.Errorf("reading %s: %w", name, err),
			Hint: "it is no whole rpm package; fetch it again",
		}
	}
	f, err := tree.Open(inTree(name))
	if err != nil {
		return bad(err)
	}
	defer func() { _ = f.Close() }()
	header, err := rpm.Read(f)
	if err != nil {
		return bad(err)
	}
	if header.Name() == "" || bytes.ContainsAny([]byte(header.Name()), " /") {
		return bad(errors.New("the package has no name"))
	}
	return localPackage{path: name, name: header.Name(), version: header.Version()}, header.Architecture(), nil
}

// sortedKeys returns the keys of a map in order.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

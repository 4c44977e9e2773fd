// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package steps

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/cavaliergopher/rpm"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

// localPins are the fingerprints that local packages are checked against before
// dnf reads them; dnf itself checks the packages of a repository.
func localPins(sv *survey) []string {
	if sv.Falco.RPM == "" {
		return nil
	}
	return sv.Repository.Fingerprints
}

// localTargets turns --falco-rpm into targets: the file itself, or the newest
// Falco in a directory that fits, together with every other package there.
func localTargets(sv *survey, t node.Target) ([]node.Target, error) {
	found, err := localPackages(sv.view.Tree(), sv.Falco.RPM, sv.host.Arch)
	if err != nil {
		return nil, err
	}
	var best *localPackage
	var others []node.Target
	for i, q := range found {
		switch {
		case q.name != "falco":
			others = append(others, node.Target{Name: q.name, Spec: q.path, New: q.version})
		case sv.Falco.Version != "" && q.version != sv.Falco.Version, !sv.decision.Allows(q.version):
		case best == nil, rpm.CompareVersions(q.version, best.version) > 0:
			best = &found[i]
		}
	}
	if best == nil {
		return nil, node.Errorf(node.CodePackages, "`falco-bootstrap explain` says which versions this host can run; `falco-bootstrap bundle DIR` collects them on a connected node",
			"%s contains no Falco that is wanted here", sv.Falco.RPM)
	}
	t.Spec, t.New = best.path, best.version
	return append([]node.Target{t}, others...), nil
}

// A localPackage is an .rpm file on the node.
type localPackage struct{ path, name, version, arch string }

// localPackages reads the headers of a file, or of all packages in a directory.
// They are not verified yet.
func localPackages(tree fs.FS, name, arch string) ([]localPackage, error) {
	info, err := fs.Stat(tree, inTree(name))
	if err != nil {
		return nil, node.Errorf(node.CodePackages, "", "reading --falco-rpm: %w", err)
	}
	files := []string{inTree(name)}
	if info.IsDir() {
		if files, err = fs.Glob(tree, path.Join(inTree(name), "*.rpm")); err != nil {
			return nil, fmt.Errorf("reading --falco-rpm: %w", err)
		}
	}
	var out []localPackage
	for _, file := range files {
		q, err := readHeader(tree, file)
		if err != nil {
			return nil, node.Errorf(node.CodePackages, "it is not a complete rpm package; fetch it again", "reading /%s: %w", file, err)
		}
		if q.arch == arch || q.arch == "noarch" || arch == "" {
			out = append(out, q)
		}
	}
	return out, nil
}

// readHeader reads the header of a package; file is a name of io/fs.
func readHeader(tree fs.FS, file string) (localPackage, error) {
	f, err := tree.Open(file)
	if err != nil {
		return localPackage{}, err
	}
	defer func() { _ = f.Close() }()
	header, err := rpm.Read(f)
	if err != nil {
		return localPackage{}, err
	}
	if header.Name() == "" || strings.ContainsAny(header.Name(), " /") {
		return localPackage{}, errors.New("the package has no name")
	}
	return localPackage{path: "/" + file, name: header.Name(), version: header.Version(), arch: header.Architecture()}, nil
}

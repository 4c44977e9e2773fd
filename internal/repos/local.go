// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package repos

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/cavaliergopher/rpm"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

// A LocalPackage is an .rpm file on the node.
type LocalPackage struct{ Path, Name, Version, Arch string }

// LocalPackages reads the headers of a file, or of all packages in a directory.
// They are not verified yet.
func LocalPackages(tree fs.FS, name, arch string) ([]LocalPackage, error) {
	in := strings.TrimPrefix(name, "/")
	info, err := fs.Stat(tree, in)
	if err != nil {
		return nil, node.Errorf(node.CodePackages, "", "reading --falco-rpm: %w", err)
	}
	files := []string{in}
	if info.IsDir() {
		if files, err = fs.Glob(tree, path.Join(in, "*.rpm")); err != nil {
			return nil, fmt.Errorf("reading --falco-rpm: %w", err)
		}
	}
	var out []LocalPackage
	for _, file := range files {
		q, err := readHeader(tree, file)
		if err != nil {
			return nil, node.Errorf(node.CodePackages, "it is not a complete rpm package; fetch it again", "reading /%s: %w", file, err)
		}
		if q.Arch == arch || q.Arch == "noarch" || arch == "" {
			out = append(out, q)
		}
	}
	return out, nil
}

// readHeader reads the header of a package; file is a name of io/fs.
func readHeader(tree fs.FS, file string) (LocalPackage, error) {
	f, err := tree.Open(file)
	if err != nil {
		return LocalPackage{}, err
	}
	defer func() { _ = f.Close() }()
	header, err := rpm.Read(f)
	if err != nil {
		return LocalPackage{}, err
	}
	if header.Name() == "" || strings.ContainsAny(header.Name(), " /") {
		return LocalPackage{}, errors.New("the package has no name")
	}
	return LocalPackage{Path: "/" + file, Name: header.Name(), Version: header.Version(), Arch: header.Architecture()}, nil
}

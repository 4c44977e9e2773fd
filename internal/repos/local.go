// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package repos

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
		return nil, node.Errorf(node.CodePackages, "name an .rpm file of this node, or a directory with some", "reading --falco-rpm: %w", err)
	}
	files := []string{in}
	if info.IsDir() {
		if err := checkBundle(tree, in); err != nil {
			return nil, err
		}
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

// checkBundle compares the files of a directory with its manifest, if it has one:
// a bundle that was copied in part, or damaged on its way, is named before anything
// is installed. What is in it is trusted by signatures and fingerprints alone.
func checkBundle(tree fs.FS, dir string) error {
	name := path.Join(dir, node.ManifestName)
	text, err := fs.ReadFile(tree, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var bundle node.Bundle
	if err == nil {
		err = json.Unmarshal(text, &bundle)
	}
	if err != nil {
		return node.Errorf(node.CodePackages, hintBundle, "reading /%s: %w", name, err)
	}
	for _, f := range bundle.Files {
		sum, err := hash(tree, path.Join(dir, path.Base(f.Name)))
		switch {
		case errors.Is(err, fs.ErrNotExist) && f.Name == "falco-bootstrap": // it runs, wherever it is now
		case err != nil:
			return node.Errorf(node.CodePackages, hintBundle, "reading the bundle: %w", err)
		case sum != f.SHA256:
			return node.Errorf(node.CodeTrust, hintBundle, "/%s is not the file that was bundled: its SHA-256 is %s, and the manifest has %s", path.Join(dir, path.Base(f.Name)), sum, f.SHA256)
		}
	}
	return nil
}

const hintBundle = "copy the bundle again, with all its files, or make it again with `falco-bootstrap bundle DIR`"

// hash returns the SHA-256 of a file in hex.
func hash(tree fs.FS, name string) (string, error) {
	f, err := tree.Open(name)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	sum := sha256.New()
	_, err = io.Copy(sum, f)
	return hex.EncodeToString(sum.Sum(nil)), err
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

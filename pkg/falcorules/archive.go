// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falcorules

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"path"
)

// maxUnpacked bounds a rules file in an archive; Falco's own have 100 KB.
const maxUnpacked = 16 << 20

var errTooLarge = errors.New("the archive is too large")

// Unpack returns the rules file that a download holds: the download itself, or the
// only *.yaml or *.yml in it if it is a .tar.gz, the form in which Falco publishes
// its rules.
func Unpack(download []byte) ([]byte, error) {
	if !bytes.HasPrefix(download, []byte{0x1f, 0x8b}) {
		return download, nil
	}
	var found []byte
	unzipped, err := gzip.NewReader(bytes.NewReader(download))
	if err == nil {
		limited := &io.LimitedReader{R: unzipped, N: maxUnpacked}
		found, err = onlyRules(tar.NewReader(limited))
		if limited.N <= 0 {
			err = errTooLarge
		}
	}
	if err != nil {
		return nil, fmt.Errorf("reading the archive: %w", err)
	}
	return found, nil
}

// onlyRules returns the only rules file of an archive.
func onlyRules(archive *tar.Reader) ([]byte, error) {
	var found []byte
	for {
		entry, err := archive.Next()
		switch {
		case errors.Is(err, io.EOF) && found == nil:
			return nil, errors.New("it has no rules file, which is a *.yaml")
		case errors.Is(err, io.EOF):
			return found, nil
		case err != nil:
			return nil, err
		}
		if ext := path.Ext(entry.Name); entry.Typeflag != tar.TypeReg || ext != ".yaml" && ext != ".yml" {
			continue
		}
		if found != nil {
			return nil, errors.New("it has several rules files")
		}
		if found, err = io.ReadAll(archive); err != nil {
			return nil, err
		}
	}
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Command snapshot prints what a tree looks like, a line of JSON for every file:
// kind, mode, owner, size, times, inode, extended attributes and a hash of the
// content. Two runs compare equal exactly when nothing was changed in between.
// It does not look into rpm's database or systemd; their files are files.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: snapshot ROOT [SKIP...]")
		os.Exit(64)
	}
	out := bufio.NewWriter(os.Stdout)
	err := snapshot(out, os.Args[1], os.Args[2:])
	if ferr := out.Flush(); err == nil {
		err = ferr
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "snapshot:", err)
		os.Exit(1)
	}
}

// snapshot writes the entries of the tree at root in the order of their paths.
// What lies at or below one of skip is left out.
func snapshot(out *bufio.Writer, root string, skip []string) error {
	enc := json.NewEncoder(out)
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			if os.IsNotExist(err) {
				return nil // gone since its folder was read
			}
			return err
		}
		for _, s := range skip {
			if path == s || strings.HasPrefix(path, s+"/") {
				if d.IsDir() {
					return filepath.SkipDir
				}
				return nil
			}
		}
		e, err := newEntry(path)
		if os.IsNotExist(err) {
			return nil
		}
		if err != nil {
			return err
		}
		return enc.Encode(e)
	})
}

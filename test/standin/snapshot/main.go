// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Command snapshot prints the state of a tree, a line of JSON for every file: kind,
// mode, owner, size, times, inode, extended attributes and a hash of the content. The
// output of two runs is the same if and only if nothing changed in between. It treats
// the files of rpm's database and systemd like any other. A file that is older than
// this program, which is part of the node's image, is hashed only with -full.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

func main() {
	full := flag.Bool("full", false, "hash every file")
	flag.Parse()
	if flag.NArg() < 1 {
		fmt.Fprintln(os.Stderr, "usage: snapshot [-full] ROOT [SKIP...]")
		os.Exit(64)
	}
	out := bufio.NewWriter(os.Stdout)
	err := snapshot(out, flag.Arg(0), flag.Args()[1:], imageTime(*full))
	if ferr := out.Flush(); err == nil {
		err = ferr
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "snapshot:", err)
		os.Exit(1)
	}
}

// imageTime returns when this program was put into the image, in nanoseconds, or the
// earliest time if everything must be hashed.
func imageTime(full bool) int64 {
	var st unix.Stat_t
	if full || unix.Stat("/proc/self/exe", &st) != nil {
		return math.MinInt64
	}
	return st.Ctim.Nano()
}

// snapshot writes the entries of the tree at root in the order of their paths. It
// leaves out what is at or below one of skip, and hashes files that changed after
// since.
func snapshot(out *bufio.Writer, root string, skip []string, since int64) error {
	enc := json.NewEncoder(out)
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			if os.IsNotExist(err) {
				return nil // removed since its directory was read
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
		e, err := newEntry(path, since)
		if os.IsNotExist(err) {
			return nil
		}
		if err != nil {
			return err
		}
		return enc.Encode(e)
	})
}

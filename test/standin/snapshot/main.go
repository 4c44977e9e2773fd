// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Command snapshot prints what a tree looks like, a line of JSON for every file:
// kind, mode, owner, size, times, inode, extended attributes and a hash of the
// content. Two runs compare equal exactly when nothing was changed in between.
// It does not look into rpm's database or systemd; their files are files. What
// is older than this program, which came with the node's image, is hashed only
// with -full.
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

// imageTime is when this program was put into the image, in nanoseconds, or the
// beginning of time for the whole tree.
func imageTime(full bool) int64 {
	var st unix.Stat_t
	if full || unix.Stat("/proc/self/exe", &st) != nil {
		return math.MinInt64
	}
	return st.Ctim.Nano()
}

// snapshot writes the entries of the tree at root in the order of their paths.
// What lies at or below one of skip is left out; files that changed after since
// are hashed.
func snapshot(out *bufio.Writer, root string, skip []string, since int64) error {
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

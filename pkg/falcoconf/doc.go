// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Package falcoconf knows falco.yaml: it edits one by path, byte by byte, and
// works out what a given Falco really reads once the fragments of config_files
// and the -o options of its unit are laid over it.
//
// An edit is spliced into the bytes, parsed again, and compared with the tree
// that was meant; the YAML parser only tells where things stand, so a position
// it gets wrong is refused and never written.
//
// The package takes bytes (or an [io/fs.FS]) and returns bytes. It opens no
// file of its own, runs nothing, logs nothing, does not expand ${VARIABLES},
// and does not replace Falco's own check of a configuration (--dry-run).
package falcoconf

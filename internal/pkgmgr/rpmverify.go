// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package pkgmgr

import (
	"context"
	"fmt"
	"strings"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

// Altered asks rpm which files of the falco package are not as they were
// installed (rpm -V). Dependencies and the package's verify script are skipped:
// they say nothing about files.
func (m *Manager) Altered(ctx context.Context) ([]node.AlteredFile, error) {
	out, err := m.query(ctx, "-V", "--nodeps", "--noscripts", "--nosignature", "falco")
	var altered []node.AlteredFile
	if err == nil {
		var installed bool
		if altered, installed = parseVerify(string(out.Stdout)); !installed {
			err = databaseError(out.Stderr)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("asking rpm about Falco's files: %w", err)
	}
	return altered, nil
}

// parseVerify reads the lines of rpm -V:
//
//	S.5....T.  c /etc/falco/falco.yaml
//	missing     /usr/bin/falco
//	missing   c /etc/falco/falco_rules.yaml
//	missing     /usr/share/falco/x (Permission denied)
//
// Nine marks (rpm 4.7 and later), two spaces, a letter for the kind of file,
// a path. Left out are ghosts, configuration files that are there, and files
// whose only difference is their time or a test that could not be made ("?").
// installed is false if rpm has no such package.
func parseVerify(out string) (altered []node.AlteredFile, installed bool) {
	installed = true
	for line := range strings.Lines(out) {
		line = strings.TrimRight(line, "\r\n")
		if name, ok := notInstalled(line); ok && name != "" {
			installed = false
		} else if file, ok := parseVerifyLine(line); ok {
			altered = append(altered, file)
		}
	}
	return altered, installed
}

func parseVerifyLine(line string) (node.AlteredFile, bool) {
	const marks = 9
	if len(line) < marks+5 {
		return node.AlteredFile{}, false
	}
	// "missing" is padded to the width of the marks and the space after them.
	what, kind, path := line[:marks], line[marks+2], line[marks+4:]
	if strings.HasPrefix(line, "missing ") {
		what, kind, path = "missing", line[10], line[12:]
	}
	if !strings.HasPrefix(path, "/") || kind == 'g' {
		return node.AlteredFile{}, false
	}
	if what == "missing" {
		path, unseen := strings.CutSuffix(path, " (Permission denied)")
		return node.AlteredFile{Path: path, Missing: true, Unseen: unseen, What: what}, true
	}
	if kind == 'c' || strings.Trim(what, ".?SM5DLUGTPC") != "" || strings.Trim(what, ".?T") == "" {
		return node.AlteredFile{}, false
	}
	return node.AlteredFile{Path: path, What: what}, true
}

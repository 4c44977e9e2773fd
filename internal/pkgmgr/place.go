// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package pkgmgr

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/falco-bootstrap/falco-bootstrap/internal/files"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/redact"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/dnfconf"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/yumrepo"
)

// place names in a hint the files of this node that it is about: where the
// repository is, and who excludes the package.
func (m *Manager) place(d diagnosis, c node.Install) diagnosis {
	conf, err := dnfconf.Read(m.Tree)
	if err != nil {
		return d
	}
	files, err := conf.Files()
	if err != nil {
		return d
	}
	switch o, inMain := conf.Main.Get("proxy_username"); {
	case d.row == excluded:
		for _, who := range append(excludingSections(files, c.Repositories, d.pkg), m.versionLocks(d.pkg)...) {
			d.hint += "; " + redact.Text(who)
		}
	case d.row == proxyHalf && inMain:
		d.hint = strings.Replace(d.hint, inConf, fmt.Sprintf("%s:%d", conf.File, o.Line), 1)
	}
	if in := yumrepo.FilesWith(files, d.repo); len(in) > 0 {
		d.hint = strings.ReplaceAll(d.hint, "the repository files", in[0])
	}
	for _, s := range dnfconf.Repositories(files) {
		for _, key := range []string{"mirrorlist", "metalink"} { // dnf prefers the latter
			if _, ok := s.Get(key); ok && s.ID == d.repo {
				d.hint = strings.ReplaceAll(d.hint, "its baseurl=", "its "+key+"=")
			}
		}
	}
	return d
}

// unlessPortal looks at the metadata whose signature is wrong, or which could not be
// written. What is no metadata at all is no attack: a portal or a proxy that asks for a
// login, a mirror with a full disk. What has no end is no full disk, and a full /tmp makes
// every signature look wrong. dnf's words are the same.
func (m *Manager) unlessPortal(ctx context.Context, d diagnosis, c node.Install) diagnosis {
	if d.row == metadataSignature && files.IsFull("/tmp") {
		// gpgme writes there.
		d.code, d.what, d.hint = node.CodePackages, "the signature of the metadata of "+d.repo+" could not be checked: the file system of /tmp is full", hintSpace
		return d
	}
	if d.row != metadataSignature && d.row != notWritten || d.repo != c.Declared || strings.Contains(c.BaseURL, "$") {
		return d
	}
	content, err := m.Fetch(ctx, strings.TrimRight(c.BaseURL, "/")+"/repodata/repomd.xml", c.Declared, true)
	switch {
	case errors.Is(err, errTooLarge):
		d.what = "what the server of " + d.repo + " sends as repomd.xml does not end"
	case err != nil:
		return d
	case len(bytes.TrimSpace(content)) == 0:
		d.what = "the server of " + d.repo + " sends an empty repomd.xml"
	case !bytes.Contains(content, []byte("<repomd")):
		d.what = "what the server of " + d.repo + " sends is not a repository"
	default:
		return d
	}
	d.code = node.CodePackages
	d.hint = "see what it sends as repodata/repomd.xml below repository.baseurl (curl -i): a proxy or a portal that asks for a login answers with a page, and a mirror with a full disk with nothing"
	return d
}

// excludingSections says which of the repositories keep a package away from dnf.
func excludingSections(files map[string][]byte, ids []string, pkg string) []string {
	var all []string
	for _, s := range dnfconf.Repositories(files) {
		for _, key := range []string{"exclude", "excludepkgs", "includepkgs"} {
			value, ok := s.Get(key)
			matches := false
			for _, pattern := range yumrepo.SplitList(value) {
				hit, err := path.Match(pattern, pkg)
				matches = matches || hit && err == nil
			}
			for _, id := range ids {
				if ok && id == s.ID && matches != (key == "includepkgs") {
					all = append(all, fmt.Sprintf("the section [%s] of %s has %s=%s", id, yumrepo.FilesWith(files, id)[0], key, value))
				}
			}
		}
	}
	return all
}

// versionLocks says which lines of the lists of dnf's and yum's plugin are about
// a package.
func (m *Manager) versionLocks(pkg string) []string {
	var all []string
	for _, file := range []string{"/etc/dnf/plugins/versionlock.list", "/etc/yum/pluginconf.d/versionlock.list"} {
		text, err := m.Tree.ReadFile(strings.TrimPrefix(file, "/"))
		if err != nil {
			continue
		}
		number := 0
		for line := range strings.Lines(string(text)) {
			number++
			line = strings.TrimSpace(line)
			if bareName(strings.TrimPrefix(line, "!")) == pkg {
				all = append(all, fmt.Sprintf("%s:%d has %s", file, number, line))
			}
		}
	}
	return all
}

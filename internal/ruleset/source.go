// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package ruleset

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/settings"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/falcorules"
)

// Wanted returns the declared rules files as they should be on disk, in order.
// Only what is not on disk yet is fetched.
func (d Declared) Wanted(ctx context.Context) ([]node.RulesFile, error) {
	var all []node.RulesFile
	for i, f := range d.Settings.Falco.Rules {
		name := Path(i, f.Name)
		content, err := d.wantedFile(ctx, f)
		if err != nil {
			return nil, err
		}
		all = append(all, node.RulesFile{Path: name, Content: content})
	}
	return all, nil
}

func (d Declared) wantedFile(ctx context.Context, f settings.RulesFile) ([]byte, error) {
	switch {
	case f.Content != "":
		return ruleText(f, []byte(f.Content)), nil
	case f.Path != "":
		body, err := fs.ReadFile(d.View.Tree(), inTree(f.Path))
		if err != nil {
			return nil, node.Errorf(node.CodeConfig, "correct its path in the settings, or put the file there", "reading falco.rules %s: %w", f.Name, err)
		}
		return ruleText(f, body), nil
	}
	if present := d.fetchedBefore(f); present != nil {
		return present, nil
	}
	download, err := d.download(ctx, f)
	if err != nil {
		return nil, err
	}
	body, err := falcorules.Unpack(download)
	if err != nil {
		return nil, node.Errorf(node.CodeConfig, "its url must lead to a *.yaml, or to a .tar.gz with one *.yaml in it", "falco.rules %s: %w", f.Name, err)
	}
	return ruleText(f, body), nil
}

// ruleText returns the content of a rules file on disk: what was declared, byte for
// byte, below lines that say whose file it is. A mark of the byte order, which may
// only stand at the start of a file, is left out.
func ruleText(f settings.RulesFile, body []byte) []byte {
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	text := "# " + Header + "\n# falco.rules " + f.Name
	if f.SHA256 != "" {
		text += ": download " + f.SHA256 + ", content " + sum(body)
	}
	return append([]byte(text+"\n"), body...)
}

func sum(content []byte) string {
	hash := sha256.Sum256(content)
	return hex.EncodeToString(hash[:])
}

// fetchedBefore returns a file of the agent that an earlier run made from the same
// download, wherever it is in the order, if nobody has changed it since; or nil.
func (d Declared) fetchedBefore(f settings.RulesFile) []byte {
	ours, err := d.Ours()
	if err != nil {
		return nil
	}
	for _, content := range ours {
		_, rest, _ := bytes.Cut(content, []byte("\n"))
		_, body, _ := bytes.Cut(rest, []byte("\n"))
		if bytes.Equal(content, ruleText(f, body)) {
			return content
		}
	}
	return nil
}

// download returns what a url leads to: from the directory of local packages, where
// `bundle` has put it, or else from there.
func (d Declared) download(ctx context.Context, f settings.RulesFile) ([]byte, error) {
	if d.Settings.Falco.RPM != "" {
		local := path.Join(inTree(d.Settings.Falco.RPM), Bundled(f))
		if content, err := fs.ReadFile(d.View.Tree(), local); err == nil && sum(content) == f.SHA256 {
			return content, nil
		}
	}
	return Download(ctx, d.View, d.Settings, f)
}

// Download fetches a rules file and checks its sum.
func Download(ctx context.Context, view node.View, s settings.Settings, f settings.RulesFile) ([]byte, error) {
	content, err := view.Fetch(ctx, f.URL, s.Repository.ID, s.Repository.Insecure)
	if err != nil {
		return nil, fmt.Errorf("falco.rules %s: %w", f.Name, err)
	}
	if got := sum(content); got != f.SHA256 {
		return nil, node.Errorf(node.CodeTrust, "find out who changed what its url leads to; if you trust it, declare its sha256",
			"falco.rules %s: the sha256 of what was fetched is %s, not %s", f.Name, got, f.SHA256)
	}
	return content, nil
}

// Bundled returns the name that the download of a rules file has in a bundle.
func Bundled(f settings.RulesFile) string {
	name := "rules-" + f.Name
	if u, _, _ := strings.Cut(f.URL, "?"); strings.HasSuffix(u, ".gz") || strings.HasSuffix(u, ".tgz") {
		return name + ".tar.gz"
	}
	return name + ".yaml"
}

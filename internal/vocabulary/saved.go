// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package vocabulary

import (
	"fmt"
	"io/fs"
	"strings"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/redact"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/falcoconf"
)

// SavedConfig is where rpm puts an edited falco.yaml when an upgrade replaces it.
const SavedConfig = "/etc/falco/falco.yaml.rpmsave"

// LostEdits warns of an operator's edits that are no longer in force because an upgrade
// moved their file aside. live is falco.yaml as it will be.
func LostEdits(view node.View, installed *node.Package, live []byte) []node.Warning {
	saved, err := fs.ReadFile(view.Tree(), SavedConfig[1:])
	if err != nil {
		return nil
	}
	lost, err := falcoconf.LostEdits(live, saved, shippedBefore(view, installed))
	if err != nil || len(lost) == 0 {
		return nil
	}
	return []node.Warning{{
		Message: fmt.Sprintf("an upgrade moved an edited falco.yaml to %s; no longer in force: %s", SavedConfig, JoinSettings(lost)),
		Hint:    "declare what is still wanted in falco.config, then remove that file",
		Drift:   node.DriftConfigReplaced,
	}}
}

// shippedBefore returns falco.yaml as the package had it that an upgrade replaced, or nil
// if that is not known. What was kept last is that of the old package if somebody else
// has upgraded since. Only root can read either.
func shippedBefore(view node.View, installed *node.Package) []byte {
	kept := node.ShippedConfig
	last, err := view.Stat(kept)
	if err == nil && installed != nil && !last.ModTime.Before(installed.Installed) {
		kept = node.ShippedBefore
	}
	content, err := fs.ReadFile(view.Tree(), kept[1:])
	if err != nil {
		return nil
	}
	return content
}

// JoinSettings returns settings for a message, without secrets.
func JoinSettings(all []falcoconf.Setting) string {
	var texts []string
	for _, s := range all {
		texts = append(texts, s.Path+"="+redact.Value(s.Path, s.Value))
	}
	return strings.Join(texts, ", ")
}

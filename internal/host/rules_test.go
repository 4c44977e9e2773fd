// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

// Falco is given rules files that are on no disk, in order, and its message names
// them as they will be named.
func TestExamineRules(t *testing.T) {
	mine := memory()[0] + "/" + memoryDir + strconv.Itoa(os.Getpid()) + "-"
	killed := memory()[0] + "/" + memoryDir + "4194305-" + strconv.Itoa(os.Getpid()) // no process has that number
	if err := os.MkdirAll(filepath.Join(killed, "0"), 0o700); err != nil {
		t.Fatal(err)
	}
	m, _ := onHost(t, func(tools *tools) {
		tools.falco = script(t, "falco", `for a; do case $a in *site.yaml) stat -c %a "$(dirname "$(dirname "$a")")" >&2; echo "Error: $a: $(cat "$a") $*" >&2;; esac; done; exit 1`)
	})
	check := node.FalcoCheck{Version: "0.44.1", Args: []string{"-r", "/etc/other.yaml"}, Rules: []node.RulesFile{
		{Path: "/etc/falco/falco_rules.yaml"}, {Path: "/etc/falco/rules.d/50-site.yaml", Content: []byte("mine")}, {Path: "/etc/falco/rules.d/z.yaml"},
	}}
	reason, _, err := askFalco(t.Context(), m.tools, check, nil)
	const want = "/etc/falco/rules.d/50-site.yaml: mine -c /etc/falco/falco.yaml -r /etc/falco/falco_rules.yaml -r /etc/falco/rules.d/50-site.yaml -r /etc/falco/rules.d/z.yaml --dry-run"
	if err != nil || !strings.Contains(reason, want) {
		t.Errorf("askFalco = %q, %v, want %q", reason, err, want)
	}
	if after, _ := filepath.Glob(mine + "*"); len(after) > 0 || exists(killed) {
		t.Errorf("left behind: %q; by a run that was killed: %v", after, exists(killed))
	}
}

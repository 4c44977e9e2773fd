// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package pkgmgr

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/falco-bootstrap/falco-bootstrap/internal/files"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/program"
)

// A hint names the files of the node that it is about.
func TestPlace(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"etc/dnf/dnf.conf":                 "[main]\nproxy=http://p:3128\nproxy_username=u\n",
		"etc/dnf/plugins/versionlock.list": "# kept\n!kernel-devel-0:4.18.0-477.el8.*\nkernel-0:4.18.0-477.el8.*\n",
		"etc/yum.repos.d/base.repo":        "[base]\nbaseurl=https://m.test/b\nexcludepkgs=kernel*\nincludepkgs=dkms\n[other]\nexclude=kernel*\n",
		"etc/yum.repos.d/epel.repo":        "[epel]\nmetalink=https://m.test/epel\n",
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	tree, err := files.NewTree(dir)
	if err != nil {
		t.Fatal(err)
	}
	m := &Manager{Tree: tree}
	c := node.Install{Action: "install", Repositories: []string{"fx", "base", "epel"}, Declared: "fx", Targets: []node.Target{{Name: "kernel-devel", Spec: "kernel-devel-4.18.0-553"}}}
	for _, tt := range []struct{ name, output, want, without string }{
		{"a version lock and sections", "All matches were filtered out by exclude filtering for argument: kernel-devel-4.18.0-553\n", "; the section [base] of /etc/yum.repos.d/base.repo has excludepkgs=kernel*; the section [base] of /etc/yum.repos.d/base.repo has includepkgs=dkms; /etc/dnf/plugins/versionlock.list:2 has !kernel-devel-0:4.18.0-477.el8.*", "[other]"},
		{"a metalink", "Errors during downloading metadata for repository 'epel':\n  - Status code: 404 for https://m.test/epel (IP: ::1)\n", "see its metalink= in /etc/yum.repos.d/epel.repo", "the repository files"},
		{"half a login", "Error: repo 'fx': 'proxy_username' is set but not 'proxy_password'\n", "see /etc/dnf/dnf.conf:3", "the repository files"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := m.place(diagnose("/usr/bin/dnf", c, program.Result{Stdout: []byte(tt.output), Status: 1}), c)
			if !strings.Contains(d.hint, tt.want) || strings.Contains(d.hint, tt.without) {
				t.Errorf("hint = %q, want %q in it and not %q", d.hint, tt.want, tt.without)
			}
		})
	}
}

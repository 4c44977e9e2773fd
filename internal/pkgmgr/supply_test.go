// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package pkgmgr

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/falco-bootstrap/falco-bootstrap/internal/files"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/trust"
)

const tiny = "../trust/testdata/tiny-1.2-3.noarch.rpm"

func newSupply(t *testing.T, root string) *supply {
	t.Helper()
	m, _ := newManager(t)
	m.Tree = newTree(t, root)
	stage, err := files.MakeStage(filepath.Join(t.TempDir(), "stage"))
	if err != nil {
		t.Fatal(err)
	}
	return &supply{Manager: m, stage: stage}
}

// dnf gets a main file of our own: with what the site decides, and without any other
// repository, however it is written.
func TestConfigure(t *testing.T) {
	root := t.TempDir()
	put(t, root, "etc/dnf/dnf.conf", "[main]\nproxy=http://p:3128\nproxy_password=\"a b\"\nreposdir=/srv\ncachedir=/x\nexclude=a\n b\n[falcosecurity-rpm]\nbaseurl=http://evil\ngpgcheck=0\n")
	put(t, root, "srv/falco.repo", "[falcosecurity-rpm]\nbaseurl=http://other\ngpgcheck=0\nmetalink=http://evil\ncost=1\nusername=u\nincludepkgs=falco*\n  x\n")
	s := newSupply(t, root)
	path, err := s.configure(node.Install{Declared: "falcosecurity-rpm", BaseURL: "https://falco/rpm", KeyFile: "/etc/key", RepoGPGCheck: true})
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := "[main]\nreposdir=@/none\ncachedir=@/cache\nproxy=http://p:3128\nproxy_password=a b\nexclude=a b\n" +
		"[falcosecurity-rpm]\nname=falcosecurity-rpm\nbaseurl=https://falco/rpm\nenabled=1\ngpgcheck=1\nrepo_gpgcheck=1\ngpgkey=file:///etc/key\nsslverify=1\n"
	if diff := cmp.Diff(strings.ReplaceAll(want, "@", s.stage.Dir), string(got)); diff != "" {
		t.Errorf("configure (-want +got):\n%s", diff)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600: it may hold passwords", info.Mode(), err)
	}
}

// A site's own options of the section stay.
func TestOwnSectionKeeps(t *testing.T) {
	root := t.TempDir()
	put(t, root, "etc/yum.repos.d/falco.repo", "[falcosecurity-rpm]\nbaseurl=http://other\ngpgcheck=0\nmetalink=http://evil\ncost=1\nusername=u\nincludepkgs=falco*\n  x\n")
	s := newSupply(t, root)
	path, err := s.configure(node.Install{Declared: "falcosecurity-rpm", BaseURL: "https://falco/rpm", KeyFile: "/etc/key"})
	if err != nil {
		t.Fatal(err)
	}
	got, _ := os.ReadFile(path)
	if !strings.HasSuffix(string(got), "repo_gpgcheck=0\ngpgkey=file:///etc/key\nsslverify=1\nusername=u\nincludepkgs=falco* x\n") {
		t.Errorf("configure wrote\n%s", got)
	}
}

func TestRequireIs(t *testing.T) {
	for _, tt := range []struct {
		name, version, nevra string
		want                 bool
	}{
		{"falco", "0.44.1", "falco-0.44.1-1.x86_64", true},
		{"falco", "0.44.1", "falco-2:0.44.1-1.x86_64", true},
		{"falco", "", "falco-0.44.1-1.x86_64", true},
		{"falco", "0.44.1", "falco-0.44.10-1.x86_64", false},
		{"falco", "0.44.1", "falco-0.36.2-1.x86_64", false},
		{"falco", "0.44.1", "gcc-toolset-14-0.44.1-1.x86_64", false},
		{"gcc-toolset-14", "14.0", "gcc-toolset-14-14.0-1.el9.x86_64", true},
	} {
		err := requireIs(node.Target{Name: tt.name, New: tt.version}, tt.nevra, "")
		if (err == nil) != tt.want {
			t.Errorf("requireIs(%s %s, %s) = %v, want none: %v", tt.name, tt.version, tt.nevra, err, tt.want)
		}
		if tt.want && nameOf(tt.nevra) != tt.name {
			t.Errorf("nameOf(%s) = %s", tt.nevra, nameOf(tt.nevra))
		}
	}
}

// A fetched package that no pinned key has signed ends the transaction, whatever dnf
// says of it; so does a fetch that brings nothing.
func TestFetched(t *testing.T) {
	for _, tt := range []struct {
		name, from string
		code       node.Code
		says       string
	}{
		{"signed by another key", tiny, node.CodeTrust, "tiny.rpm of the repository falcosecurity-rpm: tiny-1.2-3.noarch: it is signed by a key that is not pinned"},
		{"nothing", "", node.CodePackages, "it did not come"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSupply(t, t.TempDir())
			if tt.from != "" {
				content, err := os.ReadFile(tt.from)
				if err != nil {
					t.Fatal(err)
				}
				put(t, s.stage.Dir, "files/tiny.rpm", string(content))
			}
			get := part{Install: node.Install{Declared: "falcosecurity-rpm", Targets: []node.Target{{Name: "falco", Spec: "falco"}}}, into: s.stage.Path("files")}
			_, err := s.fetched(get, nil)
			wantCode(t, err, tt.code)
			if !strings.Contains(err.Error(), tt.says) || node.HintOf(err) == "" {
				t.Errorf("fetched = %v (%s), want %q and a hint", err, node.HintOf(err), tt.says)
			}
		})
	}
}

// The copy of a local package is what is checked: by its signature, and by what it
// is.
func TestLocal(t *testing.T) {
	content, err := os.ReadFile(tiny)
	if err != nil {
		t.Fatal(err)
	}
	from := put(t, t.TempDir(), "falco.rpm", string(content))
	s := newSupply(t, "/")
	if _, err := s.local([]node.Target{{Name: "tiny", Spec: from, New: "1.2"}}); node.CodeOf(err) != node.CodeTrust || !strings.Contains(err.Error(), "checking "+from) {
		t.Errorf("a package that no pinned key has signed: %v", err)
	}
	key, err := os.ReadFile("../trust/testdata/tiny-signer.asc")
	if err != nil {
		t.Fatal(err)
	}
	if s.keys, err = trust.ParseKeys(key); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, version, says string }{
		{"tiny", "1.2", ""},
		{"tiny", "1.3", "it is tiny-1.2-3.noarch, and not tiny 1.3"},
		{"falco", "1.2", "and not falco 1.2"},
	} {
		s.stage, err = files.MakeStage(s.stage.Dir)
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.local([]node.Target{{Name: tt.name, Spec: from, New: tt.version}})
		switch {
		case tt.says == "" && (err != nil || got[0].File != s.stage.Path("falco.rpm") || !exists(got[0].File)):
			t.Errorf("local(%s %s) = %+v, %v", tt.name, tt.version, got, err)
		case tt.says != "" && (node.CodeOf(err) != node.CodeTrust || !strings.Contains(err.Error(), tt.says)):
			t.Errorf("local(%s %s) = %v, want %q", tt.name, tt.version, err, tt.says)
		}
	}
}

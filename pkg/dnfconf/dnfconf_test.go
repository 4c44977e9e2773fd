// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package dnfconf

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

func tree(files map[string]string) fstest.MapFS {
	all := fstest.MapFS{}
	for name, content := range files {
		all[strings.TrimPrefix(name, "/")] = &fstest.MapFile{Data: []byte(content)}
	}
	return all
}

func TestRead(t *testing.T) {
	const repo = "[a]\nenabled=1\n"
	tests := []struct {
		name  string
		files map[string]string
		file  string
		home  string // or the end of the error
		repos []string
	}{
		{name: "nothing", file: "/etc/dnf/dnf.conf", home: "/etc/yum.repos.d"},
		{
			name: "the standard", file: "/etc/dnf/dnf.conf", home: "/etc/yum.repos.d",
			files: map[string]string{"/etc/yum.repos.d/a.repo": repo, "/etc/yum.repos.d/a.repo.rpmsave": repo, "/etc/distro.repos.d/b.repo": repo},
			repos: []string{"/etc/distro.repos.d/b.repo", "/etc/yum.repos.d/a.repo"},
		},
		{
			name: "other directories", file: "/etc/dnf/dnf.conf", home: "/srv/repos",
			files: map[string]string{"/etc/dnf/dnf.conf": "[main]\nreposdir=/srv/repos, /srv/more/\n", "/etc/yum.repos.d/a.repo": repo, "/srv/more/b.repo": repo},
			repos: []string{"/srv/more/b.repo"},
		},
		{
			name: "the standard is not first", file: "/etc/dnf/dnf.conf", home: "/etc/yum.repos.d",
			files: map[string]string{"/etc/dnf/dnf.conf": "[main]\nreposdir=/srv/repos /etc/yum.repos.d\n"},
		},
		{
			name: "no directory", file: "/etc/dnf/dnf.conf", home: "/etc/dnf/dnf.conf:2: reposdir= names no directory, so dnf reads no repository file",
			files: map[string]string{"/etc/dnf/dnf.conf": "[main]\nreposdir=\n[b]\nbaseurl=x\n", "/etc/yum.repos.d/a.repo": repo},
			repos: []string{"/etc/dnf/dnf.conf"},
		},
		{
			name: "yum", file: "/etc/yum.conf", home: "/etc/yum.repos.d",
			files: map[string]string{"/etc/yum.conf": "[main]\n", "/etc/dnf/dnf.conf": "[main]\nreposdir=/x\n"},
		},
		{
			name: "dnf beside a yum.conf", file: "/etc/dnf/dnf.conf", home: "/x",
			files: map[string]string{"/usr/bin/dnf": "", "/etc/yum.conf": "[main]\n", "/etc/dnf/dnf.conf": "[main]\nreposdir=/x\n"},
		},
		{
			name: "a broken main file", file: "/etc/dnf/dnf.conf", home: "/etc/yum.repos.d",
			files: map[string]string{"/etc/dnf/dnf.conf": "[main\nreposdir=/x\n"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := Read(tree(tt.files))
			if err != nil {
				t.Fatal(err)
			}
			home, err := c.Home()
			if err != nil {
				home = err.Error()
			}
			files, err := c.Files()
			if err != nil || c.File != tt.file || home != tt.home {
				t.Errorf("Read = %s, home %s, %v; want %s, %s", c.File, home, err, tt.file, tt.home)
			}
			if diff := cmp.Diff(tt.repos, slices.Sorted(maps.Keys(files))); diff != "" {
				t.Errorf("Files (-want +got):\n%s", diff)
			}
			if broken := strings.Contains(tt.name, "broken"); (c.Err != nil) != broken {
				t.Errorf("Err = %v, want one: %v", c.Err, broken)
			}
		})
	}
}

func TestBackups(t *testing.T) {
	c, err := Read(tree(map[string]string{"/etc/yum.repos.d/a.repo": "", "/etc/yum.repos.d/b.repo.osms-backup": ""}))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := c.Backups(".osms-backup"); err != nil || !slices.Equal(got, []string{"/etc/yum.repos.d/b.repo.osms-backup"}) {
		t.Errorf("Backups = %q, %v", got, err)
	}
}

// A repository's own key comes first, also an empty one.
func TestGet(t *testing.T) {
	c, err := Read(tree(map[string]string{
		"/etc/dnf/dnf.conf":       "[main]\nproxy=http://main:3128\nproxy_username = \"u\"\n",
		"/etc/yum.repos.d/a.repo": "[a]\nproxy=http://a:3128\n[b]\nproxy=\n[v]\nproxy=http://$site:3128\n",
		"/etc/yum/vars/site":      "old\n",
		"/etc/dnf/vars/site":      "new\n",
	}))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ id, key, want string }{
		{"a", "proxy", "http://a:3128"}, {"b", "proxy", ""}, {"v", "proxy", "http://new:3128"}, {"c", "proxy", "http://main:3128"}, {"a", "proxy_username", "u"}, {"a", "sslcacert", ""},
	} {
		if got := c.Get(tt.id, tt.key); got != tt.want {
			t.Errorf("Get(%s, %s) = %q, want %q", tt.id, tt.key, got, tt.want)
		}
	}
}

func TestExcluder(t *testing.T) {
	for _, tt := range []struct {
		conf, name string
		line       int // 0 for none
	}{
		{"exclude=bash kernel*\n", "kernel-devel", 2},
		{"best=1\nexcludepkgs=falco\n", "falco", 3},
		{"exclude=falco\nexcludepkgs=\n", "falco", 0},
		{"exclude=falco-0.40*, falco.i686\n", "falco", 0},
		{"exclude=*\ndisable_excludes=main\n", "falco", 0},
		{"exclude=[\n", "falco", 0},
		{"", "falco", 0},
	} {
		c, err := Read(tree(map[string]string{"/etc/dnf/dnf.conf": "[main]\n" + tt.conf}))
		if err != nil {
			t.Fatal(err)
		}
		if o, ok := c.Excluder(tt.name); ok != (tt.line > 0) || o.Line != tt.line {
			t.Errorf("%q: Excluder(%s) = %+v, %v, want line %d", tt.conf, tt.name, o, ok, tt.line)
		}
	}
}

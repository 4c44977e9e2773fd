// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package steps

import (
	"cmp"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/systemd"
)

// What fills in the addresses of Oracle's repositories at boot.
const (
	mapperUnit   = "oci-yum-repo-mapper.service"
	mapperMarker = "/var/lib/oci-linux-config/yum_populated"
)

// Only a transaction that needs Oracle's repositories waits for the variables in
// their URLs, and only where something sets them.
func TestMapperIsAwaited(t *testing.T) {
	const repo = "/etc/yum.repos.d/oracle-linux-ol8.repo"
	tests := []struct {
		name string
		edit func(n *fakeNode)
		pin  string // 0.39.2 unless set
		want bool
	}{
		{name: "not set yet", edit: func(*fakeNode) {}, want: true},
		{name: "no build dependencies", edit: func(*fakeNode) {}, pin: "0.44.1"},
		{name: "set for dnf", edit: func(n *fakeNode) { n.write("/etc/dnf/vars/ociregion", "\n") }},
		{name: "marked as done", edit: func(n *fakeNode) { n.write(mapperMarker, "") }},
		{name: "plain URLs", edit: func(n *fakeNode) {
			n.write(repo, "[ol8_baseos_latest]\nbaseurl=https://yum.oracle.com/x\nenabled=1\n")
		}},
		{name: "nothing sets them", edit: func(n *fakeNode) { delete(n.units, mapperUnit) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n, s := newNode(t, "8.10", uek7)
			s.Falco.Version = cmp.Or(tt.pin, "0.39.2")
			n.write(repo, "[ol8_baseos_latest]\nbaseurl=https://yum$ociregion.$ocidomain/x\nenabled=1\n")
			n.units[mapperUnit] = &systemd.Unit{Name: mapperUnit, ID: mapperUnit, LoadState: "loaded", ActiveState: "active"}
			tt.edit(n)
			out, err := planOf(t, n, s, idPackages)
			if err != nil {
				t.Fatal(err)
			}
			got := false
			for _, c := range out.Changes {
				install, ok := c.(node.Install)
				got = got || ok && install.Await != nil
			}
			if got != tt.want {
				t.Errorf("Plan awaits the mapper: %v, want %v in %v", got, tt.want, out.Changes)
			}
		})
	}
}

// What an upgrade could not remove is removed without its scripts.
func TestLeftBesideTheNewVersion(t *testing.T) {
	n, s := newNode(t, "9.6", rhck9)
	converged(t, n, s)
	old := n.packages[0]
	for _, p := range n.packages {
		if p.Name == "falco" {
			old = p
		}
	}
	old.Version, old.Installed = "0.41.3", old.Installed.Add(-1)
	n.packages = append(n.packages, old)
	out, err := planOf(t, n, s, idPackages)
	if err != nil || len(out.Changes) != 1 || out.Changes[0].String() != "remove "+old.NEVRA()+" without its scriptlets" {
		t.Errorf("Plan = %v, %v; want the removal of %s", out.Changes, err, old.NEVRA())
	}
}

// What is asked of dnf, and what is left on, by the repositories of the node.
func TestRepositories(t *testing.T) {
	const oracle = "[ol8_baseos_latest]\nbaseurl=https://yum/x\nenabled=1\n[ol8_ksplice]\nenabled=1\n"
	const fedora = "[epel]\nname=Extra Packages for Enterprise Linux $releasever\nmetalink=https://mirrors.fedoraproject.org/metalink?repo=epel-8&arch=$basearch\nenabled=%d\n"
	tests := []struct {
		name  string
		files map[string]string // beside Oracle's, which "" replaces
		from  string            // the repositories of the last transaction
		first string            // the first transaction, if it brings EPEL
		off   []string          // files that are edited
	}{
		{name: "none", from: "falcosecurity-rpm ol8_baseos_latest ol8*_developer_EPEL", first: "oracle-epel-release-el8"},
		{
			name: "Oracle's, with the modular one", from: "falcosecurity-rpm ol8_baseos_latest ol8_developer_EPEL",
			files: map[string]string{"/etc/yum.repos.d/e.repo": "[ol8_developer_EPEL]\nenabled=1\n[ol8_developer_EPEL_modular]\nenabled=1\n"},
			off:   []string{"/etc/yum.repos.d/e.repo"},
		},
		{
			name: "Fedora's", from: "falcosecurity-rpm ol8_baseos_latest epel",
			files: map[string]string{"/etc/yum.repos.d/epel.repo": fmt.Sprintf(fedora, 1)},
			off:   []string{"/etc/yum.repos.d/epel.repo"},
		},
		{
			name: "Fedora's is on, Oracle's is off", from: "falcosecurity-rpm ol8_baseos_latest epel",
			files: map[string]string{"/etc/yum.repos.d/epel.repo": fmt.Sprintf(fedora, 1), "/etc/yum.repos.d/o.repo": "[ol8_developer_EPEL]\nenabled=0\n"},
			off:   []string{"/etc/yum.repos.d/epel.repo"},
		},
		{
			name: "both are off", from: "falcosecurity-rpm ol8_baseos_latest ol8_developer_EPEL",
			files: map[string]string{"/etc/yum.repos.d/epel.repo": fmt.Sprintf(fedora, 0), "/etc/yum.repos.d/o.repo": "[ol8_developer_EPEL]\nenabled=0\n"},
		},
		{
			name: "of another release", from: "falcosecurity-rpm ol8_baseos_latest ol8*_developer_EPEL", first: "oracle-epel-release-el8",
			files: map[string]string{"/etc/yum.repos.d/e.repo": "[ol7_developer_EPEL]\nenabled=0\n[epel9]\nenabled=0\n"},
		},
		{
			name: "OS Management Hub", from: "falcosecurity-rpm ol8_baseos_latest-ol8-x86_64 ol8_developer_epel-ol8-x86_64",
			files: map[string]string{"": "[ol8_baseos_latest-ol8-x86_64]\n[site-tools]\n", "/etc/yum.repos.d/h.repo": "[ol8_developer_epel-ol8-x86_64]\n"},
			off:   []string{"/etc/yum.repos.d/h.repo"},
		},
		{
			name: "a mirror by its path", from: "falcosecurity-rpm site-base site-extra",
			files: map[string]string{"": "[site-base]\n", "/etc/yum.repos.d/m.repo": "[site-extra]\nbaseurl=http://mirror/epel/8/x86_64/\nenabled=0\n"},
		},
		{
			name: "the UEK before the newest", from: "falcosecurity-rpm ol8_UEKR8 ol8_UEKR7 ol8_developer_EPEL",
			files: map[string]string{"": "[ol8_UEKR8]\n[ol8_UEKR7]\nenabled=0\n[ol8_UEKR6]\nenabled=0\n[ol8_developer_EPEL]\nenabled=0\n"},
		},
		{
			name: "another directory", from: "falcosecurity-rpm site",
			files: map[string]string{"/etc/dnf/dnf.conf": "[main]\nreposdir=/srv/repos\n", "/srv/repos/s.repo": "[site]\n[site-epel]\nenabled=1\n"},
			off:   []string{"/srv/repos/s.repo"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n, s := newNode(t, "8.10", uek7)
			s.Falco.Version = "0.39.2"
			n.write(repoDir+"/oracle-linux.repo", cmp.Or(tt.files[""], oracle))
			for name, content := range tt.files {
				if name != "" {
					n.write(name, content)
				}
			}
			out, err := planOf(t, n, s, idPackages)
			if err != nil {
				t.Fatal(err)
			}
			last := out.Changes[len(out.Changes)-1].(node.Install)
			if got := strings.ReplaceAll(strings.Join(last.Repositories, " "), "site-epel", ""); strings.TrimSpace(got) != tt.from {
				t.Errorf("from %q, want %q", got, tt.from)
			}
			if first := out.Changes[0].(node.Install).Targets[0].Spec; tt.first != "" && first != tt.first || tt.first == "" && len(out.Changes) != 1 {
				t.Errorf("first %s of %d transactions, want %q", first, len(out.Changes), tt.first)
			}
			out, err = planOf(t, n, s, "epel")
			if err != nil {
				t.Fatal(err)
			}
			var off []string
			for _, c := range out.Changes {
				off = append(off, c.(node.WriteFile).Path)
			}
			if !slices.Equal(off, tt.off) {
				t.Errorf("edited %q, want %q", off, tt.off)
			}
		})
	}
}

// A node without a repository of the distribution is told so, before dnf is
// asked.
func TestNoDistribution(t *testing.T) {
	tests := []struct {
		name string
		edit func(n *fakeNode)
		says string
	}{
		{"OS Management", func(n *fakeNode) {
			n.write(repoDir+"/oracle-linux-ol8.repo.osms-backup", "[ol8_baseos_latest]\n")
			n.write(repoDir+"/uek-ol8.repo.osms-backup", "[ol8_UEKR7]\n")
		}, "OS Management has renamed oracle-linux-ol8.repo.osms-backup and 1 more"},
		{"all are off", func(n *fakeNode) { n.write(repoDir+"/o.repo", "[ol8_baseos_latest]\nenabled=0\n") }, "no repository of the distribution is enabled"},
		{"only Falco's and EPEL", func(n *fakeNode) { n.write(repoDir+"/o.repo", "[falcosecurity-rpm]\n[epel]\n") }, "no repository of the distribution is enabled"},
		{"the headers are excluded", func(n *fakeNode) { n.write("/etc/dnf/dnf.conf", "[main]\nbest=1\nexclude=bash,kernel*\n") }, "/etc/dnf/dnf.conf:3 excludes the package kernel-uek-devel: exclude=bash,kernel*"},
		{"a broken dnf.conf", func(n *fakeNode) { n.write("/etc/dnf/dnf.conf", "[main\n") }, "reading /etc/dnf/dnf.conf: "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n, s := newNode(t, "8.10", uek7)
			delete(n.files, inTree(repoDir+"/oracle-linux.repo"))
			tt.edit(n)
			s.Falco.Version = "0.39.2"
			_, err := planOf(t, n, s, idPackages)
			if err == nil || node.CodeOf(err) != node.CodePackages || !strings.Contains(err.Error(), tt.says) || node.HintOf(err) == "" {
				t.Errorf("Plan = %v, want %q", err, tt.says)
			}
			s.Falco.Version = "0.44.1" // which needs nothing of the distribution
			if _, err := planOf(t, n, s, idPackages); (err != nil) != strings.Contains(tt.name, "broken") {
				t.Errorf("Plan of a Falco that builds nothing = %v", err)
			}
		})
	}
}

// What is in a file's place and is no file is refused in a dry run too.
func TestNotAFile(t *testing.T) {
	for _, tt := range []struct {
		name, path, step string
		is               *fstest.MapFile
		says             string
	}{
		{"a dangling link", repoFile, idRepository, &fstest.MapFile{Mode: fs.ModeSymlink | 0o777, Data: []byte("/nowhere")}, "changing " + repoFile + ": not a regular file, but a link to /nowhere"},
		{"a directory", repoFile, idRepository, &fstest.MapFile{Mode: fs.ModeDir | 0o755}, "changing " + repoFile + ": not a regular file, but a directory"},
		{"a link in logrotate's directory", logrotateFile, idDropIns, &fstest.MapFile{Mode: fs.ModeSymlink | 0o777, Data: []byte("/nowhere")}, "changing " + logrotateFile + ": not a regular file"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n, s := newNode(t, "9.6", rhck9)
			n.files[inTree(tt.path)] = tt.is
			if _, err := planOf(t, n, s, tt.step); err == nil || !strings.Contains(err.Error(), tt.says) || node.HintOf(err) == "" {
				t.Errorf("Plan = %v, want %q and a hint", err, tt.says)
			}
		})
	}
}

// The repository file goes where dnf reads it.
func TestRepositoryHome(t *testing.T) {
	for _, tt := range []struct{ conf, home, says string }{
		{"[main]\n", repoFile, ""},
		{"[main]\nreposdir=/srv/repos\n", "/srv/repos/falcosecurity.repo", ""},
		{"[main]\nreposdir=/srv/repos,/etc/yum.repos.d\n", repoFile, ""},
		{"[main]\nreposdir=\n", "", "/etc/dnf/dnf.conf:2: reposdir= names no directory"},
	} {
		n, s := newNode(t, "9.6", rhck9)
		n.write("/etc/dnf/dnf.conf", tt.conf)
		out, err := planOf(t, n, s, "repository")
		switch {
		case tt.says != "":
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%q: Plan = %v, want %s", tt.conf, err, tt.says)
			}
		case err != nil || len(out.Changes) != 1 || out.Changes[0].(node.WriteFile).Path != tt.home:
			t.Errorf("%q: Plan = %v, %v, want %s", tt.conf, out.Changes, err, tt.home)
		}
	}
}

// The headers of a variant are asked for by name and by what they provide, and
// are there when dkms has what it builds with.
func TestHeadersOfVariants(t *testing.T) {
	for kernel, spec := range map[string]string{
		"4.18.0-553.el8_10.x86_64+debug":       "kernel-debug-devel-4.18.0-553.el8_10.x86_64",
		"4.18.0-553.rt7.342.el8_10.x86_64":     "kernel-rt-devel-4.18.0-553.rt7.342.el8_10.x86_64",
		"5.15.0-210.163.7.el8uek.x86_64":       "kernel-uek-devel-5.15.0-210.163.7.el8uek.x86_64",
		"5.15.0-210.163.7.el8uek.x86_64.debug": "kernel-uek-debug-devel-5.15.0-210.163.7.el8uek.x86_64",
	} {
		n, s := newNode(t, "8.10", kernel)
		s.Falco.Version = "0.39.2"
		targets := func() []node.Target {
			out, err := planOf(t, n, s, idPackages)
			if err != nil {
				t.Fatalf("%s: %v", kernel, err)
			}
			return out.Changes[len(out.Changes)-1].(node.Install).Targets
		}
		devel := func(p node.Target) bool {
			return p.Spec == spec && slices.Contains(p.Provides, "kernel-devel-uname-r = "+kernel)
		}
		if got := targets(); !slices.ContainsFunc(got, devel) {
			t.Errorf("%s: targets %v, want %s", kernel, got, spec)
		}
		n.write("/lib/modules/"+kernel+"/build/include/x.h", "")
		if got := targets(); slices.ContainsFunc(got, devel) {
			t.Errorf("%s: targets %v with the headers there", kernel, got)
		}
	}
}

// Falco comes from the declared repository alone, whatever else the transaction needs
// and however it is planned: each package is checked before it is installed.
func TestFalcoIsSupplied(t *testing.T) {
	const repo = "/etc/yum.repos.d/oracle-linux-ol8.repo"
	for _, tt := range []struct {
		name, version string
		prepare       func(n *fakeNode)
		needs         bool // others, for the package itself
	}{
		{name: "an old Falco", version: "0.39.2", needs: true},
		{name: "a new one", version: "0.44.1"},
		{name: "the newest, which may be an old one", needs: true},
		{name: "a reinstall", version: "0.44.1", prepare: func(n *fakeNode) {
			n.installFalco(node.Target{New: "0.44.1"})
			n.altered = []node.AlteredFile{{Path: "/usr/bin/falco", Missing: true}}
		}},
		{name: "one that another key signed", version: "0.44.1", prepare: func(n *fakeNode) {
			n.installFalco(node.Target{New: "0.44.1"})
			n.packages[len(n.packages)-1].SignerID = "92bb875bb465ad19"
		}},
		{name: "one that nobody signed", version: "0.44.1", prepare: func(n *fakeNode) {
			n.installFalco(node.Target{New: "0.44.1"})
			n.packages[len(n.packages)-1].SignerID = ""
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n, s := newNode(t, "8.10", uek7)
			s.Falco.Version = tt.version
			n.write(repo, "[ol8_baseos_latest]\nbaseurl=https://x/x\nenabled=1\n")
			if tt.prepare != nil {
				tt.prepare(n)
			}
			out, err := planOf(t, n, s, idPackages)
			if err != nil || len(out.Changes) == 0 {
				t.Fatalf("plan = %+v, %v", out, err)
			}
			c, ok := out.Changes[len(out.Changes)-1].(node.Install)
			if !ok || c.Declared != s.Repository.ID || c.BaseURL != s.Repository.BaseURL || !c.RepoGPGCheck || c.KeyFile != KeyFile || !slices.Equal(c.Fingerprints, s.Repository.Fingerprints) || c.NeedsOthers != tt.needs {
				t.Errorf("the change is %+v", out.Changes)
			}
			if tt.prepare != nil && c.Action != "reinstall" {
				t.Errorf("the action is %s, want reinstall", c.Action)
			}
		})
	}
}

// With local packages nothing is asked of the repository, so that it is off; without
// them it is on again.
func TestRepositoryOfAnOfflineNode(t *testing.T) {
	n, s := newNode(t, "9.6", uek7)
	for _, tt := range []struct{ rpm, want string }{{"/srv/bundle", "enabled=0\n"}, {"", "enabled=1\n"}} {
		s.Falco.RPM = tt.rpm
		for _, changes := range []int{1, 0} {
			out, err := planOf(t, n, s, idRepository)
			if err != nil || len(out.Changes) != changes {
				t.Fatalf("%q: plan = %+v, %v; want %d changes", tt.rpm, out, err, changes)
			}
			for _, c := range out.Changes {
				w := c.(node.WriteFile)
				if !strings.Contains(string(w.New), tt.want) {
					t.Errorf("%q: the file is\n%s\nwant %s", tt.rpm, w.New, tt.want)
				}
				n.write(w.Path, string(w.New))
			}
		}
	}
}

// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package pkgmgr

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

func TestToolArgv(t *testing.T) {
	falco := node.Target{Name: "falco", Spec: "falco-0.44.1", New: "0.44.1"}
	// The options of the table.
	ofDNF := "--setopt=assumeno=0 --setopt=strict=1 --setopt=best=1 --setopt=skip_broken=0 --setopt=tsflags= --setopt=localpkg_gpgcheck=1 --setopt=install_weak_deps=0 --setopt=clean_requirements_on_remove=0 --setopt=installonly_limit=0 --setopt=installonlypkgs=kernel-devel,kernel-uek-devel,installonlypkg(kernel) --setopt=multilib_policy=best --setopt=ignorearch=0 --setopt=allow_vendor_change=1 --setopt=diskspacecheck=1 --setopt=installroot=/ --setopt=cacheonly=0 --setopt=gpgkey_dns_verification=0 --setopt=color=never --setopt=debuglevel=2 --setopt=errorlevel=3 --setopt=rpmverbosity=info --setopt=timeout=20 --setopt=retries=3"
	ofYum := "--setopt=assumeno=0 --setopt=skip_broken=0 --setopt=skip_missing_names_on_install=0 --setopt=tsflags= --setopt=localpkg_gpgcheck=1 --setopt=clean_requirements_on_remove=0 --setopt=installonly_limit=0 --setopt=multilib_policy=best --setopt=diskspacecheck=1 --setopt=color=never --setopt=debuglevel=2 --setopt=errorlevel=2 --setopt=rpmverbosity=info --setopt=timeout=20 --setopt=retries=3"
	tests := []struct {
		name  string
		tool  string
		c     node.Install
		again bool
		want  string // @D and @Y are the table's
	}{
		{
			name: "install", tool: "/usr/bin/dnf",
			c:    node.Install{Action: "install", Repositories: []string{"a", "b"}, Declared: "a", Exclude: []string{"falco-0.40.0*"}, Targets: []node.Target{falco, {Spec: "dkms"}}},
			want: "/usr/bin/dnf -y --disablerepo=* --enablerepo=a --enablerepo=b @D --setopt=a.gpgcheck=1 --setopt=a.skip_if_unavailable=0 --setopt=b.gpgcheck=1 --setopt=b.skip_if_unavailable=0 --setopt=a.metadata_expire=1 --exclude=falco-0.40.0* install falco-0.44.1 dkms",
		},
		{
			name: "again, every repository", tool: "/usr/bin/dnf", again: true,
			c:    node.Install{Action: "install", Targets: []node.Target{{Spec: "falco <= 0.39.2"}}},
			want: "/usr/bin/dnf -y @D --refresh install falco <= 0.39.2",
		},
		{
			name: "removal without scripts", tool: "/usr/bin/dnf",
			c:    node.Install{Action: "remove", NoScripts: true, Targets: []node.Target{{Spec: "falco"}}},
			want: "/usr/bin/dnf -y @D --setopt=tsflags=noscripts remove falco",
		},
		{
			name: "what a package provides", tool: "/usr/bin/dnf",
			c:    node.Install{Action: "install", Targets: []node.Target{{Spec: "kernel-devel-1", Provides: []string{"kernel-devel = 1", "kernel-devel-uname-r = 1.x86_64"}}}},
			want: "/usr/bin/dnf -y @D install (kernel-devel = 1 or kernel-devel-uname-r = 1.x86_64)",
		},
		{
			name: "what a package provides, for yum", tool: "/usr/bin/yum",
			c:    node.Install{Action: "install", Targets: []node.Target{{Spec: "kernel-devel-1", Provides: []string{"kernel-devel = 1"}}}},
			want: "/usr/bin/yum -y @Y install kernel-devel-1",
		},
		{
			name: "yum", tool: "/usr/bin/yum", again: true,
			c:    node.Install{Action: "install", Repositories: []string{"a"}, Targets: []node.Target{falco}},
			want: "/usr/bin/yum -y --disablerepo=* --enablerepo=a @Y --setopt=a.gpgcheck=1 --setopt=a.skip_if_unavailable=0 install falco-0.44.1",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tool := packageTool(tt.tool)
			want := strings.NewReplacer("@D", ofDNF, "@Y", ofYum).Replace(tt.want)
			if d := cmp.Diff(want, strings.Join(tool.argv(part{Install: tt.c}, tt.again), " ")); d != "" {
				t.Errorf("argv (-want +got):\n%s", d)
			}
		})
	}
}

// A package of Falco is fetched, and then installed, with a main file of our own.
func TestOwnConfiguration(t *testing.T) {
	c := node.Install{Action: "install", Repositories: []string{"a"}, Declared: "a", Targets: []node.Target{{Name: "falco", Spec: "falco"}}}
	for _, tt := range []struct {
		tool, action string
		file, into   string
		first, last  string // around the options of the table
	}{
		{"/usr/bin/dnf", "install", "", "/s/files", "/usr/bin/dnf -y -c /s/dnf.conf --disablerepo=* --enablerepo=a ", " --setopt=a.metadata_expire=1 --downloadonly --downloaddir=/s/files install falco"},
		{"/usr/bin/dnf", "download", "", "/s/files", "/usr/bin/dnf -y -c /s/dnf.conf --disablerepo=* --enablerepo=a ", " --destdir=/s/files download falco"},
		{"/usr/bin/dnf", "reinstall", "/s/falco.rpm", "", "/usr/bin/dnf -y -c /s/dnf.conf --noplugins --disablerepo=* ", " reinstall /s/falco.rpm"},
		{"/usr/bin/yum", "downgrade", "", "/s/files", "/usr/bin/yum -y -c /s/dnf.conf --disablerepo=* --enablerepo=a ", " --downloadonly --downloaddir=/s/files downgrade falco"},
		{"/usr/bin/yum", "download", "", "/s/files", "/usr/bin/yumdownloader -y -c /s/dnf.conf --disablerepo=* --enablerepo=a --destdir=/s/files falco", ""},
	} {
		p := part{Install: c, conf: "/s/dnf.conf", into: tt.into}
		p.Action, p.Targets[0].File = tt.action, tt.file
		if tt.into == "" {
			p.Repositories = nil
		}
		got := strings.Join(packageTool(tt.tool).argv(p, false), " ")
		if !strings.HasPrefix(got, tt.first) || !strings.HasSuffix(got, tt.last) {
			t.Errorf("argv = %s, want %s ...%s", got, tt.first, tt.last)
		}
	}
}

func TestTransactions(t *testing.T) {
	c := node.Install{Action: "install", Targets: []node.Target{
		{Name: "falco", Spec: "falco-0.39.2", Old: "0.44.1", New: "0.39.2"}, {Name: "dkms", Spec: "dkms"},
	}}
	if got := transactions(packageTool("/usr/bin/dnf"), c); len(got) != 1 || got[0].Action != "install" {
		t.Errorf("transactions for dnf = %v, want the one", got)
	}
	got := transactions(packageTool("/usr/bin/yum"), c)
	if len(got) != 2 || got[0].String() != "downgrade falco-0.39.2" || got[1].String() != "install dkms" {
		t.Errorf("transactions for yum = %v, want a downgrade and an install", got)
	}
}

func TestInstall(t *testing.T) {
	tests := []struct {
		name string
		body string // of dnf; $N is the number of the try
		runs int
		code node.Code
		says string
	}{
		{name: "at once", body: "exit 0", runs: 1},
		{name: "after the lock", body: `[ $N = 3 ] || { echo "Error: Failed to obtain the transaction lock (logged in as: root)."; exit 200; }`, runs: 3},
		{name: "after a signal", body: `[ $N = 2 ] || kill -KILL $$`, runs: 2},
		{name: "signals without end", body: `kill -KILL $$`, runs: 3, code: node.CodePackages, says: "killed"},
		{name: "no match", body: `echo "No match for argument: falco-9"; echo "Error: Unable to find a match: falco-9"; exit 1`, runs: 1, code: node.CodePackages, says: "install falco-9 from r: the repository has no falco-9"},
		{name: "not signed", body: `echo "Package falco-9-1.x86_64.rpm is not signed"; echo "Error: GPG check FAILED"; exit 1`, runs: 1, code: node.CodeTrust, says: "falco-9-1.x86_64.rpm of repository r is not signed"},
		{name: "no network", body: `echo "Curl error (6): Couldn't resolve host name for https://u:secret@download.falco.org/ [Could not resolve host: download.falco.org]"; exit 1`, runs: 5, code: node.CodePackages, says: "download.falco.org cannot be resolved"},
		{name: "something else", body: `echo "Traceback: oh"; exit 1`, runs: 1, code: node.CodePackages, says: "exit status 1 (dnf: Traceback: oh)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			count := filepath.Join(t.TempDir(), "count")
			dnf := script(t, "dnf", `echo x >>`+count+`; N=$(wc -l <`+count+`); `+tt.body)
			m, _ := newManager(t)
			m.DNF = []string{"/nowhere/dnf", dnf}
			err := m.Install(t.Context(), node.Install{Action: "install", Repositories: []string{"r"}, Targets: []node.Target{{Spec: "falco-9"}}})
			wantCode(t, err, tt.code)
			if err != nil && (!strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "secret")) {
				t.Errorf("Install = %v, want %q and no credentials", err, tt.says)
			}
			runs, _ := os.ReadFile(count)
			if got := strings.Count(string(runs), "x"); got != tt.runs {
				t.Errorf("dnf ran %d times, want %d", got, tt.runs)
			}
		})
	}
}

func TestInstallEnvironment(t *testing.T) {
	t.Setenv("https_proxy", "http://proxy:3128")
	t.Setenv("OTHER", "x")
	file := filepath.Join(t.TempDir(), "env")
	m, _ := newManager(t)
	m.DNF = []string{script(t, "dnf", "env >"+file)}
	if err := m.Install(t.Context(), node.Install{Action: "install", Targets: []node.Target{{Spec: "falco"}}}); err != nil {
		t.Fatal(err)
	}
	content, _ := os.ReadFile(file)
	for line, want := range map[string]bool{
		"FALCO_FRONTEND=noninteractive": true, "DNF_DISABLE_ALIASES=1": true, "FALCO_DRIVER_CHOICE=none": true, "FALCOCTL_ENABLED=no": true,
		"LC_ALL=C": true, "https_proxy=http://proxy:3128": true, "HOME=/root": true, "OTHER=x": false,
	} {
		if got := strings.Contains("\n"+string(content), "\n"+line+"\n"); got != want {
			t.Errorf("dnf's environment has %s: %v, want %v", line, got, want)
		}
	}
}

// When the run's time is up, dnf is stopped, and its last reason is not lost.
func TestInstallOutOfTime(t *testing.T) {
	m, _ := newManager(t)
	m.DNF = []string{script(t, "dnf", `echo "Waiting for process with pid 7 to finish."; exec sleep 60`)}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	began := time.Now()
	err := m.Install(ctx, node.Install{Action: "install", Targets: []node.Target{{Spec: "falco"}}})
	wantCode(t, err, node.CodePackages)
	if !strings.Contains(err.Error(), "another program holds the package lock") || time.Since(began) > 30*time.Second {
		t.Errorf("Install = %v after %v", err, time.Since(began))
	}
}

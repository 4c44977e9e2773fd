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
	"github.com/falco-bootstrap/falco-bootstrap/internal/program"
)

func TestToolArgv(t *testing.T) {
	falco := node.Target{Name: "falco", Spec: "falco-0.44.1", New: "0.44.1"}
	tests := []struct {
		name  string
		tool  string
		c     node.Install
		again bool
		want  string
	}{
		{
			name: "install", tool: "/usr/bin/dnf",
			c:    node.Install{Action: "install", Repositories: []string{"a", "b"}, Exclude: []string{"falco-0.40.0*"}, Targets: []node.Target{falco, {Spec: "dkms"}}},
			want: "/usr/bin/dnf -y --disablerepo=* --enablerepo=a --enablerepo=b --setopt=timeout=20 --setopt=retries=3 --setopt=install_weak_deps=False --setopt=localpkg_gpgcheck=1 --setopt=a.gpgcheck=1 --setopt=a.skip_if_unavailable=0 --setopt=b.gpgcheck=1 --setopt=b.skip_if_unavailable=0 --exclude=falco-0.40.0* install falco-0.44.1 dkms",
		},
		{
			name: "again, every repository", tool: "/usr/bin/dnf", again: true,
			c:    node.Install{Action: "install", Targets: []node.Target{{Spec: "falco <= 0.39.2"}}},
			want: "/usr/bin/dnf -y --setopt=timeout=20 --setopt=retries=3 --setopt=install_weak_deps=False --setopt=localpkg_gpgcheck=1 --refresh install falco <= 0.39.2",
		},
		{
			name: "removal without scripts", tool: "/usr/bin/dnf",
			c:    node.Install{Action: "remove", NoScripts: true, Targets: []node.Target{{Spec: "falco"}}},
			want: "/usr/bin/dnf -y --setopt=timeout=20 --setopt=retries=3 --setopt=install_weak_deps=False --setopt=localpkg_gpgcheck=1 --setopt=clean_requirements_on_remove=False --setopt=tsflags=noscripts remove falco",
		},
		{
			name: "yum", tool: "/usr/bin/yum", again: true,
			c:    node.Install{Action: "install", Repositories: []string{"a"}, Targets: []node.Target{falco}},
			want: "/usr/bin/yum -y --disablerepo=* --enablerepo=a --setopt=timeout=20 --setopt=retries=3 --setopt=skip_missing_names_on_install=False --setopt=localpkg_gpgcheck=1 --setopt=a.gpgcheck=1 --setopt=a.skip_if_unavailable=0 install falco-0.44.1",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tool := packageTool(tt.tool)
			if d := cmp.Diff(tt.want, strings.Join(tool.argv(tt.c, tt.again), " ")); d != "" {
				t.Errorf("argv (-want +got):\n%s", d)
			}
		})
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
		{name: "not signed", body: `echo "Package falco-9-1.x86_64.rpm is not signed"; echo "Error: GPG check FAILED"; exit 1`, runs: 1, code: node.CodeTrust, says: "falco-9-1.x86_64.rpm is not signed"},
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
		"FALCO_FRONTEND=noninteractive": true, "FALCO_DRIVER_CHOICE=none": true, "FALCOCTL_ENABLED=no": true,
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

func TestDiagnose(t *testing.T) {
	tests := []struct {
		output string
		code   node.Code
		final  bool
		what   string
	}{
		{"Error: Failed to download metadata for repo 'falcosecurity-rpm': repomd.xml GPG signature verification error: Bad GPG signature", node.CodeTrust, true, "the repository's metadata is not signed by the pinned key"},
		{"The GPG keys listed for the \"falco\" repository are already installed but they are not correct for this package.\nError: GPG check FAILED", node.CodeTrust, true, `a package of repository "falco" is signed by a key outside the pinned ones`},
		{"Public key for falco-0.44.1.rpm is not installed. Failing package is: falco", node.CodeTrust, true, "falco-0.44.1.rpm is signed by a key that is not trusted here"},
		{"Error: \n Problem: conflicting requests\n  - nothing provides libstdc++.so.6(GLIBCXX_3.4.26)(64bit) needed by falco-0.41.3-1.x86_64 from falco", node.CodePackages, true, "nothing provides libstdc++.so.6(GLIBCXX_3.4.26)(64bit), which falco-0.41.3-1.x86_64 needs"},
		{" Problem: package falco-0.39.2-1.x86_64 from falco requires dkms, but none of the providers can be installed", node.CodePackages, true, "it requires dkms, and nothing that has it can be installed"},
		{"Error: Package: falco-0.39.2 (falco)\n           Requires: dkms", node.CodePackages, true, "it needs dkms, which is not there"},
		{"No package falco-9 available.\nError: Nothing to do", node.CodePackages, true, "the repository has no falco-9"},
		{"Error: Error downloading packages:\n  Curl error (28): Timeout was reached for http://x/y [Connection timed out after 20001 milliseconds]", node.CodePackages, false, "the repository's server does not answer"},
		{"Errors during downloading metadata for repository 'falco':\n  - Status code: 404 for http://x/repodata/repomd.xml (IP: 1.2.3.4)", node.CodePackages, false, "the repository's server answers 404"},
		{"Error: Failed to download metadata for repo 'falco': Cannot prepare internal mirrorlist", node.CodePackages, false, "the metadata of repository falco cannot be loaded"},
		{"Could not resolve host: yum$ociregion.$ocidomain", node.CodePackages, false, "the name yum$ociregion.$ocidomain cannot be resolved"},
		{"error: can't create transaction lock on /var/lib/rpm/.rpm.lock (Resource temporarily unavailable)", node.CodePackages, false, "another program holds the package lock"},
		{"Existing lock /var/run/yum.pid: another copy is running as pid 7.\nAnother app is currently holding the yum lock; waiting for it to exit...", node.CodePackages, false, "another program holds the package lock"},
		{"Error Summary\n-------------\nDisk Requirements:\n   At least 51MB more space needed on the / filesystem.", node.CodePackages, true, "at least 51MB more space needed on the / filesystem"},
		{"  - Curl error (60): SSL peer certificate or SSH remote key was not OK for https://x [SSL certificate problem: certificate is not yet valid]", node.CodePackages, true, "the server's certificate is not trusted"},
		{"Errors during downloading metadata for repository 'fx':\n  - Curl error (7): Couldn't connect to server for http://127.0.0.1:9/x/repodata/repomd.xml [Failed to connect to 127.0.0.1 port 9 after 0 ms: Couldn't connect to server]\nIgnoring repositories: fx\nNo match for argument: falco\nError: Unable to find a match: falco", node.CodePackages, false, "the repository fx cannot be read"},
		{"All matches were filtered out by exclude filtering for argument: falco\nError: Unable to find a match: falco", node.CodePackages, true, "every falco there is excluded (exclude= in the configuration of dnf, a version lock, or a version that cannot run here)"},
		{"You have enabled checking of packages via GPG keys. This is a good thing.\nHowever, you do not have any GPG public keys installed.\nProblem repository: [fy]", node.CodeTrust, true, "the repository fy names no key (gpgkey=) to check its packages with"},
		{"Error: Unknown repo: 'nope'", node.CodePackages, true, "there is no repository nope"},
		{"Error in PREUN scriptlet in rpm package falco", node.CodePackages, true, "the package's own script keeps it from being removed"},
		{"", node.CodePackages, true, "dnf failed with exit status 1"},
	}
	for _, tt := range tests {
		got := diagnose("/usr/bin/dnf", program.Result{Stdout: []byte(tt.output), Status: 1})
		if got.code != tt.code || got.what != tt.what || (got.tries == 1) != tt.final {
			t.Errorf("diagnose(%q) = %v, %q, %d tries; want %v, %q, final %v", tt.output, got.code, got.what, got.tries, tt.code, tt.what, tt.final)
		}
	}
}

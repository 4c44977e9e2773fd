// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"slices"
	"strings"
	"testing"
)

// building returns the setup of a node on which Falco needs dkms and the headers of
// the kernel, so that other repositories than Falco's take part.
func building() Setup {
	d := OL("8.10").RHCK()
	d.Falco, d.Config = "0.39.2", "falco:\n  version: 0.39.2\n"
	return d
}

// epelAt makes EPEL's repository file name another directory of the web server.
func epelAt(dir string) string {
	return "sed -i 's,^baseurl=.*,baseurl=" + www + "/" + dir + ",' /etc/yum.repos.d/oracle-epel-ol8.repo"
}

// TestDnfReasons lets dnf fail in ways that are not Falco's fault, and wants the
// reason and a hint about what failed. dnf's own settings change nothing.
func TestDnfReasons(t *testing.T) {
	t.Parallel()
	n := Start(t, building())
	n.Must(`set -e; cp -r /etc/yum.repos.d /srv/repos.d; cp /etc/dnf/dnf.conf /srv/dnf.conf
		mkdir -p /srv/www/falco/nosig /srv/www/t/unsigned; cp /srv/www/falco/0.39.2/*.rpm /srv/www/falco/nosig; createrepo_c -q /srv/www/falco/nosig
		cp /srv/www/oracle/ol8/epel/*.rpm /srv/www/t/unsigned; rpmsign --delsign /srv/www/t/unsigned/*.rpm >/dev/null 2>&1; createrepo_c -q /srv/www/t/unsigned`)
	for _, test := range []struct {
		name    string
		prepare string
		flags   []string
		exit    int
		dry     bool // a dry run says so too
		want    []string
	}{
		{name: "metadata without a signature", flags: []string{"--repository-baseurl", www + "/falco/nosig"}, exit: 4, want: []string{"the repository falcosecurity-rpm does not sign its metadata", "repository.repo_gpgcheck: false"}},
		{name: "an unsigned package of EPEL", prepare: epelAt("t/unsigned"), exit: 4, want: []string{"of repository ol8_developer_EPEL is not signed", "ol8_developer_EPEL is not Falco's repository"}},
		{name: "an EPEL that is gone", prepare: epelAt("t/gone"), exit: 5, want: []string{"the server of ol8_developer_EPEL answers 404", "ol8_developer_EPEL is not Falco's repository"}},
		{name: "no headers of the kernel", flags: []string{"--kernel-release=4.18.0-999.el8_10.x86_64"}, exit: 5, want: []string{"the repository has no kernel-devel-4.18.0-999.el8_10.x86_64", "list kernel-devel, or reboot"}},
		{name: "no headers, and strict is off", prepare: "echo strict=0 >>/etc/dnf/dnf.conf", flags: []string{"--kernel-release=4.18.0-999.el8_10.x86_64"}, exit: 5, want: []string{"the repository has no kernel-devel-4.18.0-999"}},
		{name: "headers are excluded", prepare: "echo 'exclude=kernel*' >>/etc/dnf/dnf.conf", exit: 5, dry: true, want: []string{"excludes the package kernel-devel: exclude=kernel*", "/etc/dnf/dnf.conf:"}},
		{name: "headers are excluded of their repository", prepare: "sed -i '/^.ol8_baseos_latest/a excludepkgs=kernel*' /etc/yum.repos.d/oracle-linux-ol8.repo", exit: 5, want: []string{"every kernel-devel-4.18.0-553.16.1.el8_10.x86_64 there is excluded", "exclude=kernel*"}},
		{name: "versions are locked", prepare: "echo 'dkms-0:1.0-1.*' >>/etc/dnf/plugins/versionlock.list", exit: 5, want: []string{"every dkms there is excluded", "/etc/dnf/plugins/versionlock.list:", "has dkms-0:1.0-1.*"}},
		{name: "a variable that no file sets", prepare: "sed -i 's,8089/,8089/$site/,' /etc/yum.repos.d/uek-ol8.repo", exit: 5, want: []string{"the variable site in the address of ol8_UEKR7 is not set", "/etc/dnf/vars/site", "its baseurl= in /etc/yum.repos.d/uek-ol8.repo"}},
		{name: "a proxy's user without a password", prepare: "echo proxy_username=u >>/etc/dnf/dnf.conf", exit: 5, want: []string{"has a user and no password", "see /etc/dnf/dnf.conf:"}},
		{name: "a repository file that dnf skips", prepare: "sed -i '1i <html>' /etc/yum.repos.d/oracle-linux-ol8.repo", exit: 5, want: []string{"has no kernel-devel-4.18.0-553", "dnf skips /etc/yum.repos.d/oracle-linux-ol8.repo", "correct that file first"}},
		{name: "OS Management has the repositories", prepare: "cd /etc/yum.repos.d; for f in oracle-linux uek; do mv $f-ol8.repo $f-ol8.repo.osms-backup; done", exit: 5, dry: true, want: []string{"OS Management has renamed oracle-linux-ol8.repo.osms-backup and 1 more", "modern_ebpf"}},
		{name: "no directory of repositories", prepare: "echo reposdir= >>/etc/dnf/dnf.conf", exit: 5, dry: true, want: []string{"/etc/dnf/dnf.conf:", "reposdir= names no directory"}},
		{name: "a broken dnf.conf", prepare: "echo '[broken' >>/etc/dnf/dnf.conf", exit: 5, dry: true, want: []string{"reading /etc/dnf/dnf.conf"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			n.In(t)
			if test.prepare != "" {
				n.Must(test.prepare)
			}
			if test.dry {
				requireRefused(t, n.Run(append([]string{"--dry-run"}, test.flags...)...), test.exit, test.want...)
			}
			requireRefused(t, n.Run(test.flags...), test.exit, test.want...)
			if got := n.Installed("falco", "dkms"); len(got) != 0 {
				t.Errorf("%q is installed", got)
			}
			n.Must("rm -rf /etc/yum.repos.d; cp -r /srv/repos.d /etc/yum.repos.d; cp /srv/dnf.conf /etc/dnf/dnf.conf; : >/etc/dnf/plugins/versionlock.list")
		})
	}
	n.runSubtests(t, []subtest{{"settings of dnf", hostileDnfConf}, {"a variant of the kernel", debugKernel}})
}

// hostileDnfConf are the keys of dnf.conf that would change what is installed or
// what is said about it.
func hostileDnfConf(t *testing.T, n *Node) {
	n.WriteFile("/etc/dnf/dnf.conf", `[main]
assumeno=1
strict=0
best=0
skip_broken=1
tsflags=test,justdb,noscripts,nocontexts
color=always
debuglevel=0
errorlevel=0
rpmverbosity=debug
installonly_limit=2
installonlypkgs=
multilib_policy=all
ignorearch=1
allow_vendor_change=0
diskspacecheck=0
installroot=/srv/root
clean_requirements_on_remove=1
cacheonly=1
gpgcheck=0
localpkg_gpgcheck=0
gpgkey_dns_verification=1
install_weak_deps=1
skip_if_unavailable=1
metadata_expire=never
timeout=1
retries=0
obsoletes=0
exit_on_lock=1
pluginconfpath=/nowhere
reposdir=/srv/repos
cachedir=/srv/cache
persistdir=/srv/persist
logdir=/srv/log
module_platform_id=platform:el9
protected_packages=falco
`)
	n.Must("mkdir -p /srv/repos /etc/dnf/aliases.d; mv /etc/yum.repos.d/*.repo /srv/repos; printf '[main]\\nenabled=1\\n[aliases]\\ninstall=list\\n' >/etc/dnf/aliases.d/USER.conf")
	r := n.Run()
	if r.Exit != 0 || strings.Contains(r.Stdout+r.Stderr, "\x1b") {
		t.Fatalf("exit %d, want 0, and no escape sequences: %q", r.Exit, r)
	}
	want := []string{"dkms-3.1.8-1.el8.noarch", "falco-0.39.2-1.x86_64", "kernel-devel-" + n.Setup.Kernel}
	if got := n.Installed("falco", "dkms", "kernel*-devel"); !slices.Equal(got, want) {
		t.Errorf("installed %q, want %q", got, want)
	}
	if n.Exists("/etc/yum.repos.d/falcosecurity.repo") || !n.Exists("/srv/repos/falcosecurity.repo") || n.Exists("/srv/root/usr/bin/falco") {
		t.Error("the repository file or Falco is not where dnf reads and installs")
	}
	n.requireNoChange(t)
}

// debugKernel boots another kernel, whose headers are in a package of another name.
func debugKernel(t *testing.T, n *Node) {
	if r := n.Run("--kernel-release", n.Setup.Kernel+"+debug"); r.Exit != 0 {
		t.Fatal(r)
	}
	want := []string{"kernel-debug-devel-" + n.Setup.Kernel, "kernel-devel-" + n.Setup.Kernel}
	if got := n.Installed("kernel*-devel"); !slices.Equal(got, want) {
		t.Errorf("installed %q, want %q", got, want)
	}
	n.requireNoChange(t, "--kernel-release", n.Setup.Kernel+"+debug")
}

// TestEPELOfOthers has Fedora's EPEL where Oracle's is expected: it is used, none is
// installed beside it, and every one that was on is off in the end.
func TestEPELOfOthers(t *testing.T) {
	t.Parallel()
	d := building()
	d.EPEL, d.Kernel = epelAbsent, OL("8.10").Kernel
	section := func(id, url string) string {
		return "[" + id + "]\nname=Extra Packages for Enterprise Linux 8\nbaseurl=" + www + url + "\nenabled=1\ngpgcheck=1\ngpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-oracle\n"
	}
	d.Files = map[string]string{
		"/etc/yum.repos.d/epel.repo":  section("epel", "/oracle/ol8/epel") + section("epel-testing", "/nowhere"),
		"/etc/yum.repos.d/extra.repo": section("site-extra", "/nowhere/epel/modular/8"),
	}
	n := Start(t, d)
	// As on an image that has another UEK enabled than the one that runs.
	n.Must("sed -i 's/^enabled=1/enabled=0/' /etc/yum.repos.d/uek-ol8.repo")
	if r := n.Run(); r.Exit != 0 {
		t.Fatal(r)
	}
	want := []string{"dkms-3.1.8-1.el8.noarch", "falco-0.39.2-1.x86_64", "kernel-uek-devel-" + n.Setup.Kernel}
	if got := n.Installed("falco", "dkms", "oracle-epel-release*", "kernel-uek-devel"); !slices.Equal(got, want) {
		t.Errorf("installed %q, want %q", got, want)
	}
	if left := n.Sh("grep enabled=1 /etc/yum.repos.d/epel.repo /etc/yum.repos.d/extra.repo").Stdout; left != "" {
		t.Errorf("EPEL is left on: %s", left)
	}
	n.requireNoChange(t)
}

// TestProxies has Falco's repository and key behind a proxy, which is the web server:
// it answers for any host. Both are reached the same way, wherever that is said.
func TestProxies(t *testing.T) {
	t.Parallel()
	d := OL("9.6")
	d.Config = "" // the repository is at a host that only the proxy knows
	n := Start(t, d)
	n.Must("sed -i 's,http://127.0.0.1:8089,http://falco.invalid,' /etc/falco-bootstrap.yaml")
	run := func(environment string) Result {
		return n.Sh(environment + " " + strings.Join(n.agentCommand([]string{"--timeout=2m"}), " "))
	}
	for _, test := range []struct{ name, environment, conf string }{
		{"HTTP_PROXY", "HTTP_PROXY=" + www, ""},
		{"http_proxy", "http_proxy=" + www, ""},
		{"dnf.conf", "", "proxy=" + www},
		{"dnf.conf before the environment", "http_proxy=http://127.0.0.1:9", "proxy=" + www},
	} {
		t.Run(test.name, func(t *testing.T) {
			n.In(t)
			n.Must("cp /etc/dnf/dnf.conf /srv/dnf.conf; echo " + test.conf + " >>/etc/dnf/dnf.conf")
			if r := run(test.environment); r.Exit != 0 {
				t.Errorf("%v", r)
			}
			n.Must("cp /srv/dnf.conf /etc/dnf/dnf.conf; " + forget(falcoMail) + "rm -rf /etc/pki/rpm-gpg/RPM-GPG-KEY-falcosecurity /var/cache/dnf")
			n.removeFalco()
		})
	}
}
